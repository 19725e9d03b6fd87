"""`make search` and `make token`: the requests, the table, and what each refusal says."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from rich.console import Console

from client import __main__ as command_line
from client import search, tokens
from client.errors import ClientError
from client.search import SearchQuery, create_search_table, run_search, search_images
from client.stack_outputs import StackOutputs
from tests.client.test_operations import OUTPUTS

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


class Api:
    """The API: keeps the requests, and gives one answer to all."""

    def __init__(self, status_code: int = 200, json: Any = None, text: str = "") -> None:
        self.requests: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self._status_code = status_code
        self._json = json
        self._text = text

    def get(self, url: str, *, params: dict[str, str], headers: dict[str, str], timeout: float) -> SimpleNamespace:
        assert timeout == 60
        self.requests.append((url, params, headers))

        def json() -> Any:
            if self._json is None:
                raise ValueError("no JSON")
            return self._json

        return SimpleNamespace(status_code=self._status_code, text=self._text, json=json)


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployed stack, and a user who is signed in."""
    monkeypatch.setattr(search, "read_stack_outputs", lambda _stack: OUTPUTS)
    monkeypatch.setattr(tokens, "read_stack_outputs", lambda _stack: OUTPUTS)
    credential = SimpleNamespace(get_token=lambda scope: SimpleNamespace(token=f"token for {scope}"))
    monkeypatch.setattr(tokens, "DefaultAzureCredential", lambda: credential)


def use(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    monkeypatch.setattr(search.requests, "get", api.get)
    return api


@pytest.mark.usefixtures("outputs")
def test_the_query_becomes_one_request(monkeypatch: pytest.MonkeyPatch) -> None:
    api = use(Api(json={"items": [ITEM], "cursor": None}), monkeypatch)
    query = SearchQuery(words="red car", labels=["car", "road"], min_confidence=0.5, limit=3)
    assert search_images("dev", query)["items"] == [ITEM]
    parameters = {"q": "red car", "label": "car,road", "minConfidence": "0.5", "limit": "3"}
    assert api.requests == [
        (
            "https://api.azurewebsites.net/api/images",
            parameters,
            {"Authorization": "Bearer token for client-1/.default"},
        )
    ]


@pytest.mark.usefixtures("outputs")
def test_without_words_and_labels_all_images_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    api = use(Api(json={"items": [], "cursor": None}), monkeypatch)
    search_images("dev", SearchQuery())
    assert api.requests[0][1] == {"limit": "25"}


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


@pytest.mark.usefixtures("outputs")
@pytest.mark.parametrize("output_format", ["json", "table"])
def test_results_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], output_format: str
) -> None:
    use(Api(json={"items": [ITEM], "cursor": None}), monkeypatch)
    assert run_search("dev", SearchQuery(words="cat"), output_format) == 0
    assert "cat.png" in capsys.readouterr().out


@pytest.mark.usefixtures("outputs")
@pytest.mark.parametrize(
    ("api", "words"),
    [
        (
            Api(
                400,
                {"detail": "Parameters are not valid.", "errors": [{"location": "query limit", "detail": "<= 100"}]},
            ),
            "400: Parameters are not valid. query limit: <= 100",
        ),
        (Api(403, {"detail": "The caller needs the app role Images.Read."}), "403: The caller needs the app role"),
        (Api(502, None, "Bad Gateway"), "502: Bad Gateway"),
        (Api(500, ["unexpected"], "[unexpected]"), r"500: \[unexpected\]"),
    ],
)
def test_a_refusal_is_explained(monkeypatch: pytest.MonkeyPatch, api: Api, words: str) -> None:
    use(api, monkeypatch)
    with pytest.raises(ClientError, match=words):
        search_images("dev", SearchQuery())


@pytest.mark.usefixtures("outputs")
def test_an_api_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def get(*_arguments: Any, **_options: Any) -> None:
        raise requests.ConnectionError("refused")

    monkeypatch.setattr(search.requests, "get", get)
    with pytest.raises(ClientError, match=r"https://api\.azurewebsites\.net/api/images does not answer: refused"):
        search_images("dev", SearchQuery())


def test_a_stack_without_sign_in_has_no_api(monkeypatch: pytest.MonkeyPatch) -> None:
    without = StackOutputs(**{**vars(OUTPUTS), "image_api_url": ""})
    monkeypatch.setattr(search, "read_stack_outputs", lambda _stack: without)
    with pytest.raises(ClientError, match="the stack dev has no API"):
        search_images("dev", SearchQuery())


@pytest.mark.usefixtures("outputs")
def test_the_token_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["token", "--stack", "dev"]) == 0
    assert capsys.readouterr().out == "token for client-1/.default\n"


@pytest.mark.usefixtures("outputs")
def test_the_command_line_makes_the_query(monkeypatch: pytest.MonkeyPatch) -> None:
    api = use(Api(json={"items": [], "cursor": None}), monkeypatch)
    arguments = [
        "search",
        "--label",
        "a",
        "--label",
        "b",
        "--min-confidence",
        "0.5",
        "--limit",
        "2",
        "--",
        "red",
        "car",
    ]
    assert command_line.main(arguments) == 0
    assert api.requests[0][1] == {"limit": "2", "q": "red car", "label": "a,b", "minConfidence": "0.5"}
