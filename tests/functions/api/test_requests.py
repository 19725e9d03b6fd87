"""What every operation does: tokens, roles, rates, problems, headers, log lines."""

import asyncio
import json
import logging
from collections.abc import Callable

import pytest
from common.domain.errors import AuthorizationError, ConfigurationError, PipelineError, RetryLaterError
from common.settings import SettingsError
from image_api.domain.errors import MissingRightError
from image_api.http.dispatcher import Dispatcher
from image_api.http.headers import CrossOriginPolicy
from image_api.http.messages import Request
from image_api.http.operations import OPERATIONS

from tests.support.in_memory_api import ORIGIN, Answer, InMemoryApi, create_record

type Send = Callable[..., Answer]
ID = create_record("cat.png").id
UPLOAD = {"name": "a.png", "contentType": "image/png", "sizeBytes": 3}
# Every operation that needs a role, and the tokens that have it.
PROTECTED = [
    ("POST", "/api/uploads", {"uploader", "all"}),
    ("GET", f"/api/images/{ID}", {"reader", "uploader", "operator", "all"}),
    ("GET", f"/api/images/{ID}/content", {"reader", "uploader", "operator", "all"}),
    ("GET", f"/api/images/{ID}/similar", {"reader", "uploader", "operator", "all"}),
    ("DELETE", f"/api/images/{ID}", {"operator", "all"}),
    ("GET", "/api/images", {"reader", "uploader", "operator", "all"}),
    ("GET", "/api/labels", {"reader", "uploader", "operator", "all"}),
    ("GET", "/api/categories", {"reader", "uploader", "operator", "all"}),
    ("GET", "/api/stats", {"reader", "uploader", "operator", "all"}),
]


@pytest.fixture(autouse=True)
def image(api: InMemoryApi) -> None:
    api.add(create_record("cat.png", vector=(0.1,) * 1024))


def test_the_operations_are_these() -> None:
    assert sorted((operation.name, operation.role) for operation in OPERATIONS) == [
        ("create_upload", "Images.Upload"),
        ("delete_image", "Images.Delete"),
        ("find_similar_images", "Images.Read"),
        ("get_configuration", None),
        ("get_image", "Images.Read"),
        ("get_image_content", "Images.Read"),
        ("get_statistics", "Images.Read"),
        ("list_categories", "Images.Read"),
        ("list_images", "Images.Read"),
        ("list_labels", "Images.Read"),
    ]


@pytest.mark.parametrize(("method", "path", "allowed"), PROTECTED)
@pytest.mark.parametrize("token", ["reader", "uploader", "operator", "all", "guest"])
def test_an_operation_needs_its_role(send: Send, method: str, path: str, allowed: set[str], token: str) -> None:
    answer = send(method, path, token=token, json_body=UPLOAD)
    if token in allowed:
        assert answer.status < 300
    else:
        assert (answer.status, answer.json["code"]) == (403, "forbidden")


