"""POST /api/uploads: the permission to upload one image."""

import asyncio
import re
from collections.abc import Callable
from typing import Any, get_args

import pytest
from common.domain.image_limits import FOUNDRY_VISION_LIMITS, IMAGE_ANALYSIS_LIMITS, MEDIA_TYPES
from image_api.domain.uploads import ImageContentType
from image_api.use_cases.uploads import random_suffix

from tests.support.in_memory_api import Answer, ApiClient, InMemoryApi

UPLOAD = {"name": "holiday/beach.jpg", "contentType": "image/jpeg", "sizeBytes": 1000}
type Send = Callable[..., Answer]


def test_an_upload_is_one_put_blob_under_one_name(send: Send) -> None:
    answer = send("POST", "/api/uploads", json_body=UPLOAD, token="uploader")
    assert answer.status == 201
    body = answer.json
    assert body == {
        "id": body["id"],
        "name": "holiday/beach.jpg",
        "method": "PUT",
        "url": "https://acct.blob.core.windows.net/images/holiday/beach.jpg?sp=c&se=2026-01-02T03:19:05+00:00",
        "headers": [
            {"name": "x-ms-blob-type", "value": "BlockBlob"},
            {"name": "Content-Type", "value": "image/jpeg"},
        ],
        "expiresAt": "2026-01-02T03:19:05Z",
        "statusUrl": f"/api/images/{body['id']}?name=holiday%2Fbeach.jpg",
    }
    assert answer.headers["Location"] == body["statusUrl"]


def test_the_status_address_of_an_upload_answers_until_the_record_is_there(api: InMemoryApi, send: Send) -> None:
    status_url = send("POST", "/api/uploads", json_body=UPLOAD).json["statusUrl"]
    assert send("GET", status_url).status == 404
    api.blobs.add("holiday/beach.jpg")
    answer = send("GET", status_url)
    assert (answer.status, answer.json["status"], answer.headers["Retry-After"]) == (202, "inFlight", "2")


def test_a_name_that_exists_is_refused_or_gets_a_suffix(api: InMemoryApi, send: Send) -> None:
    api.blobs.add("holiday/beach.jpg")
    refusal = send("POST", "/api/uploads", json_body=UPLOAD)
    assert (refusal.status, refusal.json["code"]) == (409, "nameTaken")
    answer = send("POST", "/api/uploads", json_body=UPLOAD | {"onConflict": "suffix"})
    assert (answer.status, answer.json["name"]) == (201, "holiday/beach-abcd1234.jpg")


def test_a_suffix_is_eight_random_letters_and_digits() -> None:
    suffixes = {random_suffix() for _ in range(20)}
    assert len(suffixes) == 20
    assert all(re.fullmatch("[a-z2-7]{8}", suffix) for suffix in suffixes)


def test_a_name_that_is_not_allowed_is_named(send: Send) -> None:
    answer = send("POST", "/api/uploads", json_body=UPLOAD | {"name": "../x.jpg"})
    assert answer.json["errors"] == [{"location": "body $.name", "detail": answer.json["detail"]}]


def test_a_free_name_gets_no_suffix(send: Send) -> None:
    answer = send("POST", "/api/uploads", json_body=UPLOAD | {"onConflict": "suffix"})
    assert answer.json["name"] == "holiday/beach.jpg"


def test_a_long_name_that_needs_a_suffix_is_refused(api: InMemoryApi, send: Send) -> None:
    api.blobs.add("x" * 250)
    answer = send("POST", "/api/uploads", json_body=UPLOAD | {"name": "x" * 250, "onConflict": "suffix"})
    assert (answer.status, answer.json["code"]) == (400, "invalidName")


@pytest.mark.parametrize(
    ("changes", "location"),
    [
        ({"sizeBytes": 0}, "$.sizeBytes"),
        ({"sizeBytes": 20_971_521}, "$.sizeBytes"),
        ({"sizeBytes": "3"}, "$.sizeBytes"),
        ({"sizeBytes": 1e400}, "malformed"),
        ({"contentType": "text/html"}, "$.contentType"),
        ({"contentType": "image/svg+xml"}, "$.contentType"),
        ({"name": ""}, "$.name"),
        ({"name": "x" * 256}, "$.name"),
        ({"name": 1}, "$.name"),
        ({"onConflict": "overwrite"}, "$.onConflict"),
        ({"container": "deadletter"}, "container"),
    ],
)
def test_limits_are_checked_before_anything_else(
    api: InMemoryApi, send: Send, changes: dict[str, Any], location: str
) -> None:
    api.failures["exists"] = AssertionError("Blob Storage was called")
    answer = send("POST", "/api/uploads", json_body=UPLOAD | changes)
    assert (answer.status, answer.json["code"]) == (400, "invalidRequest")
    assert location in answer.json["errors"][0]["detail"]


def test_a_type_that_the_analyzer_does_not_accept_is_refused_before_anything_is_uploaded() -> None:
    api = InMemoryApi(limits=FOUNDRY_VISION_LIMITS, failures={"exists": AssertionError("Blob Storage was called")})
    client = ApiClient(api)
    answer = asyncio.run(client.send("POST", "/api/uploads", json_body=UPLOAD | {"contentType": "image/bmp"}))
    assert (answer.status, answer.json["code"]) == (400, "invalidRequest")
    detail = "The analyzer accepts image/jpeg, image/png, image/gif, image/webp, not image/bmp."
    assert answer.json["errors"] == [{"location": "body $.contentType", "detail": detail}]


def test_the_document_has_the_media_types_of_all_formats() -> None:
    assert get_args(ImageContentType.__value__) == IMAGE_ANALYSIS_LIMITS.media_types
    assert set(IMAGE_ANALYSIS_LIMITS.media_types) == set(MEDIA_TYPES.values())


@pytest.mark.parametrize("name", ["../deadletter/x.png", "a\\b.png", "a/./b.png", "cat\u0000.png", "/x.png"])
def test_a_name_of_another_path_is_refused(send: Send, name: str) -> None:
    answer = send("POST", "/api/uploads", json_body=UPLOAD | {"name": name})
    assert (answer.status, answer.json["code"]) == (400, "invalidName")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"name": "\\ud800"}', b"[" * 5000])
def test_a_body_that_is_not_one_object_is_refused(send: Send, body: bytes) -> None:
    answer = send("POST", "/api/uploads", body=body, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.json["code"]) == (400, "invalidRequest")


def test_a_large_body_is_refused_before_it_is_parsed(send: Send) -> None:
    answer = send("POST", "/api/uploads", body=b"[" * 8193, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.json["code"]) == (413, "bodyTooLarge")


@pytest.mark.parametrize("content_type", ["", "text/plain", "multipart/form-data", "application/jsonx"])
def test_only_json_is_accepted(send: Send, content_type: str) -> None:
    answer = send("POST", "/api/uploads", body=b"{}", headers={"Content-Type": content_type})
    assert (answer.status, answer.json["code"]) == (415, "unsupportedMediaType")


def test_json_may_state_its_character_set(send: Send) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert send("POST", "/api/uploads", json_body=UPLOAD, headers=headers).status == 201
