"""The images, read through the SDK from a blob service on 127.0.0.1."""

import asyncio
import gzip
import tracemalloc
import urllib.request
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from classifier.adapters.blob_storage import BlobImageStore
from classifier.domain.errors import BlobNotFoundError, ImageRejectedError
from classifier.domain.image_checks import require_content
from classifier.domain.models import Blob
from common.domain.errors import AccessDeniedError, ConfigurationError, RetryLaterError
from common.domain.image_limits import MAX_BYTES

from tests.support.fake_blob_service import FakeBlobService, StoredBlob, container_client

BLOB = Blob(content=b"cat", size_bytes=3, etag="e1", content_type="image/png", created_at=None)
CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy between the client and 127.0.0.1."""
    monkeypatch.setattr(urllib.request, "getproxies", dict)


def run[Result](service: FakeBlobService, use: Callable[[BlobImageStore], Awaitable[Result]]) -> Result:
    async def within() -> Result:
        async with container_client(service) as client:
            return await use(BlobImageStore(client))

    return asyncio.run(within())


def read(stored: StoredBlob) -> Blob:
    return run(FakeBlobService(blob=stored), lambda images: images.read("blob"))


def test_a_blob_is_read_as_it_is_now() -> None:
    name = "a b/é#?%.png"
    service = FakeBlobService(**{name: StoredBlob()})

    async def use(images: BlobImageStore) -> tuple[Any, ...]:
        return images.host, images.container, await images.read(name), await images.get_etag(name)

    assert run(service, use) == ("127.0.0.1", "images", replace(BLOB, created_at=CREATED), "e1")
    path = "/images/a%20b/%C3%A9%23%3F%25.png"
    assert service.requests == [("GET", path), ("HEAD", path)]


@pytest.mark.parametrize("size", [1, MAX_BYTES])
def test_content_up_to_the_limit_is_read_in_one_request(size: int) -> None:
    service = FakeBlobService(blob=StoredBlob(content=bytes(size)))
    blob = run(service, lambda images: images.read("blob"))
    assert (len(require_content(blob)), blob.size_bytes, len(service.requests)) == (size, size, 1)


def test_of_a_blob_that_is_too_large_no_more_is_fetched_than_shows_it() -> None:
    service = FakeBlobService(blob=StoredBlob(content=bytes(3 * MAX_BYTES)))
    blob = run(service, lambda images: images.read("blob"))
    assert (blob.content, blob.size_bytes, service.response_sizes) == (None, 3 * MAX_BYTES, [MAX_BYTES])
    with pytest.raises(ImageRejectedError) as rejection:
        require_content(blob)
    assert (rejection.value.code, rejection.value.measured) == ("TooLarge", 3 * MAX_BYTES)


def test_an_empty_blob_is_rejected() -> None:
    blob = read(StoredBlob(content=b""))
    assert blob.size_bytes == 0
    with pytest.raises(ImageRejectedError) as rejection:
        require_content(blob)
    assert rejection.value.code == "EmptyFile"


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "gzip, gzip"])
@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
def test_compressed_content_is_what_it_was(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    stored = compress(PNG)
    blob = read(StoredBlob(content=stored, encoding=encoding))
    assert (require_content(blob), blob.size_bytes) == (PNG, len(stored))


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "utf-8", "identity"])
def test_an_image_that_was_never_compressed_is_read_whatever_its_label(encoding: str) -> None:
    assert require_content(read(StoredBlob(content=PNG, encoding=encoding))) == PNG


def test_compressed_content_without_a_label_is_left_alone() -> None:
    stored = gzip.compress(PNG)
    assert require_content(read(StoredBlob(content=stored))) == stored


def test_a_bomb_is_decompressed_no_further_than_the_limit() -> None:
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    chunks = [compressor.compress(bytes(1 << 20)) for _ in range(600)]
    bomb = b"".join([*chunks, compressor.flush()])
    tracemalloc.start()
    blob = read(StoredBlob(content=bomb, encoding="gzip"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * MAX_BYTES + (8 << 20)  # as it grows, what is decompressed is moved
    with pytest.raises(ImageRejectedError) as rejection:
        require_content(blob)
    assert (rejection.value.code, rejection.value.limit) == ("TooLarge", MAX_BYTES)


def test_content_is_decompressed_up_to_the_limit_itself() -> None:
    assert len(require_content(read(StoredBlob(content=gzip.compress(bytes(MAX_BYTES)), encoding="gzip")))) == MAX_BYTES
    with pytest.raises(ImageRejectedError, match="more than"):
        require_content(read(StoredBlob(content=gzip.compress(bytes(MAX_BYTES + 1)), encoding="gzip")))


@pytest.mark.parametrize(
    "stored",
    [
        gzip.compress(PNG)[:-9],
        gzip.compress(PNG)[:-6] + bytes(6),
        gzip.compress(PNG) + b"more",
        gzip.compress(PNG) + bytes(1 << 20),
        b"\x1f\x8b" + bytes(40),
        b"\x78\x9c",
    ],
    ids=["cut off", "a wrong checksum", "more behind it", "much more behind it", "a start alone", "zlib's start alone"],
)
def test_damaged_encoding_is_rejected_with_what_was_found(stored: bytes) -> None:
    with pytest.raises(ImageRejectedError) as rejection:
        require_content(read(StoredBlob(content=stored, encoding="gzip")))
    assert (rejection.value.code, rejection.value.measured) == ("BadContentEncoding", stored[:16].hex())


@pytest.mark.parametrize("code", ["BlobArchived", "BlobBeingRehydrated"])
def test_an_archived_blob_is_rejected_as_such_with_its_version(code: str) -> None:
    blob = read(StoredBlob(content=bytes(7), get_error=code))
    assert (blob.content, blob.etag, blob.size_bytes, blob.created_at) == (None, "e1", 7, CREATED)
    with pytest.raises(ImageRejectedError) as rejection:
        require_content(blob)
    assert rejection.value.code == "Archived"


def test_a_leased_blob_is_read_like_any_other() -> None:
    """A lease locks writing and deleting: https://learn.microsoft.com/rest/api/storageservices/lease-blob."""
    leased = {"x-ms-lease-status": "locked", "x-ms-lease-state": "leased", "x-ms-lease-duration": "infinite"}
    assert require_content(read(StoredBlob(headers=leased))) == b"cat"


