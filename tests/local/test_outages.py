"""Faults on demand: their file, and what each service answers during an outage."""

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from local.faults import Faults, FaultsError, Service
from local.gateway.outages import with_outages
from tests.local.test_gateway import Answer


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "faults.json"


@pytest.fixture
def get(file: Path) -> Callable[[Service], Answer]:
    """One request to a service that answers 200 to everybody, unless it has an outage."""

    async def handle(_request: web.Request) -> web.StreamResponse:
        return web.Response(text="available")

    def get(service: Service) -> Answer:
        async def run() -> Answer:
            application = web.Application()
            application.router.add_get("/", with_outages(Faults(file), service, handle))
            async with TestClient(TestServer(application)) as client, client.get("/") as answer:
                return answer.status, answer.headers, await answer.read()

        return asyncio.run(run())

    return get


def test_faults_strike_as_often_as_the_file_says(file: Path) -> None:
    faults = Faults(file)
    assert not any(faults.strikes("throttled") for _ in range(100))
    file.write_text('{"throttled": 1.0}')
    assert all(faults.strikes("throttled") for _ in range(100))
    assert not faults.strikes("failing")
    assert not faults.strikes("termsNotAccepted")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"outages": ["storage"]}', r"Invalid enum value 'storage' .* \(outages: blob, cosmos, eventgrid, identity,"),
        ('{"outages": "blob"}', r"Expected `array`, got `str` - at `\$.outages`"),
        ('{"throtled": 0.5}', "unknown field `throtled`"),
        ('{"throttled": 20}', r"Expected `float` <= 1.0 - at `\$.throttled`"),
        ("", "Input data was truncated"),
    ],
)
def test_a_file_with_anything_unknown_is_refused_with_the_reason(
    file: Path, get: Callable[[Service], Answer], caplog: pytest.LogCaptureFixture, text: str, message: str
) -> None:
    file.write_text(text)
    with pytest.raises(FaultsError, match=f"faults.json: .*{message}"):
        Faults(file).is_unavailable("blob")
    with caplog.at_level(logging.ERROR):
        status, _, body = get("blob")
    assert (status, json.loads(body)["error"]["code"]) == (500, "FaultsError")
    assert str(file) in caplog.text


def test_a_service_has_an_outage_for_as_long_as_the_file_names_it(file: Path, get: Callable[[Service], Answer]) -> None:
    assert get("vision")[0] == 200
    file.write_text('{"outages": ["vision", "cosmos"]}')
    assert get("vision")[0] == 503
    assert get("blob")[::2] == (200, b"available")
    file.write_text('{"outages": []}')
    assert get("vision")[0] == 200


@pytest.mark.parametrize("service", ["blob", "queue"])
def test_an_outage_of_storage_has_storages_error(
    file: Path, get: Callable[[Service], Answer], service: Service
) -> None:
    file.write_text(json.dumps({"outages": [service]}))
    status, headers, body = get(service)
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
    file: Path, get: Callable[[Service], Answer], service: Service, path: tuple[str, ...], code: str | int
) -> None:
    file.write_text(json.dumps({"outages": [service]}))
    status, headers, body = get(service)
    found = json.loads(body)
    for name in path:
        found = found[name]
    assert (status, found) == (503, code)
    assert "Retry-After" not in headers
    assert ("x-ms-activity-id" in headers) == (service == "cosmos")
