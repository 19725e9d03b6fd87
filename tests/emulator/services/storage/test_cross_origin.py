"""CORS of the emulated blob service: exactly the deployed rules."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.core.faults import Faults
from emulator.core.identity import Identities
from emulator.gateway.router import Handler
from emulator.services.storage.handler import StorageHandler
from emulator.services.storage.user_delegation import UserDelegationKeys
from tests.emulator.conftest import ACCOUNT, READER, Deployment
from tests.emulator.support import Answer, Azurite, PublishedEvents, send_request

ORIGIN = "https://photos.contoso.com"
RULE: dict[str, Any] = {
    "allowedOrigins": [ORIGIN],
    "allowedMethods": ["PUT"],
    "allowedHeaders": ["content-type", "x-ms-*"],
    "exposedHeaders": ["x-ms-error-code"],
    "maxAgeInSeconds": 600,
}
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "content-type,x-ms-blob-type",
}


@pytest.fixture
def handlers(deployment: Deployment, identities: Identities) -> dict[str, Handler]:
    deployment.storage()
    handler = StorageHandler(
        "blob",
        resources=deployment.resources,
        identities=identities,
        azurite_client=Azurite(),  # type: ignore[arg-type]
        publish_event=PublishedEvents().publish,
        faults=Faults(Path("none")),
        delegation_keys=UserDelegationKeys(b"secret"),
    )
    return {"blob.core.windows.net": handler.handle}


def allow(deployment: Deployment, *rules: dict[str, Any]) -> None:
    deployment.add(
        "storage:BlobServiceProperties",
        resourceGroupName="rg",
        accountName="stdata",
        blobServicesName="default",
        cors={"corsRules": [*rules]},
    )


def preflight(handlers: dict[str, Handler], **changes: str) -> Answer:
    headers = PREFLIGHT | {name.replace("_", "-"): value for name, value in changes.items()}
    return send_request(handlers, "stdata.blob.core.windows.net", "OPTIONS", "/images/a", headers=headers)


def test_a_preflight_request_is_answered_by_the_rule(deployment: Deployment, handlers: dict[str, Handler]) -> None:
    allow(deployment, RULE)
    status, headers, _ = preflight(handlers)
    assert status == 200
    assert headers["Access-Control-Allow-Origin"] == ORIGIN
    assert headers["Access-Control-Allow-Methods"] == "PUT"
    assert headers["Access-Control-Allow-Headers"] == "content-type,x-ms-blob-type"
    assert headers["Access-Control-Max-Age"] == "600"


@pytest.mark.parametrize(
    "changes",
    [
        {"Origin": "https://evil.example"},
        {"Origin": f"{ORIGIN}.evil.example"},
        {"Origin": "http://photos.contoso.com"},
        {"Access_Control_Request_Method": "DELETE"},
        {"Access_Control_Request_Headers": "authorization"},
    ],
)
def test_any_other_preflight_request_is_refused(
    deployment: Deployment, handlers: dict[str, Handler], changes: dict[str, str]
) -> None:
    allow(deployment, RULE)
    status, headers, _ = preflight(handlers, **changes)
    assert (status, headers["x-ms-error-code"]) == (403, "CorsPreflightFailure")


def test_without_rules_no_page_may_send_requests(handlers: dict[str, Handler]) -> None:
    assert preflight(handlers)[0] == 403


def test_a_preflight_request_names_origin_and_method(deployment: Deployment, handlers: dict[str, Handler]) -> None:
    allow(deployment, RULE)
    assert preflight(handlers, Origin="")[0] == 400


@pytest.mark.parametrize(("origin", "readable"), [(ORIGIN, True), ("https://evil.example", False)])
def test_only_pages_of_the_origin_may_read_responses(
    deployment: Deployment,
    handlers: dict[str, Handler],
    token: Callable[..., dict[str, str]],
    origin: str,
    *,
    readable: bool,
) -> None:
    allow(deployment, RULE | {"allowedMethods": ["GET"]})
    deployment.assign_role("alice", READER, ACCOUNT)
    for path, sent, expected in (("/images/a", token("alice"), 200), ("/images/a", {}, 401)):
        status, headers, _ = send_request(
            handlers, "stdata.blob.core.windows.net", "GET", path, headers=sent | {"Origin": origin}
        )
        assert status == expected
        assert ("Access-Control-Allow-Origin" in headers) is readable
        assert headers.get("Access-Control-Expose-Headers") == ("x-ms-error-code" if readable else None)
