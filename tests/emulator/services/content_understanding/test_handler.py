"""Content Understanding: roles, defaults, analyzers, operations, results, quotas and faults."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from emulator.core.resource_store import Resource
from emulator.services.content_understanding.errors import ContentUnderstandingError
from emulator.services.content_understanding.quotas import RequestQuotas
from tests.emulator.conftest import Deployment
from tests.emulator.services.content_understanding.conftest import AUDIENCE
from tests.emulator.services.content_understanding.support import (
    DEFINITION,
    Account,
    Answer,
    Clock,
    Service,
    picture,
)

ACTIONS = "Microsoft.CognitiveServices/accounts/MultiModalIntelligence"
CUSTOM = "mine"


async def prepare_and_analyze(account: Account) -> Answer:
    await account.prepare()
    return await account.result(await account.analyze())


def test_an_analysis_is_an_operation_with_the_fields_of_the_definition_and_no_confidences(service: Service) -> None:
    async def conversation(account: Account) -> list[Answer]:
        await account.prepare()
        started = await account.analyze()
        path = f"/analyzerResults/{started.body['id']}"
        states = [await account.send("GET", path)]
        account.clock.now += 0.5
        states.append(await account.send("GET", path))
        return [started, *states, await account.result(started)]

    started, first, second, last = service.run(conversation)
    assert started.status == 202
    operation_id = started.body["id"]
    assert started.headers["Operation-Location"] == (
        f"https://f.services.ai.azure.com/contentunderstanding/analyzerResults/{operation_id}?api-version=2025-11-01"
    )
    assert started.body["status"] == "Running"
    assert started.body["result"] == {
        "analyzerId": CUSTOM,
        "apiVersion": "2025-11-01",
        "createdAt": "1970-01-12T13:46:41Z",
        "warnings": [],
        "contents": [],
    }
    assert [answer.body["status"] for answer in (first, second, last)] == ["Running", "Running", "Succeeded"]
    assert not any("Retry-After" in answer.headers for answer in (started, first, second, last))
    (content,) = last.body["result"]["contents"]
    assert content["fields"] == {
        "caption": {"type": "string", "valueString": "template: a cat"},
        "tags": {
            "type": "array",
            "valueArray": [{"type": "string", "valueString": "cat"}, {"type": "string", "valueString": "animal"}],
        },
        "category": {"type": "string", "valueString": "animal"},
    }
    assert (content["kind"], content["mimeType"]) == ("document", "image/png")
    assert content["markdown"] == "![image](pages/1)\n"
    assert content["pages"] == [{"pageNumber": 1, "spans": []}]
    assert last.body["result"]["analyzerId"] == CUSTOM
    assert last.body["usage"]["contextualizationTokens"] == 1000
    # 20 x 15 patches with a factor of 1.62, rounded up, and 13 characters of descriptions: 487 + 4.
    assert last.body["usage"]["tokens"] == {"gpt-5.4-mini-input": 491, "gpt-5.4-mini-output": 54}


def test_text_needs_neither_defaults_nor_a_model(service: Service, reader: dict[str, str]) -> None:
    async def conversation(account: Account) -> Answer:
        return await account.result(await account.analyze("prebuilt-read"))

    answer = service.run(conversation, headers=reader)
    (content,) = answer.body["result"]["contents"]
    assert content["markdown"] == "HELLO BIG CAT\nBYE\n"
    (page,) = content["pages"]
    assert (content["unit"], page["width"], page["height"]) == ("pixel", 640, 480)
    assert page["lines"][0] == {
        "content": "HELLO BIG CAT",
        "span": {"offset": 0, "length": 13},
        "source": "D(1,1,2,9,2,9,4.5,1,4.5)",
    }
    assert page["lines"][1]["span"] == {"offset": 14, "length": 3}
    assert [(word["content"], word["span"]["offset"], word["confidence"]) for word in page["words"]] == [
        ("HELLO", 0, 0.9),
        ("BIG", 6, 0.8),
        ("CAT", 10, 0.7),
    ]
    assert answer.body["usage"] == {"documentPagesBasic": 1}


def test_who_analyzes_may_not_define(service: Service, reader: dict[str, str]) -> None:
    service.run(lambda account: account.prepare())

    async def define(account: Account) -> list[tuple[int, str, bool]]:
        answers = [
            (await account.send("PUT", "/analyzers/other", DEFINITION), "analyzers/write"),
            (await account.send("DELETE", f"/analyzers/{CUSTOM}"), "analyzers/delete"),
            (await account.send("PATCH", "/defaults", {"modelDeployments": {}}), "defaults/write"),
        ]
        return [
            (answer.status, answer.body["error"]["code"], f"`{ACTIONS}/{action}`" in answer.body["error"]["message"])
            for answer, action in answers
        ]

    async def read_and_analyze(account: Account) -> list[int]:
        read = [await account.send("GET", path) for path in ("/defaults", f"/analyzers/{CUSTOM}")]
        return [answer.status for answer in (*read, await account.result(await account.analyze()))]

    assert service.run(define, headers=reader) == [(401, "PermissionDenied", True)] * 3
    assert service.run(read_and_analyze, headers=reader) == [200, 200, 200]


def test_a_caller_without_a_role_or_a_token_may_do_nothing(
    service: Service, token: Callable[..., dict[str, str]]
) -> None:
    async def conversation(account: Account) -> list[int]:
        return [
            (await account.send("GET", "/defaults")).status,
            (await account.analyze("prebuilt-read")).status,
            (await account.send("GET", "/analyzerResults/x")).status,
        ]

    assert service.run(conversation, headers=token("nobody", AUDIENCE)) == [401] * 3
    assert service.run(conversation, headers=token("deployer", "https://storage.azure.com")) == [401] * 3
    assert service.run(conversation, headers={}) == [401] * 3


def test_before_the_defaults_are_set_nothing_is_defined_and_nothing_is_told_of_them(service: Service) -> None:
    async def conversation(account: Account) -> list[Answer]:
        answers = [
            await account.send("GET", "/defaults"),
            await account.send("PUT", f"/analyzers/{CUSTOM}", DEFINITION),
        ]
        await account.send("PATCH", "/defaults", {"modelDeployments": {"gpt-5.2": "vision"}})
        return [*answers, await account.send("PUT", f"/analyzers/{CUSTOM}", DEFINITION)]

    read, early, other_model = service.run(conversation)
    assert read.status == early.status == other_model.status == 400
    assert (
        read.body
        == early.body
        == {
            "error": {
                "code": "InvalidRequest",
                "message": "Invalid request.",
                "innererror": {
                    "code": "DefaultsNotSet",
                    "message": "Defaults have not yet been set. Call 'PATCH /contentunderstanding/defaults' first.",
                },
            }
        }
    )
    assert other_model.body["error"]["innererror"] == {
        "code": "DefaultDeploymentModelNotFound",
        "message": (
            "Defaults have not yet been set to 'gpt-5.4-mini'. Call 'PATCH /contentunderstanding/defaults' first."
        ),
    }


def test_without_an_analyzer_that_is_ready_and_its_defaults_nothing_is_analyzed(service: Service) -> None:
    async def conversation(account: Account) -> list[tuple[int, str]]:
        unknown = await account.analyze()
        await account.prepare()
        account.clock.now -= 1
        early = await account.analyze()
        account.clock.now += 1
        await account.send("PATCH", "/defaults", {"modelDeployments": {"gpt-5.4-mini": None}})
        without_defaults = await account.analyze()
        await account.send("PATCH", "/defaults", {"modelDeployments": {"gpt-5.2": "vision"}})
        without_model = await account.analyze()
        return [(answer.status, answer.inner) for answer in (unknown, early, without_defaults, without_model)]

    assert service.run(conversation) == [
        (404, "ModelNotFound"),
        (409, "AnalyzerNotReady"),
        (400, "DefaultsNotSet"),
        (400, "DefaultDeploymentModelNotFound"),
    ]


def test_defaults_are_a_merge_patch_of_deployments_that_exist(service: Service) -> None:
    async def conversation(account: Account) -> list[Answer]:
        return [
            await account.send("PATCH", "/defaults", {"modelDeployments": {"a": "vision", "b": "VISION"}}),
            await account.send("PATCH", "/defaults", {"modelDeployments": {"a": None}}),
            await account.send("GET", "/defaults"),
            await account.send("PATCH", "/defaults", {"modelDeployments": {"a": "other"}}),
            await account.send("PATCH", "/defaults", {"other": 1}),
            await account.send("PATCH", "/defaults", b"{"),
        ]

    both, one, read, other, wrong, broken = service.run(conversation)
    assert both.body == {"modelDeployments": {"a": "vision", "b": "VISION"}}
    assert one.body == read.body == {"modelDeployments": {"b": "VISION"}}
    assert (other.status, other.inner) == (400, "DeploymentNotFound")
    assert [(answer.status, answer.inner) for answer in (wrong, broken)] == [(400, "InvalidJsonRequest")] * 2


def test_an_analysis_needs_the_deployment_that_the_defaults_name(
    service: Service, deployment: Deployment, account: Resource
) -> None:
    service.run(lambda client: client.prepare())
    (model,) = deployment.resources.of_type("cognitiveservices:Deployment")
    deployment.resources.remove(model.id)
    answer = service.run(lambda client: client.analyze())
    assert (answer.status, answer.inner) == (400, "DeploymentNotFound")


def test_an_analyzer_is_created_by_an_operation_and_outlives_the_emulator(service: Service) -> None:
    async def create(account: Account) -> list[Answer]:
        await account.send("PATCH", "/defaults", {"modelDeployments": {"gpt-5.4-mini": "vision"}})
        created = await account.send("PUT", f"/analyzers/{CUSTOM}", DEFINITION)
        location = created.headers["Operation-Location"].partition("/contentunderstanding")[2].partition("?")[0]
        early = await account.send("GET", location)
        account.clock.now += 1
        return [created, early, await account.send("GET", location)]

    created, early, ended = service.run(create)
    assert (created.status, created.body["status"]) == (201, "creating")
    assert [answer.body["status"] for answer in (early, ended)] == ["Running", "Succeeded"]

    async def read(account: Account) -> list[Answer]:
        return [
            await account.send("GET", f"/analyzers/{CUSTOM}"),
            await account.send("PUT", f"/analyzers/{CUSTOM}", DEFINITION),
            await account.send(
                "PUT", f"/analyzers/{CUSTOM}", DEFINITION, query="?api-version=2025-11-01&allowReplace=true"
            ),
            await account.send("DELETE", f"/analyzers/{CUSTOM}"),
            await account.send("DELETE", f"/analyzers/{CUSTOM}"),
            await account.send("GET", f"/analyzers/{CUSTOM}"),
            await account.send("GET", f"/analyzers/{CUSTOM}/operations/x"),
        ]

    again, conflict, replaced, deleted, *missing = service.run(read)
    assert again.body["status"] == "ready"
    assert {key: again.body[key] for key in DEFINITION} == DEFINITION
    assert (conflict.status, conflict.inner) == (409, "AnalyzerExists")
    assert (replaced.status, deleted.status) == (201, 204)
    assert [answer.status for answer in missing] == [404] * 3
    assert missing[1].body["error"] == {
        "code": "NotFound",
        "message": "Resource not found.",
        "innererror": {"code": "ModelNotFound", "message": "The requested model was not found."},
    }


def test_the_services_own_analyzers_say_which_models_they_support(service: Service) -> None:
    async def conversation(account: Account) -> list[Answer]:
        ids = ("prebuilt-image", "prebuilt-read", "prebuilt-invoice")
        return [await account.send("GET", f"/analyzers/{analyzer_id}") for analyzer_id in ids]

    image, read, invoice = service.run(conversation)
    assert image.body["supportedModels"] == {"completion": ["gpt-5.2", "gpt-5.4-mini"]}
    assert image.body["processingLocation"] == "geography"
    assert (read.status, invoice.status) == (200, 404)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (picture("GIF"), "InvalidContent"),
        (picture("WEBP"), "InvalidContent"),
        (b"no image", "InvalidContent"),
        (picture("PNG")[:100], "InvalidContent"),
        (picture(size=(49, 400)), "InvalidContentDimensions"),
        (picture(size=(50, 10_001)), "InvalidContentDimensions"),
    ],
)
def test_a_file_that_cannot_be_analyzed_fails_the_operation(service: Service, content: bytes, code: str) -> None:
    if code == "InvalidContent":
        service.models = (400, {"error": {"innererror": {"code": "InvalidImageFormat"}}})

    async def conversation(account: Account) -> Answer:
        return await account.result(await account.analyze("prebuilt-read", content))

    answer = service.run(conversation)
    assert answer.body["status"] == "Failed"
    assert (answer.body["error"]["code"], answer.inner) == ("InvalidRequest", code)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP"])
def test_documented_formats_are_analyzed_up_to_their_largest_side(service: Service, kind: str) -> None:
    async def conversation(account: Account) -> Answer:
        return await account.result(await account.analyze("prebuilt-read", picture(kind, (50, 10_000))))

    assert service.run(conversation).body["status"] == "Succeeded"


def test_what_the_models_cannot_read_is_not_supported(service: Service) -> None:
    async def conversation(account: Account) -> Answer:
        return await account.result(await account.analyze("prebuilt-read", b"\0\0\0\x18ftypheic" + b"\0" * 100))

    answer = service.run(conversation)
    assert (answer.body["status"], answer.body["error"]["code"]) == ("Failed", "NotImplemented")


def test_a_content_filter_removes_the_fields_and_warns(service: Service) -> None:
    answer = service.run(prepare_and_analyze, faults='{"contentFiltered": 1}')
    assert answer.body["status"] == "Succeeded"
    (warning,) = answer.body["result"]["warnings"]
    assert warning["code"] == "HarmfulContentFiltered"
    assert answer.body["result"]["contents"][0]["fields"] == {}


def test_an_analysis_can_fail_and_an_operation_can_be_lost(service: Service) -> None:
    failed = service.run(prepare_and_analyze, faults='{"operationFailed": 1}')
    assert failed.body["error"] == {"code": "InternalServerError", "message": "Something went wrong, on purpose."}
    service.run(lambda account: account.send("DELETE", f"/analyzers/{CUSTOM}"))
    answer = service.run(prepare_and_analyze, faults='{"operationLost": 1}')
    assert (answer.status, answer.inner) == (404, "OperationNotFound")


@pytest.mark.parametrize(("fault", "status"), [("failing", 500), ("throttled", 429)])
def test_faults_are_those_of_vision(service: Service, fault: str, status: int) -> None:
    answer = service.run(lambda account: account.analyze("prebuilt-read"), faults=f'{{"{fault}": 1}}')
    assert answer.status == status


def test_an_analysis_takes_as_long_as_is_configured_and_its_result_expires_after_a_day(service: Service) -> None:
    async def conversation(account: Account) -> list[Any]:
        started = await account.analyze("prebuilt-read")
        path = f"/analyzerResults/{started.body['id']}"
        account.clock.now += 9.9
        await asyncio.sleep(0)
        early = await account.send("GET", path)
        ended = await account.result(started, seconds=0.2)
        account.clock.now += 24 * 3600
        return [early.body["status"], ended.body["status"], (await account.send("GET", path)).status]

    assert service.run(conversation, faults='{"analysisSeconds": 10}') == ["Running", "Succeeded", 404]


def test_an_operation_belongs_to_its_account(service: Service, deployment: Deployment) -> None:
    other = deployment.add(
        "cognitiveservices:Account",
        resourceGroupName="rg",
        accountName="g",
        location="x",
        kind="AIServices",
        properties={"customSubDomainName": "g"},
    )
    deployment.assign_role("deployer", "4b42bd01-da42-4c92-9b07-15ea5bd6a602", other.id)

    async def conversation(account: Account) -> list[int]:
        started = await account.analyze("prebuilt-read")
        account.clock.now += 60
        path = f"/analyzerResults/{started.body['id']}"
        return [
            (await account.send("GET", path, Host="g.services.ai.azure.com")).status,
            (await account.send("GET", path)).status,
        ]

    assert service.run(conversation) == [404, 200]


def test_an_account_of_another_kind_has_no_content_understanding(service: Service, deployment: Deployment) -> None:
    deployment.add(
        "cognitiveservices:Account",
        resourceGroupName="rg",
        accountName="f",
        location="x",
        kind="ComputerVision",
        properties={"customSubDomainName": "f"},
    )
    assert service.run(lambda account: account.send("GET", "/defaults")).status == 404


@pytest.mark.parametrize(
    ("method", "path", "query", "status"),
    [
        ("POST", "/analyzers/mine:analyze", "?api-version=2025-11-01", 501),
        ("DELETE", "/analyzerResults/x", "?api-version=2025-11-01", 501),
        ("GET", "/analyzers", "?api-version=2025-11-01", 501),
        ("GET", "/defaults", "?api-version=2026-06-01-preview", 501),
        ("GET", "/defaults", "", 404),
        ("GET", "/defaults", "?api-version=2025-11-01&top=1", 501),
        ("GET", "/analyzers/no-hyphen", "?api-version=2025-11-01", 400),
        ("POST", "/analyzers/prebuilt-read:analyzeBinary", "?api-version=2025-11-01&stringEncoding=utf8", 501),
        ("POST", "/analyzers/prebuilt-read:analyzeBinary", "?api-version=2025-11-01&processingLocation=mars", 400),
        ("POST", "/analyzers/prebuilt-image:analyzeBinary", "?api-version=2025-11-01", 501),
        (
            "POST",
            "/analyzers/prebuilt-read:analyzeBinary",
            "?api-version=2025-11-01&processingLocation=geography&stringEncoding=codePoint",
            202,
        ),
    ],
)
def test_what_is_wrong_or_not_supported_is_refused(
    service: Service, method: str, path: str, query: str, status: int
) -> None:
    answer = service.run(lambda account: account.send(method, path, picture(), query=query))
    assert answer.status == status


def test_beyond_1000_images_or_3000_operations_in_a_minute_an_account_answers_429() -> None:
    clock = Clock()
    quotas = RequestQuotas(clock)
    for _ in range(1_000):
        quotas.count_image("/A")
    clock.now += 20.5
    with pytest.raises(ContentUnderstandingError, match="1000 images in a minute") as images:
        quotas.count_image("/a")
    assert (images.value.status, images.value.headers) == (429, {"Retry-After": "40"})
    quotas.count_image("/b")
    for _ in range(3_000):
        quotas.count_operation("/a")
    with pytest.raises(ContentUnderstandingError, match="3000 operations in a minute"):
        quotas.count_operation("/a")
    clock.now += 39.5
    quotas.count_image("/a")
    clock.now += 20.5
    quotas.count_operation("/a")


def test_images_and_operations_are_counted_apart(service: Service) -> None:
    async def conversation(account: Account) -> list[int]:
        statuses = [(await account.analyze("prebuilt-read")).status for _ in range(1_001)]
        return [*statuses[998:], (await account.send("GET", "/analyzers/prebuilt-read")).status]

    assert service.run(conversation) == [202, 202, 429, 200]
