"""`make search` and `make token`: the requests, the table, and what each refusal says."""

import io
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from client import __main__ as command_line
from client import search, tokens
from client.api import ApiClient
from client.errors import ClientError
from client.search import SearchQuery, create_search_table, run_search, search_images
from tests.client.test_operations import OUTPUTS
from tests.support.fake_image_api import TOKEN, Answer, FakeImageApi, problem, serve

ITEM = {
    "name": "cat.png",
    "status": "classified",
    "caption": "a cat on the grass",
    "labels": [{"name": "cat", "confidence": 0.93}],
    "matches": [
        {"kind": "label", "text": "cat", "score": 0.93},
        {"kind": "text", "text": "EXIT", "score": None},
        {"kind": "meaning", "text": None, "score": 0.31},
    ],
}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeImageApi]:
    """The API of the stack dev."""
    with serve() as api:
        client = ApiClient(api.url, lambda: TOKEN)
        monkeypatch.setattr(search, "read_stack_outputs", lambda _stack: OUTPUTS)
        monkeypatch.setattr(search, "create_api_client", lambda *arguments: {("dev", OUTPUTS): client}[arguments])
        yield api


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        (
            SearchQuery(words="red car", labels=["car", "road"], min_confidence=0.5, limit=3),
            "limit=3&q=red+car&label=car%2Croad&minConfidence=0.5",
        ),
        (SearchQuery(), "limit=25"),
    ],
)
def test_the_query_becomes_one_request(api: FakeImageApi, query: SearchQuery, parameters: str) -> None:
    api.plan["GET"] = [Answer(status=200, body={"items": [ITEM], "cursor": None})]
    assert search_images("dev", query)["items"] == [ITEM]
    assert api.requests == [("GET", f"/api/images?{parameters}", None)]


def render(images: Any) -> str:
    console = Console(width=160, file=io.StringIO())
    with console.capture() as capture:
        console.print(create_search_table(images))
    return capture.get()


def test_the_table_says_why_an_image_matches() -> None:
    text = render({"items": [ITEM], "cursor": None})
    assert "label 'cat' 0.93, text 'EXIT', meaning 0.31" in text


@pytest.mark.parametrize(
    ("images", "caption"),
    [
        ({"items": [], "cursor": None}, "no image fits"),
        ({"items": [ITEM | {"caption": None}], "cursor": "c"}, "there are more"),
    ],
)
def test_the_table_says_if_there_is_nothing_or_more(images: Any, caption: str) -> None:
    assert caption in render(images)


@pytest.mark.parametrize("output_format", ["json", "table"])
def test_results_are_printed(api: FakeImageApi, capsys: pytest.CaptureFixture[str], output_format: str) -> None:
    api.plan["GET"] = [Answer(status=200, body={"items": [ITEM], "cursor": None})]
    assert run_search("dev", SearchQuery(words="cat"), output_format) == 0
    assert "cat.png" in capsys.readouterr().out


def test_a_refusal_is_explained(api: FakeImageApi) -> None:
    api.plan["GET"] = [problem(403, "forbidden", "The caller needs the app role Images.Read.")]
    with pytest.raises(ClientError, match=r"403: The caller needs the app role Images\.Read\."):
        search_images("dev", SearchQuery())


def test_the_token_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(tokens, "read_stack_outputs", lambda _stack: OUTPUTS)
    credential = SimpleNamespace(get_token=lambda scope: SimpleNamespace(token=f"token for {scope}"))
    monkeypatch.setattr(tokens, "DefaultAzureCredential", lambda: credential)
    assert command_line.main(["token", "--stack", "dev"]) == 0
    assert capsys.readouterr().out == "token for client-1/.default\n"


def test_the_command_line_makes_the_query(api: FakeImageApi) -> None:
    api.plan["GET"] = [Answer(status=200, body={"items": [], "cursor": None})]
    options = ["--label", "a", "--label", "b", "--min-confidence", "0.5", "--limit", "2"]
    assert command_line.main(["search", "--stack", "dev", *options, "--", "red", "car"]) == 0
    assert api.requests[0][1] == "/api/images?limit=2&q=red+car&label=a%2Cb&minConfidence=0.5"
