"""The record writer step by step: which record stays, and which image copies are deleted."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from classifier.domain.events import Message
from classifier.domain.records import create_record, describe_unread_blob
from classifier.use_cases.record_writer import RecordWriter
from common.domain.errors import ConcurrencyError, RetryLaterError
from common.domain.record import ImageRecord, RecordStatus
from common.domain.record_fields import AnalyzerInfo
from msgspec.structs import replace

from tests.support.in_memory_services import (
    NOW,
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


def new_record(
    etag: str,
    *,
    status: RecordStatus = RecordStatus.CLASSIFIED,
    copy: str | None = None,
    fingerprint: str | None = "test/1",
    sha256: str | None = None,
    attempt: int = 1,
) -> ImageRecord:
    """A record of the version `etag`."""
    parsed = Message.parse(message())
    record = create_record(
        parsed,
        attempt=attempt,
        status=status,
        blob=replace(describe_unread_blob(parsed.event, etag), content_sha256=sha256),
        started=NOW,
        finished=NOW,
        analyzer=AnalyzerInfo.for_request(("tags",), fingerprint) if fingerprint else None,
    )
    return replace(record, copy_path=copy)


def store(services: InMemoryServices, record: ImageRecord) -> None:
    asyncio.run(InMemoryRecordRepository(services).put(record, None))


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
    store(services, new_record("e0000", copy=old, fingerprint="test/0"))
    record = new_record("e0001", copy=new)
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
    store(services, new_record("e0000", copy=copy, fingerprint="test/0"))
    del services.blobs["cat.png"]
    writer = RecordWriter(images=services, records=InMemoryRecordRepository(services), image_copies=image_copies)
    assert asyncio.run(writer.remove(Message.parse(message()).event)) is True
    assert (image_copies.discarded, services.records) == (discarded, {})


def test_a_record_that_changes_while_it_is_removed_is_removed_all_the_same(services: InMemoryServices) -> None:
    store(services, new_record("e0000"))
    del services.blobs["cat.png"]
    changes = 2

    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        nonlocal changes
        if operation == "delete" and changes:
            changes -= 1
            services.change_record()
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
    record = new_record("e0001")
    writer = RecordWriter(images=services, records=InMemoryRecordRepository(services), image_copies=None)
    assert asyncio.run(writer.write(record, "cat.png")) == record
    assert services.record["blob"]["etag"] == "e0001"


@pytest.mark.parametrize(
    ("status", "sha256", "identity", "stays"),
    [
        ("classified", CAT_SHA256, "test/0", True),
        ("classified", CAT_SHA256, "test/1", False),
        ("failed", CAT_SHA256, None, True),
        ("rejected", CAT_SHA256, None, False),
        ("rejected", None, None, True),
    ],
)
def test_which_record_of_the_same_version_stays(
    services: InMemoryServices, status: str, sha256: str | None, identity: str | None, *, stays: bool
) -> None:
    """One that says the same; a success in the place of a failure, and an analysis in the place of no content."""
    store(services, new_record("e0001", fingerprint="test/0", sha256=CAT_SHA256))
    record = new_record("e0001", status=RecordStatus(status), fingerprint=identity, sha256=sha256, attempt=7)
    writer = RecordWriter(images=services, records=InMemoryRecordRepository(services), image_copies=None)
    stored = asyncio.run(writer.write(record, "cat.png"))
    assert stored is not None
    assert stored.attempts == (1 if stays else 7)
    assert services.record["attempts"] == stored.attempts


@pytest.mark.parametrize("status", list(RecordStatus))
def test_an_item_that_is_no_record_is_replaced_whatever_the_result(
    services: InMemoryServices, status: RecordStatus
) -> None:
    """Nothing is known of it but its ETag, so it names no copy either."""
    store(services, new_record("e0000", copy="dog/cat.png"))
    services.change_record(status="of another version")
    image_copies = ImageCopyStoreSpy()
    writer = RecordWriter(images=services, records=InMemoryRecordRepository(services), image_copies=image_copies)
    record = new_record("e0001", status=status)
    assert asyncio.run(writer.write(record, "cat.png")) == record
    assert services.record["status"] == status
    assert image_copies.discarded == []


def test_an_item_that_is_no_record_does_not_hide_a_newer_version_of_the_blob(services: InMemoryServices) -> None:
    store(services, new_record("e0000"))
    services.change_record(status="of another version")
    services.upload("cat.png", b"dog")
    writer = RecordWriter(images=services, records=InMemoryRecordRepository(services), image_copies=None)
    assert asyncio.run(writer.write(new_record("e0001"), "cat.png")) is None
    assert services.record["status"] == "of another version"


def test_an_item_that_is_no_record_is_removed_with_its_blob(services: InMemoryServices) -> None:
    store(services, new_record("e0000"))
    services.change_record(timings=None)
    del services.blobs["cat.png"]
    writer = RecordWriter(images=services, records=InMemoryRecordRepository(services), image_copies=None)
    assert asyncio.run(writer.remove(Message.parse(message()).event)) is True
    assert services.records == {}


class EverChangingRecords(InMemoryRecordRepository):
    """Records that another worker changes before each write."""

    def __init__(self, services: InMemoryServices) -> None:
        super().__init__(services)
        self.conflicts = 0

    async def put(self, record: ImageRecord, previous: Any) -> None:
        self.conflicts += 1
        raise ConcurrencyError(record.id)

    async def delete(self, record_id: str, previous: Any) -> None:
        self.conflicts += 1
        raise ConcurrencyError(record_id)


def test_endless_conflicts_end_in_a_requeue(services: InMemoryServices) -> None:
    store(services, new_record("e0000", fingerprint="test/0"))
    records = EverChangingRecords(services)
    writer = RecordWriter(images=services, records=records, image_copies=None)
    with pytest.raises(RetryLaterError, match="changed by others 5 times in a row"):
        asyncio.run(writer.write(new_record("e0001"), "cat.png"))
    assert records.conflicts == 5


def test_endless_conflicts_of_a_removal_end_in_a_requeue(services: InMemoryServices) -> None:
    store(services, new_record("e0000"))
    del services.blobs["cat.png"]
    records = EverChangingRecords(services)
    writer = RecordWriter(images=services, records=records, image_copies=None)
    with pytest.raises(RetryLaterError, match="changed by others 5 times in a row"):
        asyncio.run(writer.remove(Message.parse(message()).event))
    assert records.conflicts == 5
