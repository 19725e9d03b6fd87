"""Listings, dead letters and copies through the SDK, against a container on 127.0.0.1."""

import asyncio
import urllib.request
import zlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob.aio import ContainerClient
from classifier.adapters.blob_storage import (
    BlobImageCopyStore,
    BlobImageStore,
    create_image_container_client,
)
from classifier.adapters.dead_letters import BlobDeadLetterStore
from classifier.domain.errors import ImageRejectedError
from classifier.domain.image_checks import require_content
from classifier.domain.models import Blob, BlobInfo
from common.domain.errors import AccessDeniedError, ConfigurationError, RetryLaterError

from tests.support.fake_blob_service import FakeBlobService, StoredBlob, container_client
from tests.support.fake_container_service import FakeContainerService, WritableBlob, writable_container
from tests.support.in_memory_services import as_json

MODIFIED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CAT = Blob(content=b"cat", size_bytes=3, etag="e1", content_type="image/png", created_at=None)


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy between the client and 127.0.0.1."""
    monkeypatch.setattr(urllib.request, "getproxies", dict)


def run[Result](service: FakeContainerService, use: Callable[[ContainerClient], Awaitable[Result]]) -> Result:
    async def within() -> Result:
        async with writable_container(service) as client:
            return await use(client)

    return asyncio.run(within())


def five() -> FakeContainerService:
    return FakeContainerService(**{name: WritableBlob(etag=f"e-{name}") for name in ("a", "b", "c d", "e,f", "g")})


@pytest.mark.parametrize(("marker", "first"), [(None, 0), ("c d", 1), ("g", 2)])
def test_a_listing_has_every_page_with_the_marker_of_the_next(marker: str | None, first: int) -> None:
    service = five()

    async def list_pages(client: ContainerClient) -> list[tuple[list[BlobInfo], str | None]]:
        return [page async for page in BlobImageStore(client).list_pages(marker)]

    expected = [(["a", "b"], "c d"), (["c d", "e,f"], "g"), (["g"], None)]
    assert run(service, list_pages) == [
        ([BlobInfo(name=name, etag=f"e-{name}", last_modified=MODIFIED) for name in names], following)
        for names, following in expected[first:]
    ]
    assert service.markers == [marker, *[following for _, following in expected[first:-1]]]


def test_an_empty_container_has_one_empty_page() -> None:
    async def list_pages(client: ContainerClient) -> list[Any]:
        return [page async for page in BlobImageStore(client).list_pages(None)]

    assert run(FakeContainerService(), list_pages) == [([], None)]


def test_dead_letters_are_listed_read_and_deleted() -> None:
    service = five()
    service.blobs["c d"].content = b"[]"

    async def use(client: ContainerClient) -> tuple[Any, ...]:
        dead_letters = BlobDeadLetterStore(client)
        names = [name async for name in dead_letters.names()]
        content = await dead_letters.read("c d")
        await dead_letters.delete("c d")
        return names, content

    assert run(service, use) == (["a", "b", "c d", "e,f", "g"], b"[]")
    assert sorted(service.blobs) == ["a", "b", "e,f", "g"]


def test_a_dead_letter_that_is_gone_is_empty_and_deleted_already() -> None:
    async def use(client: ContainerClient) -> bytes:
        dead_letters = BlobDeadLetterStore(client)
        await dead_letters.delete("gone")
        return await dead_letters.read("gone")

    service = FakeContainerService()
    assert run(service, use) == b""
    assert service.requests == [("DELETE", "gone"), ("GET", "gone")]


@pytest.mark.parametrize(
    ("status", "expected"), [(503, RetryLaterError), (403, AccessDeniedError), (409, ResourceExistsError)]
)
def test_a_rejected_call_to_a_container_is_an_error_of_the_call(status: int, expected: type[Exception]) -> None:
    """A failed save or deletion is not reported as done."""
    service = FakeContainerService(a=WritableBlob(metadata={"sourceetag": "e1"}))
    service.failure = (status, "Refused")

    async def use(client: ContainerClient) -> None:
        images, dead_letters, image_copies = (
            BlobImageStore(client),
            BlobDeadLetterStore(client),
            BlobImageCopyStore(client),
        )
        for call in (
            anext(images.list_pages(None)),
            anext(dead_letters.names()),
            dead_letters.read("a"),
            dead_letters.delete("a"),
            image_copies.save("a", CAT),
            image_copies.delete("a", "e1"),
        ):
            with pytest.raises(expected) as raised:
                await call
            assert type(raised.value) is expected

    run(service, use)
    assert len(service.requests) == 6


def test_a_copy_has_the_type_and_the_version_of_its_image_and_replaces_an_older_one() -> None:
    service = FakeContainerService(**{"cat/a b.png": WritableBlob(content=b"old", metadata={"sourceetag": "e0"})})
    run(service, lambda client: BlobImageCopyStore(client).save("cat/a b.png", CAT))
    assert service.blobs == {
        "cat/a b.png": WritableBlob(content=b"cat", etag="put", metadata={"sourceetag": "e1"}, content_type="image/png")
    }


def test_a_copy_needs_a_container() -> None:
    service = FakeContainerService()
    service.failure = (404, "ContainerNotFound")
    with pytest.raises(ConfigurationError, match="no container for copies") as raised:
        run(service, lambda client: BlobImageCopyStore(client).save("cat/a.png", CAT))
    assert raised.value.code == "ContainerNotFound"


def test_there_is_no_copy_of_an_image_without_content() -> None:
    unread = Blob(content=None, size_bytes=3, etag="e1", content_type="image/png", created_at=None)
    service = FakeContainerService()
    with pytest.raises(ValueError, match=r"no content to save under cat/a\.png"):
        run(service, lambda client: BlobImageCopyStore(client).save("cat/a.png", unread))
    assert service.requests == []


def delete_copy(service: FakeContainerService, etag: str) -> list[str]:
    """Delete the copy of this version, and return the methods of the requests."""
    run(service, lambda client: BlobImageCopyStore(client).delete("cat/a.png", etag))
    return [method for method, _ in service.requests]


@pytest.mark.parametrize(
    ("source", "methods", "left"), [("e1", ["HEAD", "DELETE"], []), ("e2", ["HEAD"], ["cat/a.png"])]
)
def test_a_copy_of_this_version_is_deleted_and_one_of_another_version_is_left(
    source: str, methods: list[str], left: list[str]
) -> None:
    service = FakeContainerService(**{"cat/a.png": WritableBlob(metadata={"sourceetag": source})})
    assert delete_copy(service, "e1") == methods
    assert [*service.blobs] == left


def test_a_copy_that_no_version_is_known_of_is_left() -> None:
    service = FakeContainerService(**{"cat/a.png": WritableBlob()})
    assert delete_copy(service, "e1") == ["HEAD"]


def test_a_copy_that_is_overwritten_at_the_moment_of_its_deletion_is_left() -> None:
    service = FakeContainerService(**{"cat/a.png": WritableBlob(metadata={"sourceetag": "e1"})})
    service.overwrite = "newer"
    assert delete_copy(service, "e1") == ["HEAD", "DELETE"]
    assert service.blobs["cat/a.png"].etag == "newer"


def test_a_copy_that_is_gone_is_looked_for_once() -> None:
    assert delete_copy(FakeContainerService(), "e1") == ["HEAD"]


def test_the_images_client_fetches_an_image_whole_and_retries_soon() -> None:
    client = create_image_container_client("https://acct.blob.core.windows.net/", "images", retry_total=2)
    assert client._config.max_single_get_size == 20_971_520
    policies: list[Any] = client._pipeline._impl_policies
    (policy,) = [policy for policy in policies if hasattr(policy, "initial_backoff")]
    assert (policy.initial_backoff, policy.increment_base, policy.total_retries) == (1, 2, 2)


def image(stored: StoredBlob) -> Blob:
    async def within() -> Blob:
        async with container_client(FakeBlobService(blob=stored)) as client:
            return await BlobImageStore(client).read("blob")

    return asyncio.run(within())


@pytest.mark.parametrize(("size", "read"), [(20_971_520, True), (20_971_521, False)])
def test_an_image_of_twenty_mebibytes_is_read_and_one_of_a_byte_more_is_not(size: int, *, read: bool) -> None:
    blob = image(StoredBlob(content=bytes(size)))
    assert (blob.content is not None, blob.size_bytes) == (read, size)


def test_an_image_without_a_type_is_a_stream_of_bytes() -> None:
    assert image(StoredBlob(headers={"Content-Type": ""})).content_type == "application/octet-stream"


def test_a_damaged_encoding_shows_the_first_sixteen_bytes() -> None:
    stored = b"\x1f\x8b" + bytes(range(40))
    with pytest.raises(ImageRejectedError) as rejection:
        require_content(image(StoredBlob(content=stored, encoding="gzip")))
    assert as_json(rejection.value.reason()) == {
        "code": "BadContentEncoding",
        "sentence": "The file's Content-Encoding is 'gzip', and its content is damaged or continues behind it.",
        "measured": "1f8b000102030405060708090a0b0c0d",
        "limit": None,
    }


def test_what_only_looks_compressed_is_read_as_it_is() -> None:
    """The first two bytes are no multiple of 31; they are one, of another method than zlib's; or there is only one."""
    for stored in (b"\x78\x00" + bytes(20), b"\x79\x18" + bytes(20), b"\x78", b"\x1f"):
        assert require_content(image(StoredBlob(content=stored, encoding="deflate"))) == stored


@pytest.mark.parametrize("level", [0, 1, 6, 9])
@pytest.mark.parametrize("size", [1, 262_143, 262_144, 262_145, 600_000])
def test_content_of_any_size_and_compression_is_decompressed(level: int, size: int) -> None:
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    blob = image(StoredBlob(content=zlib.compress(content, level), encoding="deflate"))
    assert require_content(blob) == content
    assert (blob.etag, blob.content_type, blob.created_at) == ("e1", "image/png", MODIFIED)
