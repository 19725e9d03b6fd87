"""The analyzer of the pipeline against the emulated service: both must agree about requests, results and errors."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from classifier.analyzers import content_understanding
from classifier.domain.errors import (
    AnalyzerConfigurationError,
    ImageRejectedError,
    OperationLostError,
    OperationRunningError,
    ThrottledError,
)
from classifier.domain.models import LongRunningOperation
from classifier.domain.ports import LongRunningCall
from common.domain.errors import AccessDeniedError, ConfigurationError, RetryLaterError
from common.domain.metrics import collect_metrics
from common.domain.models import Analysis, ImageFormat, ImageInfo

from emulator.core.resource_store import Resource
from tests.emulator.conftest import Deployment
from tests.emulator.services.content_understanding.support import PREFIX, READER, Account, Service, picture
from tests.support.fake_content_understanding import ANALYZER, CONTENT_UNDERSTANDING
from tests.support.fake_transport import FakeResponse, FakeTransport
from tests.support.fake_vision_service import create_azure_clients
from tests.support.in_memory_services import as_json

INFO = ImageInfo(width=640, height=480, format=ImageFormat.PNG)
OPTIONS = CONTENT_UNDERSTANDING | {"endpoints": ["https://f.services.ai.azure.com/"]}


class EmulatedTransport(FakeTransport):
    """Sends the requests of an analyzer to the emulated account, as the caller of the test."""

    def __init__(self, account: Account) -> None:
        self._account = account

    async def send(self, request: Any, **_: Any) -> Any:
        url = urlsplit(request.url)
        assert url.hostname == "f.services.ai.azure.com"
        path = url.path.removeprefix(PREFIX)
        answer = await self._account.send(request.method, path, request.content, query=f"?{url.query}")
        return FakeResponse(answer.status, answer.body, dict(answer.headers))


async def analyze(account: Account, *features: str, content: bytes | None = None, seconds: float = 60) -> Analysis:
    """Start all operations, and return what their results make after some seconds."""
    transport: Any = EmulatedTransport(account)
    analyzer = content_understanding.build(OPTIONS, features, create_azure_clients(transport))
    results: list[Analysis] = []
    for call in analyzer.calls:
        assert isinstance(call, LongRunningCall)
        operation, retry_after = await call.start(content or picture(), INFO, paid=False)
        assert retry_after == 0
        account.clock.now += seconds
        results.append(await get_result(call, operation, is_patient=seconds > 0))
    return Analysis.combine(results)


async def get_result(call: LongRunningCall, operation: LongRunningOperation, *, is_patient: bool) -> Analysis:
    """Return the result of an operation: the models may need longer than the clock says."""
    while True:
        try:
            return await call.get_result(operation)
        except OperationRunningError:
            if not is_patient:
                raise


def test_findings_are_those_of_the_emulated_models(service: Service, reader: dict[str, str]) -> None:
    service.run(lambda account: account.prepare(ANALYZER))
    with collect_metrics() as metrics:
        analysis = service.run(lambda account: analyze(account, "tags", "caption", "read"), headers=reader)
    findings = as_json(analysis.findings)
    assert [line["text"] for line in findings.pop("read")] == ["HELLO BIG CAT", "BYE"]
    assert findings == {
        "tags": [{"name": "cat", "confidence": None}, {"name": "animal", "confidence": None}],
        "category": "animal",
        "caption": {"text": "template: a cat", "confidence": None},
    }
    assert analysis.findings.read
    assert (analysis.findings.read[0].confidence, analysis.findings.read[0].box is not None) == (0.7, True)
    assert metrics["inputTokens"] > 0 < metrics["outputTokens"]


@pytest.mark.parametrize(
    ("faults", "kind", "code"),
    [
        ('{"contentFiltered": 1}', ImageRejectedError, "ContentFiltered"),
        ('{"operationFailed": 1}', OperationLostError, None),
        ('{"operationLost": 1}', OperationLostError, None),
        ('{"throttled": 1}', ThrottledError, None),
        ('{"failing": 1}', RetryLaterError, None),
    ],
)
def test_faults_of_the_emulator_are_what_they_stand_for(
    service: Service, reader: dict[str, str], faults: str, kind: type[Exception], code: str | None
) -> None:
    service.run(lambda account: account.prepare(ANALYZER))
    with pytest.raises(kind) as error:
        service.run(lambda account: analyze(account, "tags"), headers=reader, faults=faults)
    assert getattr(error.value, "code", None) == code


@pytest.mark.parametrize(
    ("content", "code"), [(picture(size=(640, 49)), "InvalidContentDimensions"), (b"no image", "InvalidContent")]
)
def test_a_file_that_is_refused_is_a_rejection(
    service: Service, reader: dict[str, str], content: bytes, code: str
) -> None:
    service.run(lambda account: account.prepare(ANALYZER))
    with pytest.raises(ImageRejectedError) as error:
        service.run(lambda account: analyze(account, "tags", content=content), headers=reader)
    assert error.value.code == code


def test_an_operation_runs_for_a_while(service: Service, reader: dict[str, str]) -> None:
    service.run(lambda account: account.prepare(ANALYZER))
    with pytest.raises(OperationRunningError) as error:
        service.run(lambda account: analyze(account, "tags", seconds=0), headers=reader)
    assert error.value.retry_after_seconds == 0


def test_an_account_without_the_analyzer_or_its_deployment_is_misconfigured(
    service: Service, reader: dict[str, str]
) -> None:
    with pytest.raises(ConfigurationError) as error:
        service.run(lambda account: analyze(account, "tags"), headers=reader)
    assert error.value.code == "ModelNotFound"

    async def without_defaults(account: Account) -> None:
        await account.prepare(ANALYZER)
        patched = await account.send("PATCH", "/defaults", {"modelDeployments": {"gpt-5.4-mini": None}})
        assert patched.status == 200

    service.run(without_defaults)
    with pytest.raises(AnalyzerConfigurationError) as missing:
        service.run(lambda account: analyze(account, "tags"), headers=reader)
    assert missing.value.code == "DefaultsNotSet"


def test_a_caller_without_the_role_is_denied(service: Service, token: Any) -> None:
    service.run(lambda account: account.prepare(ANALYZER))
    headers = token("other", "https://cognitiveservices.azure.com")
    with pytest.raises(AccessDeniedError):
        service.run(lambda account: analyze(account, "tags"), headers=headers)


def test_an_operation_survives_the_removal_of_the_role(
    service: Service, deployment: Deployment, account: Resource, token: Any
) -> None:
    service.run(lambda account: account.prepare(ANALYZER))
    assigned = deployment.assign_role("function", READER, account.id)

    async def conversation(client: Account) -> Analysis:
        transport: Any = EmulatedTransport(client)
        (call,) = content_understanding.build(OPTIONS, ("tags",), create_azure_clients(transport)).calls
        assert isinstance(call, LongRunningCall)
        operation, _ = await call.start(picture(), INFO, paid=False)
        client.clock.now += 60
        deployment.resources.remove(assigned.id)
        with pytest.raises(AccessDeniedError):
            await call.get_result(operation)
        deployment.assign_role("function", READER, account.id)
        return await get_result(call, operation, is_patient=True)

    headers = token("function", "https://cognitiveservices.azure.com")
    assert service.run(conversation, headers=headers).findings.tags
