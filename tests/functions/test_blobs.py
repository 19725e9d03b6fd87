"""The images and their copies against fakes of the blob service: requests as they should be, troubles told apart."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Self

import pytest
from azure.core.exceptions import HttpResponseError, ResourceModifiedError, ResourceNotFoundError
from classifier.adapters.blobs import BlobGallery, BlobImages
from classifier.errors import AccessDeniedError, BlobNotFoundError, ConfigurationError, RetryLaterError
from classifier.limits import MAX_BYTES
from classifier.models import Blob

BLOB = Blob(content=b"cat", size_bytes=3, etag="e1", content_type="image/png", created_at=None)


class Answer:
    """A response of the blob service; what is not read is not fetched."""

    def __init__(self, status: int = 200, content: bytes = b"", size: int | None = None) -> None:
        self.status_code, self.reason, self.content_type = status, "", "text/plain"
        self.headers = {
            "Content-Length": str(len(content) if size is None else size), "ETag": '"e1"', "Content-Type": "image/png",
            "x-ms-creation-time": "Fri, 02 Jan 2026 03:04:05 GMT",
        }  # fmt: skip
        self._content = content
        self.was_read = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def read(self) -> bytes:
        self.was_read = True
        return self._content

    def text(self) -> str:
        return self._content.decode()


class Blobs:
    """Stands where the reader's pipeline would."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str]] = []

    async def send_request(self, request: Any, **_: Any) -> Answer:
        self.asked.append((request.method, request.url))
        return self.answer


class Container:
    """Stands where a blob container's client would."""

    url, container_name = "https://ACCT.blob.core.windows.net/images", "images"

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[tuple[Any, ...]] = []

    def get_blob_client(self, name: str) -> "Container":
        self.calls.append(("client", name))
        return self

    def __getattr__(self, name: str) -> Any:
        async def call(*positional: Any, **named: Any) -> Any:
            self.calls.append((name, *positional, named))
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        return call


def images(answer: Answer) -> tuple[BlobImages, Blobs]:
    blobs = Blobs(answer)
    return BlobImages(Container(None), blobs), blobs  # type: ignore[arg-type]


def test_a_blob_is_read_as_it_is_now() -> None:
    port, blobs = images(Answer(content=b"cat"))
    assert (port.host, port.container) == ("acct.blob.core.windows.net", "images")
    blob = asyncio.run(port.read("a b/é#?%.png"))
    assert blob == replace(BLOB, created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert blobs.asked == [("GET", f"{Container.url}/a%20b/%C3%A9%23%3F%25.png")]
    assert asyncio.run(port.etag("a.png")) == "e1"
    assert blobs.asked[1] == ("HEAD", f"{Container.url}/a.png")


def test_a_blob_that_is_too_large_is_not_fetched() -> None:
    answer = Answer(size=MAX_BYTES + 1)
    port, _ = images(answer)
    blob = asyncio.run(port.read("big.png"))
    assert (blob.content, blob.size_bytes, answer.was_read) == (None, MAX_BYTES + 1, False)


def test_a_blob_that_is_gone_is_gone() -> None:
    port, _ = images(Answer(404))
    with pytest.raises(BlobNotFoundError):
        asyncio.run(port.read("a.png"))
    assert asyncio.run(port.etag("a.png")) is None


@pytest.mark.parametrize(
    ("status", "expected"), [(403, AccessDeniedError), (409, HttpResponseError), (500, RetryLaterError)]
)
def test_any_other_answer_is_an_error_and_never_taken_for_a_blob(status: int, expected: type[Exception]) -> None:
    port, _ = images(Answer(status, b"no"))
    with pytest.raises(expected):
        asyncio.run(port.read("a.png"))
    with pytest.raises(expected):
        asyncio.run(port.etag("a.png"))


def test_a_container_that_is_gone_is_no_blob_that_is_gone() -> None:
    """Its records would be removed otherwise."""
    answer = Answer(404)
    answer.headers["x-ms-error-code"] = "ContainerNotFound"
    port, _ = images(answer)
    with pytest.raises(ConfigurationError):
        asyncio.run(port.read("a.png"))
    with pytest.raises(ConfigurationError):
        asyncio.run(port.etag("a.png"))


@pytest.mark.parametrize(("source", "deleted"), [("e1", True), ("e2", False)])
def test_a_copy_is_removed_only_if_it_is_that_versions(source: str, *, deleted: bool) -> None:
    client = Container(type("P", (), {"metadata": {"sourceetag": source}, "etag": '"c9"'}))
    asyncio.run(BlobGallery(client).discard("cat/a.png", "e1"))  # type: ignore[arg-type]
    deletions = [named for name, *_, named in client.calls if name == "delete_blob"]
    assert [named["etag"] for named in deletions] == (['"c9"'] if deleted else [])


@pytest.mark.parametrize("error", [ResourceNotFoundError(), ResourceModifiedError()])
def test_a_copy_that_is_gone_or_newer_is_left(error: Exception) -> None:
    asyncio.run(BlobGallery(Container(error)).discard("cat/a.png", "e1"))  # type: ignore[arg-type]


def test_a_copy_says_which_version_it_is() -> None:
    client = Container(None)
    asyncio.run(BlobGallery(client).keep("cat/a.png", BLOB))  # type: ignore[arg-type]
    ((name, path, content, named),) = client.calls
    assert (name, path, content) == ("upload_blob", "cat/a.png", b"cat")
    assert (named["metadata"], named["overwrite"]) == ({"sourceetag": "e1"}, True)