@pytest.mark.parametrize(("method", "path", "_allowed"), PROTECTED)
def test_an_operation_needs_a_token_before_it_reads_anything(
    send: Send, method: str, path: str, _allowed: set[str]
) -> None:
    for token in (None, "unknown"):
        answer = send(method, f"{path}?wrong=1", token=token, body=b"{")
        assert (answer.status, answer.json["code"]) == (401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_that_cannot_be_checked_is_no_refusal(api: InMemoryApi, send: Send) -> None:
    api.failures["authenticate"] = AuthorizationError(503, "the keys could not be fetched from https://…")
    answer = send("GET", "/api/images")
    assert (answer.status, answer.json["code"], answer.headers["Retry-After"]) == (503, "unavailable", "5")
    assert "https" not in answer.json["detail"]


def test_a_caller_that_sends_too_many_requests_has_to_wait(api: InMemoryApi, send: Send) -> None:
    api.burst = 2
    statuses = [send("GET", "/api/images", token="reader").status for _ in range(3)]
    assert statuses == [200, 200, 429]
    answer = send("GET", "/api/images", token="reader")
    assert (answer.json["code"], answer.headers["Retry-After"]) == ("tooManyRequests", "1")
    assert send("GET", "/api/images", token="uploader").status == 200


def test_the_configuration_is_for_everybody_and_has_no_secret(send: Send) -> None:
    answer = send("GET", "/api/configuration", token=None)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert answer.json.keys() == {"authority", "clientId", "scope", "blobOrigin", "limits", "features"}


@pytest.mark.parametrize(
    ("error", "code", "retry_after", "words"),
    [
        (
            MissingRightError("Cosmos DB", "Microsoft.DocumentDB/executeQuery", "principal 123 secret"),
            "accessDenied",
            "60",
            "Cosmos DB denied access to the API's identity, which needs the action Microsoft.DocumentDB/executeQuery.",
        ),
        (RetryLaterError("secret", retry_after_seconds=7.2), "unavailable", "8", "Send the request again later."),
        (RetryLaterError("secret"), "unavailable", "5", "Send the request again later."),
        (TimeoutError("secret"), "unavailable", "5", "took too long"),
        (ConfigurationError("ContainerNotFound", "secret"), "misconfigured", None, "(ContainerNotFound)"),
        (PipelineError("secret"), "internalError", None, "the log of the API has the reason"),
        (ZeroDivisionError("secret"), "internalError", None, "the log of the API has the reason"),
    ],
)
def test_an_error_of_a_service_is_a_problem_without_its_text(
    api: InMemoryApi, send: Send, error: Exception, code: str, retry_after: str | None, words: str
) -> None:
    api.failures["list_records"] = error
    answer = send("GET", "/api/images")
    assert answer.status in {500, 503}
    assert answer.json["code"] == code
    assert words in answer.json["detail"]
    assert answer.headers.get("Retry-After") == retry_after
    assert b"secret" not in answer.body
    assert b"Traceback" not in answer.body


def test_missing_app_settings_are_a_problem_of_every_operation() -> None:
    def load() -> object:
        raise SettingsError("IMAGE_API_CLIENT_ID is not set")

    dispatcher = Dispatcher(load, load)  # type: ignore[arg-type]
    (operation,) = [operation for operation in OPERATIONS if operation.name == "get_configuration"]
    response = asyncio.run(dispatcher.respond(operation, Request(method="GET")))
    assert response.status == 503
    assert json.loads(response.body)["code"] == "misconfigured"
    assert b"CLIENT_ID" not in response.body


def test_a_request_is_one_line_in_the_log(send: Send, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="image_api")
    answer = send(
        "GET",
        "/api/images?q=cat",
        token="reader",
        headers={"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
    )
    (record,) = caplog.records
    assert json.loads(record.message.removeprefix("request ")) == {
        "operation": "list_images",
        "status": 200,
        "code": "",
        "caller": "id-of-reader",
        "ms": 0.0,
        "id": "0af76519-16cd-43dd-8448-eb211c80319c",
    }
    assert answer.headers["X-Request-Id"] == "0af76519-16cd-43dd-8448-eb211c80319c"


def test_the_duration_is_in_the_log_and_in_server_timing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="image_api")
    times = iter([100.0, 112.3456])
    dispatcher = Dispatcher(lambda: InMemoryApi().application(), lambda: CrossOriginPolicy(()), now=lambda: next(times))
    (operation,) = [operation for operation in OPERATIONS if operation.name == "get_configuration"]
    response = asyncio.run(dispatcher.respond(operation, Request(method="GET")))
    assert response.headers["Server-Timing"] == "app;dur=12345.6"
    assert json.loads(caplog.messages[0].removeprefix("request "))["ms"] == 12345.6


def test_a_request_that_took_too_long_is_a_warning_with_its_id(
    api: InMemoryApi, send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    api.failures["list_records"] = TimeoutError()
    answer = send("GET", "/api/images")
    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == [f"request {answer.headers['X-Request-Id']} was stopped because it took too long"]


def test_a_body_without_a_content_type_is_refused(send: Send) -> None:
    answer = send("POST", "/api/uploads", body=json.dumps(UPLOAD).encode())
    assert (answer.status, answer.json["code"]) == (415, "unsupportedMediaType")


def test_a_parameter_of_the_path_is_named_as_such(send: Send) -> None:
    (error,) = send("GET", f"/api/images/{'x' * 5000}").json["errors"]
    assert error["location"] == "path id"


def test_the_problem_names_the_request_in_the_log(send: Send) -> None:
    answer = send("GET", "/api/images?limit=0")
    assert answer.json["instance"] == f"urn:uuid:{answer.headers['X-Request-Id']}"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/images"), ("GET", "/api/images?limit=0"), ("GET", "/api/openapi.json")]
)
def test_every_response_has_the_headers_of_security(send: Send, method: str, path: str) -> None:
    headers = send(method, path).headers
    assert {
        name: headers[name] for name in headers if name not in {"Content-Type", "X-Request-Id", "Server-Timing"}
    } == {
        "Cache-Control": "public, max-age=300" if path.endswith("json") else "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "Vary": "Origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


def test_a_page_of_a_configured_origin_may_read_responses(send: Send) -> None:
    headers = send("GET", "/api/images", headers={"Origin": ORIGIN}).headers
    assert headers["Access-Control-Allow-Origin"] == ORIGIN
    assert headers["Access-Control-Expose-Headers"] == "ETag, Location, Retry-After, Server-Timing"
    assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "*", f"{ORIGIN}.evil.example", "http://photos.contoso.com", f"{ORIGIN}/"]
)
def test_a_page_of_any_other_origin_may_not(send: Send, origin: str) -> None:
    for method in ("GET", "OPTIONS"):
        headers = send(method, "/api/images", headers={"Origin": origin}).headers
        assert not [name for name in headers if name.startswith("Access-Control")]
        assert headers["Vary"] == "Origin"


def test_no_setting_allows_every_origin() -> None:
    assert CrossOriginPolicy(["*"]).response_headers("https://evil.example") == {"Vary": "Origin"}


@pytest.mark.parametrize(
    ("path", "methods"),
    [("/api/uploads", "POST"), (f"/api/images/{ID}", "GET, DELETE"), ("/api/images", "GET"), ("/api/stats", "GET")],
)
def test_a_preflight_request_is_answered_for_its_path(send: Send, path: str, methods: str) -> None:
    answer = send("OPTIONS", path, token=None, headers={"Origin": ORIGIN})
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["Access-Control-Allow-Methods"] == methods
    assert answer.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type, If-None-Match"
    assert answer.headers["Access-Control-Max-Age"] == "7200"


def test_the_charge_of_cosmos_db_is_in_server_timing(
    api: InMemoryApi, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    from common.domain import metrics  # noqa: PLC0415

    previous = api.list_records

    async def list_records(*arguments: object, **options: object) -> object:
        metrics.add("requestUnits", 3.25)
        return await previous(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(api, "list_records", list_records)
    assert send("GET", "/api/images").headers["Server-Timing"] == 'app;dur=0.0, cosmos;desc="3.25 RU"'
