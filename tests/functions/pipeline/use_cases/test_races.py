"""Races, one by one: another client acts just before or after one step of a worker."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from classifier.domain.outcomes import Outcome, OutcomeStatus

from tests.support.in_memory_services import InMemoryServices, handle, message


def overtake(services: InMemoryServices, text: str | None = None) -> Outcome:
    """Another worker handles a message from beginning to end, inside a step of the first one."""
    worker = services.pipeline().handle(text or message(), attempt=1)
    try:
        worker.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError("the worker waits for something")


def at(services: InMemoryServices, operation: str, happens: Callable[[], Any], *, after: bool = False) -> None:
    """`happens` once, just before (or after) the pipeline's next `operation`."""
    pending = [happens]

    async def step(current: str, effect: Callable[[], Any]) -> Any:
        first = current == operation and pending
        if first and not after:
            pending.pop()()
        result = effect()
        if first and after:
            pending.pop()()
        return result

    services.step = step


def test_a_failure_is_about_a_version_even_if_the_blob_goes_and_comes_back_meanwhile(
    services: InMemoryServices,
) -> None:
    handle(services)
    services.fingerprint, services.failure = "test/2", KeyError("bug")
    analyzed, etag_reads = False, 0

    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        nonlocal analyzed, etag_reads
        analyzed = analyzed or operation == "analyze"
        if operation == "etag" and analyzed:
            etag_reads += 1
            if etag_reads == 1:
                services.blobs.clear()
            elif etag_reads == 2:
                services.upload("cat.png", b"dog")
        return effect()

    services.step = step
    assert handle(services, attempt=5).status == "delayed"
    assert services.record["status"] == "classified", "the old version's, until the new one was tried"
    services.failure = None
    assert handle(services, services.queued_messages.pop()[0]).status == "classified"
    assert services.record["blob"]["etag"] == services.blobs["cat.png"].etag


def test_a_worker_waits_for_content_that_another_worker_is_analyzing(services: InMemoryServices) -> None:
    services.upload("copy.png", b"cat")
    outcomes: list[Outcome] = []
    at(services, "analyze", lambda: outcomes.append(overtake(services, message("copy.png"))))
    assert handle(services).status == "classified"
    assert [outcome.status for outcome in outcomes] == ["delayed"]
    assert (len(services.queued_messages), services.analysis_counts) == (1, {b"cat": 1})


@pytest.mark.parametrize("operation", ["read", "get_or_lease", "analyze", "store", "put", "save_copy", "etag"])
def test_a_blob_overwritten_at_any_moment_ends_as_its_newest_version(
    services: InMemoryServices, operation: str
) -> None:
    at(services, operation, lambda: services.upload("cat.png", b"dog"))
    handle(services)
    assert (services.record["category"]["name"], services.record["blob"]["etag"]) == (
        "dog",
        services.blobs["cat.png"].etag,
    )
    assert services.copies == {"dog/cat.png": services.blobs["cat.png"].etag}


@pytest.mark.parametrize("operation", ["read", "get_or_lease", "analyze", "store", "put", "save_copy", "etag"])
def test_a_blob_deleted_at_any_moment_leaves_no_record(services: InMemoryServices, operation: str) -> None:
    at(services, operation, services.blobs.clear)
    assert handle(services).status == "removed"
    assert (services.records, services.copies) == ({}, {})


@pytest.mark.parametrize("operation", ["get_or_lease", "analyze", "store", "put", "save_copy"])
def test_a_late_worker_does_not_change_the_result_of_a_newer_version(
    services: InMemoryServices, operation: str
) -> None:
    def newer() -> None:
        services.upload("cat.png", b"dog")
        overtake(services)

    at(services, operation, newer)
    handle(services)
    assert services.record["blob"]["etag"] == services.blobs["cat.png"].etag
    assert services.copies == {"dog/cat.png": services.blobs["cat.png"].etag}


@pytest.mark.parametrize("operation", ["get", "etag", "delete"])
def test_a_blob_that_comes_back_while_its_record_is_removed_keeps_the_new_one(
    services: InMemoryServices, operation: str
) -> None:
    handle(services)
    services.blobs.clear()

    def come_back() -> None:
        services.upload("cat.png", b"dog")
        overtake(services)

    at(services, operation, come_back, after=operation == "etag")
    handle(services, message(kind="BlobDeleted"))
    assert services.record["category"]["name"] == "dog"
    assert services.copies == {"dog/cat.png": services.blobs["cat.png"].etag}


def test_a_record_that_a_replica_does_not_have_yet_is_removed_with_its_blob(services: InMemoryServices) -> None:
    handle(services)
    services.blobs.clear()
    reads = 0

    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        nonlocal reads
        reads += operation == "get"
        services.replica_lags = operation == "get" and reads == 1
        return effect()

    services.step = step
    assert handle(services, message(kind="BlobDeleted")).status == "removed"
    assert (services.records, reads) == ({}, 3)


def test_an_old_version_is_never_written_over_a_newer_record(services: InMemoryServices) -> None:
    """A worker holds the first version; the second was handled; the first one's claim on the record is void."""
    old_blob = services.blobs["cat.png"]

    def newer() -> None:
        services.upload("cat.png", b"dog")
        overtake(services)
        assert services.record["blob"]["etag"] > old_blob.etag

    at(services, "put", newer)
    handle(services)
    assert services.record["category"]["name"] == "dog"


def test_a_blob_that_changes_again_and_again_is_requeued(services: InMemoryServices) -> None:
    """The current version is another one after every record that was written."""
    services.upload("cat.png", b"cat")

    async def overwrite_before_etag(operation: str, effect: Callable[[], Any]) -> Any:
        if operation == "etag":
            services.upload("cat.png", b"cat")
        return effect()

    services.step = overwrite_before_etag
    outcome = asyncio.run(services.pipeline(image_copies=None).handle(message(), attempt=1))
    assert (outcome.status, len(services.queued_messages)) == (OutcomeStatus.DELAYED, 1)
    assert "the blob was changed 5 times in a row" in outcome.detail
