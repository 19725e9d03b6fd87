"""The operations on one image: record, content, deletion, similar images."""

from collections.abc import Callable

import pytest
from common.domain.errors import AuthorizationError
from common.domain.models import Versioned
from msgspec.structs import replace

from tests.support.in_memory_api import Answer, InMemoryApi, create_record

type Send = Callable[..., Answer]
OTHER_ID = "a" * 52


def test_a_record_is_answered_without_its_embedding(api: InMemoryApi, send: Send) -> None:
    record = api.add(create_record("cat.png", vector=(0.1,) * 1024))
    answer = send("GET", f"/api/images/{record.id}", token="reader")
    assert answer.status == 200
    assert answer.json["labels"] == ["cat", "grass"]
    assert "vector" not in answer.json
    assert answer.headers["ETag"] == '"0x1"'
    assert answer.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ('"0x1"', 304),
        ('W/"0x1"', 304),
        ('"0x0", "0x1"', 304),
        ("*", 304),
        ('"0x2"', 200),
        ("0x1", 200),
        ("", 200),
    ],
)
def test_an_unchanged_record_is_not_sent_again(api: InMemoryApi, send: Send, condition: str, status: int) -> None:
    record = api.add(create_record("cat.png"))
    answer = send("GET", f"/api/images/{record.id}", headers={"If-None-Match": condition})
    assert (answer.status, answer.headers["ETag"], bool(answer.body)) == (status, '"0x1"', status == 200)


def test_an_image_in_flight_is_told_from_one_that_does_not_exist_by_its_name(api: InMemoryApi, send: Send) -> None:
    record_id = create_record("cat.png").id
    api.blobs.add("cat.png")
    assert send("GET", f"/api/images/{record_id}").status == 404
    answer = send("GET", f"/api/images/{record_id}?name=cat.png")
    assert (answer.status, answer.json) == (202, {"id": record_id, "name": "cat.png", "status": "inFlight"})


def test_the_name_has_to_be_that_of_the_id(api: InMemoryApi, send: Send) -> None:
    api.blobs.add("cat.png")
    answer = send("GET", f"/api/images/{OTHER_ID}?name=cat.png")
    assert (answer.status, answer.json["code"]) == (400, "invalidRequest")
    assert answer.json["errors"] == [{"location": "query name", "detail": "the id is not that of this name"}]
    answer = send("GET", f"/api/images/{OTHER_ID}?name=..%2Fcat.png")
    assert (answer.status, answer.json["code"]) == (400, "invalidName")
    assert answer.json["errors"] == [{"location": "query name", "detail": answer.json["detail"]}]


def test_an_image_that_was_not_uploaded_is_not_found_by_its_name_either(send: Send) -> None:
    assert send("GET", f"/api/images/{create_record('cat.png').id}?name=cat.png").status == 404


@pytest.mark.parametrize(
    "image_id", ["x", "A" * 52, "a" * 51, "a" * 53, "1" * 52, "..%2F" + "a" * 47, "a" * 52 + "%00"]
)
def test_what_is_no_id_is_refused(api: InMemoryApi, send: Send, image_id: str) -> None:
    api.failures["get"] = AssertionError("Cosmos DB was called")
    for method, path in (("GET", ""), ("GET", "/content"), ("GET", "/similar"), ("DELETE", "")):
        assert send(method, f"/api/images/{image_id}{path}").json["code"] == "invalidRequest"


def test_the_content_is_a_signed_address_for_a_quarter_of_an_hour(api: InMemoryApi, send: Send) -> None:
    record = api.add(create_record("cat.png"))
    answer = send("GET", f"/api/images/{record.id}/content")
    assert answer.json == {
        "url": "https://acct.blob.core.windows.net/images/cat.png?sp=r&rsct=image/png&se=2026-01-02T03:19:05+00:00",
        "expiresAt": "2026-01-02T03:19:05Z",
    }


def test_the_content_of_a_blob_that_is_deleted_is_not_found(api: InMemoryApi, send: Send) -> None:
    record = api.add(create_record("cat.png"))
    api.blobs.clear()
    assert send("GET", f"/api/images/{record.id}/content").status == 404


def test_a_record_of_another_container_is_not_answered(api: InMemoryApi, send: Send) -> None:
    record = create_record("cat.png")
    api.add(replace(record, blob=replace(record.blob, container="deadletter")))
    assert send("GET", f"/api/images/{record.id}").status == 404
    assert send("GET", f"/api/images/{record.id}/content").status == 404


def test_an_item_that_is_no_record_is_not_answered(
    api: InMemoryApi, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def get(_record_id: str) -> Versioned[None]:
        return Versioned(None, '"0x1"')

    monkeypatch.setattr(api, "get", get)
    for path in ("", "/content", "/similar"):
        assert send("GET", f"/api/images/{OTHER_ID}{path}").status == 404


@pytest.mark.parametrize("path", ["", "/content", "/similar"])
def test_an_image_that_does_not_exist_is_not_found(send: Send, path: str) -> None:
    answer = send("GET", f"/api/images/{OTHER_ID}{path}")
    assert (answer.status, answer.json["code"]) == (404, "notFound")
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_deletion_is_done_with_the_token_of_the_caller(api: InMemoryApi, send: Send) -> None:
    record = api.add(create_record("cat.png"))
    answer = send("DELETE", f"/api/images/{record.id}", token="operator")
    assert (answer.status, answer.json) == (202, {"id": record.id, "status": "deleting"})
    assert api.deletions == [(record.id, "Bearer operator")]


def test_what_does_not_exist_is_not_deleted(send: Send) -> None:
    assert send("DELETE", f"/api/images/{OTHER_ID}").status == 404


def test_a_deletion_that_the_pipeline_app_does_not_allow_is_forbidden(api: InMemoryApi, send: Send) -> None:
    api.failures["delete"] = AuthorizationError(403, "the pipeline app refused the access token")
    answer = send("DELETE", f"/api/images/{OTHER_ID}")
    assert (answer.status, answer.json["code"]) == (403, "forbidden")


def test_similar_images_are_those_with_similar_embeddings(api: InMemoryApi, send: Send) -> None:
    record = api.add(create_record("cat.png", vector=(0.1,) * 1024))
    api.add(create_record("dog.png", vector=(0.2,) * 1024))
    answer = send("GET", f"/api/images/{record.id}/similar?limit=5")
    assert [(item["name"], item["matches"]) for item in answer.json["items"]] == [
        ("dog.png", [{"kind": "meaning", "text": None, "score": 0.5}])
    ]


def test_an_image_without_embedding_has_no_similar_images(api: InMemoryApi, send: Send) -> None:
    record = api.add(create_record("cat.png"))
    answer = send("GET", f"/api/images/{record.id}/similar")
    assert (answer.status, answer.json["code"]) == (409, "embeddingsOff")
