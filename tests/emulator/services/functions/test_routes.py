"""Routes of the emulated HTTP trigger."""

import asyncio
import base64
import json
from typing import Any

import aiohttp
import pytest

from emulator.services.functions.configuration import ConfigurationError
from emulator.services.functions.http_trigger import HttpListener
from emulator.services.functions.routes import parse_route


@pytest.mark.parametrize(
    ("prefix", "template", "path", "parameters"),
    [
        ("api", "images", "/api/images", {}),
        ("api", "images", "/API/Images/", {}),
        ("api", "images", "/images", None),
        ("api", "images", "/api/images/1", None),
        ("", "images/{id}", "/images/a%20b", {"id": "a b"}),
        ("", "images/{id}", "/images/A%2fB%2Fc", {"id": "A%2FB%2Fc"}),
        ("", "images/{id}", "/images/%252e", {"id": "%2e"}),
        ("", "images/{id}", "/images", None),
        ("", "images/{id}/content", "/images/x/content", {"id": "x"}),
        ("", "images/{id}/content", "/images/x/other", None),
        ("", "page/{*path}", "/page/a/b.css", {"path": "a/b.css"}),
        ("", "page/{*path}", "/page", {"path": ""}),
        ("", "page/{*path}", "/pages", None),
        ("", "/", "/", {}),
        ("", "/", "/x", None),
        ("", "{ignored:maxlength(0)?}", "/", {}),
        ("", "{ignored:maxlength(0)?}", "/x", None),
        ("api", "{ignored:maxlength(0)?}", "/api", {}),
        ("api", "{ignored:maxlength(0)?}", "/", None),
    ],
)
def test_a_route_stands_for_these_paths(
    prefix: str, template: str, path: str, parameters: dict[str, str] | None
) -> None:
    assert parse_route("f", template, prefix).match(path) == parameters


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        ("images", "images", True),
        ("images", "labels", False),
        ("images", "images/{id}", False),
        ("images/{id}", "images/stats", True),
        ("images/{id}", "images/{id}/content", False),
        ("images/{id}/content", "images/{id}/similar", False),
        ("{*path}", "images/{id}", True),
        ("page/{*path}", "page", True),
        ("page/{*path}", "api", False),
        ("page/{*path}", "/", False),
        ("{*path}", "/", True),
        ("{*path}", "{ignored:maxlength(0)?}", True),
        ("page/{*path}", "{ignored:maxlength(0)?}", False),
        ("images", "{ignored:maxlength(0)?}", False),
    ],
)
def test_routes_that_share_a_path_overlap(first: str, second: str, *, overlap: bool) -> None:
    routes = [parse_route("f", template, "") for template in (first, second)]
    assert routes[0].overlaps(routes[1]) is routes[1].overlaps(routes[0]) is overlap


async def echo(request: dict[str, Any]) -> dict[str, Any]:
    body = base64.b64encode(json.dumps([request["params"], request["query"]]).encode()).decode()
    return {"ok": True, "response": {"status": "200", "headers": {}, "body": body}}


def trigger(route: str, *methods: str) -> dict[str, Any]:
    return {"route": route, "authLevel": "anonymous", "methods": methods}


def test_the_function_gets_the_parameters_of_the_path_and_of_the_query() -> None:
    async def run() -> list[dict[str, str]]:
        listener = HttpListener("")
        listener.add("get", trigger("api/images/{id}", "GET"), echo)
        listener.add("delete", trigger("api/images/{id}", "DELETE"), echo)
        await listener.start()
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{listener.url}/api/images/x?label=a&label=b&q=%C3%A9&empty=") as answer,
            ):
                return json.loads(await answer.read())
        finally:
            await listener.stop()

    assert asyncio.run(run()) == [{"id": "x"}, {"label": "a,b", "q": "é", "empty": ""}]


def test_routes_that_overlap_are_refused() -> None:
    listener = HttpListener("")
    listener.add("get", trigger("images/{id}", "GET", "OPTIONS"), echo)
    listener.add("delete", trigger("images/{id}", "DELETE"), echo)
    with pytest.raises(ConfigurationError, match=r"preflight: .* overlaps get's"):
        listener.add("preflight", trigger("{*path}", "OPTIONS"), echo)
    with pytest.raises(ConfigurationError, match=r"all: .* overlaps"):
        listener.add("all", trigger("images/{name}"), echo)
