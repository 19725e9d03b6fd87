"""Outages: the response of each service while the faults file makes it unavailable."""

import json
import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from emulator.core.faults import Faults, Service
from emulator.core.identity import Identities
from emulator.core.identity_endpoint import create_token_handler
from emulator.core.resource_store import ResourceStore
from emulator.gateway.router import Handler
from emulator.services.cosmos.handler import CosmosHandler
from emulator.services.cosmos.items.store import ItemStore
from emulator.services.event_grid.handler import TopicHandler
from emulator.services.storage.handler import StorageHandler
from emulator.services.storage.user_delegation import UserDelegationKeys
from emulator.services.vision.handler import VisionHandler
from tests.emulator.support import Answer, Azurite, PublishedEvents, send_request

HOSTS: dict[Service, str] = {
    "blob": "stdata.blob.core.windows.net",
    "queue": "stdata.queue.core.windows.net",
    "cosmos": "c.documents.azure.com",
    "vision": "v.cognitiveservices.azure.com",
    "eventgrid": "t.northeurope-1.eventgrid.azure.net",
    # The token endpoint has no host name; here it has one that the router knows.
    "identity": "login.microsoftonline.com",
}
# The responses to a request without a token to an account that does not exist.
STATUSES = {"blob": 404, "queue": 404, "cosmos": 404, "vision": 404, "eventgrid": 404, "identity": 400}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "faults.json"


@pytest.fixture
def handlers(
    tmp_path: Path, file: Path, resources: ResourceStore, identities: Identities
) -> Iterator[dict[str, Handler]]:
    faults = Faults(file)

    def storage(service: str) -> Handler:
        return StorageHandler(
            "blob" if service == "blob" else "queue",
            resources=resources,
            identities=identities,
            azurite_client=Azurite(),  # type: ignore[arg-type]
            publish_event=PublishedEvents().publish,
            faults=faults,
            delegation_keys=UserDelegationKeys(b"secret"),
        ).handle

    with (
        closing(ItemStore(tmp_path / "cosmos.db")) as store,
        CosmosHandler(resources, identities, store, faults) as cosmos,
        closing(TopicHandler(tmp_path / "topics.db", resources, identities, faults)) as topics,
    ):
        vision = VisionHandler(resources, identities, None, "", faults)  # type: ignore[arg-type]
        yield {
            "blob.core.windows.net": storage("blob"),
            "queue.core.windows.net": storage("queue"),
            "documents.azure.com": cosmos.handle,
            "cognitiveservices.azure.com": vision.handle,
            "eventgrid.azure.net": topics.handle,
            "login.microsoftonline.com": create_token_handler(identities, faults),
        }


def get(handlers: dict[str, Handler], service: Service) -> Answer:
    return send_request(handlers, HOSTS[service], "GET", "/")


@pytest.mark.parametrize("service", HOSTS)
def test_a_service_is_unavailable_while_the_file_names_it(
    handlers: dict[str, Handler], file: Path, service: Service
) -> None:
    assert get(handlers, service)[0] == STATUSES[service]
    file.write_text(json.dumps({"outages": [service]}))
    assert {name: get(handlers, name)[0] for name in HOSTS} == STATUSES | {service: 503}
    file.write_text('{"outages": []}')
    assert get(handlers, service)[0] == STATUSES[service]


@pytest.mark.parametrize("service", ["blob", "queue"])
def test_an_outage_of_storage_has_the_error_of_storage(
    handlers: dict[str, Handler], file: Path, service: Service
) -> None:
    file.write_text(json.dumps({"outages": [service]}))
    status, headers, body = get(handlers, service)
    assert (status, headers["x-ms-error-code"]) == (503, "ServerBusy")
    assert ET.fromstring(body).findtext("Code") == "ServerBusy"


@pytest.mark.parametrize(
    ("service", "path", "code"),
    [
        ("cosmos", ("code",), "ServiceUnavailable"),
        ("vision", ("error", "code"), "ServiceUnavailable"),
        ("eventgrid", ("error", "code"), "ServiceUnavailable"),
        ("identity", ("statusCode",), 503),
    ],
)
def test_an_outage_of_another_service_has_its_error(
    handlers: dict[str, Handler], file: Path, service: Service, path: tuple[str, ...], code: str | int
) -> None:
    file.write_text(json.dumps({"outages": [service]}))
    status, headers, body = get(handlers, service)
    value = json.loads(body)
    for name in path:
        value = value[name]
    assert (status, value) == (503, code)
    assert "Retry-After" not in headers
    assert headers.get("x-ms-substatus") == ("21008" if service == "cosmos" else None)


@pytest.mark.parametrize("service", HOSTS)
def test_every_request_fails_with_the_reason_while_the_file_is_not_valid(
    handlers: dict[str, Handler], file: Path, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text('{"outages": ["storage"]}')
    with caplog.at_level(logging.ERROR):
        status, _, body = get(handlers, service)
    assert status == 500
    assert "Invalid enum value" in body.decode()
    assert str(file) in caplog.text