def test_the_properties_of_a_blob_are_read_without_its_content() -> None:
    service = FakeBlobService(blob=StoredBlob())
    expected = replace(BLOB, created_at=CREATED, content=None)
    assert run(service, lambda images: images.read_properties("blob")) == expected
    assert service.requests == [("HEAD", "/images/blob")]


def test_a_blob_that_is_gone_is_gone() -> None:
    async def use(images: BlobImageStore) -> None:
        assert await images.read_properties("a.png") is None
        with pytest.raises(BlobNotFoundError):
            await images.read("a.png")
        assert await images.get_etag("a.png") is None

    run(FakeBlobService(), use)


def test_a_blob_that_goes_once_it_is_known_to_be_archived_is_gone() -> None:
    class Going(FakeBlobService):
        async def answer(self, request: Any) -> Any:
            answer = await super().answer(request)
            self.blobs.clear()
            return answer

    async def use(images: BlobImageStore) -> None:
        with pytest.raises(BlobNotFoundError):
            await images.read("blob")

    run(Going(blob=StoredBlob(get_error="BlobArchived")), use)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("AuthorizationPermissionMismatch", AccessDeniedError),
        ("SnapshotsPresent", HttpResponseError),
        ("InternalError", RetryLaterError),
    ],
)
def test_any_other_answer_is_an_error_and_never_taken_for_a_blob(code: str, expected: type[Exception]) -> None:
    async def use(images: BlobImageStore) -> None:
        with pytest.raises(expected):
            await images.read("blob")
        with pytest.raises(expected):
            await images.get_etag("blob")
        with pytest.raises(expected):
            await images.delete("blob")

    run(FakeBlobService(blob=StoredBlob(error=code)), use)


def test_a_container_that_is_gone_is_no_blob_that_is_gone() -> None:
    """Its records would be removed otherwise."""

    async def use(images: BlobImageStore) -> None:
        with pytest.raises(ConfigurationError):
            await images.read("blob")
        with pytest.raises(ConfigurationError):
            await images.get_etag("blob")
        with pytest.raises(ConfigurationError):
            await images.delete("blob")

    run(FakeBlobService(blob=StoredBlob(error="ContainerNotFound")), use)


def test_a_blob_is_deleted_and_a_second_time_nothing_happens() -> None:
    service = FakeBlobService(blob=StoredBlob())

    async def use(images: BlobImageStore) -> None:
        await images.delete("blob")
        await images.delete("blob")

    run(service, use)
    assert service.blobs == {}
    assert service.requests == [("DELETE", "/images/blob"), ("DELETE", "/images/blob")]
