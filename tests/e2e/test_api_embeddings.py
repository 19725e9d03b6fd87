"""The back-end API on a deployed stack with embeddings: searches by meaning, and the right that they need."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Checkout, copy_working_tree
from tests.e2e.test_api import CAT, UPLOAD, parsed, send, upload, wait
from tests.e2e.test_api_rights import without

pytestmark = pytest.mark.emulator


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A checkout of its own with a stack that stores embeddings."""
    checkout = copy_working_tree(tmp_path_factory.mktemp("api-embeddings") / "pipeline")
    settings = checkout.root / "stacks/Pulumi.local.yaml"
    text = re.sub(r"(?m)^( +image-pipeline:features:).*$", r"\1 [tags, read, embeddings]", settings.read_text())
    settings.write_text(text)
    checkout.make("up", "FORMAT=json")
    yield checkout
    checkout.make("clean", check=False)


def get(url: str) -> dict[str, Any]:
    return {"method": "GET", "url": url}


def names(answer: dict[str, Any]) -> list[str]:
    """The names of the images in an answer."""
    return [item["name"] for item in parsed(answer)["items"]]


def test_a_search_by_meaning_finds_what_no_label_says_and_nothing_that_is_not_there(stack: Checkout) -> None:
    by_label, by_meaning, absent = send(
        stack, get("/api/images?label=kitten"), get("/api/images?q=kitten"), get("/api/images?q=submarine")
    )
    assert names(by_label) == []
    assert names(by_meaning)[0] == "samples/chelsea.png"
    assert [match["kind"] for match in parsed(by_meaning)["items"][0]["matches"]] == ["meaning"]
    assert names(absent) == []


def test_without_the_right_to_vectorize_texts_exactly_the_search_breaks(stack: Checkout) -> None:
    permission = upload(stack, "api/right.png", CAT)
    wait(stack, permission["statusUrl"], 200)
    image = f"/api/images/{permission['id']}"
    operations = {
        "get": get(image),
        "content": get(f"{image}/content"),
        "similar": get(f"{image}/similar"),
        "list": get("/api/images?limit=1"),
        "list by label": get("/api/images?label=cat"),
        "list with words": get("/api/images?q=cat&sort=newest"),
        "labels": get("/api/labels"),
        "search": get("/api/images?q=cat"),
    }
    with without(stack, "authorization:RoleAssignment", "Text Vectorizer"):
        answers = dict(zip(operations, send(stack, *operations.values()), strict=True))
        request = {"method": "POST", "url": "/api/uploads", "json": UPLOAD | {"name": "rights.png"}}
        (answers["upload"],) = send(stack, request, user="uploader")
    problems = {operation: parsed(answer) for operation, answer in answers.items() if answer["status"] >= 400}
    assert problems.keys() == {"search"}
    assert problems["search"]["code"] == "accessDenied"
    assert "Azure AI Vision denied access" in problems["search"]["detail"]
    assert "ComputerVision/retrieval:vectorizetext/action" in problems["search"]["detail"]
    (restored,) = send(stack, operations["search"])
    assert permission["name"] in names(restored)
