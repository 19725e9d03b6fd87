"""The record writer step by step: which record stays, and which image copies are deleted."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from classifier.domain.errors import (
    ConcurrencyError,
)
from classifier.domain.events import Message
from classifier.domain.record import blank
from classifier.use_cases.record_writer import RecordWriter

from tests.support.in_memory_services import (
    InMemoryRecordRepository,
    InMemoryServices,
    message,
)

CAT_SHA256 = "77af778b51abd4a3c51c5ddd97204a9c3ae614ebccb75a606c3b6865aed6744e"


class ImageCopyStoreSpy:
    """Records which copies are deleted."""

    def __init__(self) -> None:
        self.discarded: list[tuple[str, str]] = []

    async def save(self, path: str, blob: Any) -> None:
        raise AssertionError(f"the record writer saves no copy: {path}, {blob}")

    async def delete(self, path: str, etag: str) -> None:
        self.discarded.append((path, etag))


def stored(
    services: InMemoryServices, *, copy: str | None, etag: str = "e0000", status: str = "classified"
) -> dict[str, Any]:
    """A record of an older version, as it is stored."""
    record = blank(Message.parse(message()), 1)
    record["blob"]["etag"] = etag
    record |= {"status": status, "copy": copy, "analyzer": {"identity": "test/0"}}
    asyncio.run(InMemoryRecordRepository(services).put(record, None))
    return record


@pytest.mark.parametrize(
    ("old", "new", "discarded"),
    [
        (None, None, []),
        (None, "cat/cat.png", []),
        ("cat/cat.png", "cat/cat.png", []),
        ("dog/cat.png", "cat/cat.png", [("dog/cat.png", "e0000")]),
        ("dog/cat.png", None, [("dog/cat.png", "e0000")]),
    ],
)
def test_a_copy_is_deleted_only_when_the_new_record_has_another(
    services: InMemoryServices, old: str | None, new: str | None, discarded: list[tuple[str, str]]
) -> None:
    image_copies = ImageCopyStoreSpy()
    stored(services, copy=old)
    record = blank(Message.parse(message()), 1)
    record["blob"]["etag"] = "e0001"
    record |= {"status": "classified", "copy": new, "analyzer": {"identity": "test/1"}}
    writer = RecordWriter(images=services, records=InMemoryRecordRepository(services), image_copies=image_copies)
    assert asyncio.run(writer.write(record, "cat.png")) == record
    assert image_copies.discarded == discarded
    assert asyncio.run(
        RecordWriter(images=services, records=InMemoryRecordRepository(services), image_copies=None).write(
            record, "cat.png"
        )
    )


@pytest.mark.parametrize(("copy", "discarded"), [(None, []), ("dog/cat.png", [("dog/cat.png", "e0000")])])
def test_the_copy_of_a_removed_record_is_deleted(
    services: InMemoryServices, copy: str | None, discarded: list[tuple[str, str]]
) -> None:
    image_copies = ImageCopyStoreSpy()
    stored(services, copy=copy)
    del services.blobs["cat.png"]
    writer = RecordWriter(images=services, records=InMemoryRecordRepository(services), image_copies=image_copies)
    assert asyncio.run(writer.remove(Message.parse(message()).event)) is True
    assert (image_copies.discarded, services.records) == (discarded, {})


def test_a_record_that_changes_while_it_is_removed_is_removed_all_the_same(services: InMemoryServices) -> None:
    record = stored(services, copy=None)
    del services.blobs["cat.png"]
    changes = 2

    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        nonlocal changes
        if operation == "delete" and changes:
            changes -= 1
            services.records[record["id"]] = services.record | {"_etag": services.new_etag()}
        return effect()

    services.step = step
    writer = RecordWriter(images=services, records=InMemoryRecordRepository(services), image_copies=None)
    assert asyncio.run(writer.remove(Message.parse(message()).event)) is True
    assert (services.records, changes) == ({}, 0)


def test_a_record_that_is_removed_while_it_is_written_is_written_all_the_same(services: InMemoryServices) -> None:
    """The write is refused, and then there is nothing to be refused by."""
    refusals = 2

    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        nonlocal refusals
        if operation == "put" and refusals:
            refusals -= 1
            raise ConcurrencyError("record")
        return effect()

    services.step = step
    record = blank(Message.parse(message()), 1)
    record["blob"]["etag"] = "e0001"
    writer = RecordWriter(images=services, records=InMemoryRecordRepository(services), image_copies=None)
    assert asyncio.run(writer.write(record, "cat.png")) == record
    assert services.record["blob"]["etag"] == "e0001"


@pytest.mark.parametrize(
    ("status", "sha256", "identity", "kept"),
    [
        ("classified", CAT_SHA256, "test/0", True),
        ("classified", CAT_SHA256, "test/1", False),
        ("failed", CAT_SHA256, None, True),
        ("rejected", CAT_SHA256, None, False),
        ("rejected", None, None, True),
    ],
)
def test_which_record_of_the_same_version_stays(
    services: InMemoryServices, status: str, sha256: str | None, identity: str | None, *, kept: bool
) -> None:
    """One that says the same; a success in the place of a failure, and an analysis in the place of no content."""
    seen = stored(services, copy=None, etag="e0001")
    services.record["blob"]["contentSha256"] = CAT_SHA256
    record = blank(Message.parse(message()), 7)
    record["blob"] |= {"etag": "e0001", "contentSha256": sha256}
    record |= {"status": status, "analyzer": {"identity": identity} if identity else None}
    writer = RecordWriter(images=services, records=InMemoryRecordRepository(services), image_copies=None)
    written = asyncio.run(writer.write(record, "cat.png"))
    assert written is not None
    assert written["attempts"] == (1 if kept else 7)
    assert services.record["attempts"] == written["attempts"]
    assert seen["attempts"] == 1
