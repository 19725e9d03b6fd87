"""Every race that has a name: somebody else acts just before or after one step of a worker."""

from collections.abc import Callable
from typing import Any

import pytest
from classifier.use_cases.classify import Outcome

from tests.support.in_memory_services import World, handle, message


def overtake(world: World, text: str | None = None) -> Outcome:
    """Another worker handles a message from beginning to end, inside a step of the first one."""
    worker = world.pipeline().handle(text or message(), attempt=1)
    try:
        worker.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError("the worker waits for something")


def at(world: World, operation: str, happens: Callable[[], Any], *, after: bool = False) -> None:
    """`happens` once, just before (or after) the pipeline's next `operation`."""
    pending = [happens]

    async def step(found: str, effect: Callable[[], Any]) -> Any:
        first = found == operation and pending
        if first and not after:
            pending.pop()()
        result = effect()
        if first and after:
            pending.pop()()
        return result

    world.step = step


def test_a_failure_is_about_a_version_even_if_the_blob_goes_and_comes_back_meanwhile(world: World) -> None:
    handle(world)
    world.identity, world.failure = "test/2", KeyError("bug")
    analyzed, asked = False, 0

    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        nonlocal analyzed, asked
        analyzed = analyzed or operation == "analyze"
        if operation == "etag" and analyzed:
            asked += 1
            if asked == 1:
                world.blobs.clear()
            elif asked == 2:
                world.upload("cat.png", b"dog")
        return effect()

    world.step = step
    assert handle(world, attempt=5).status == "delayed"
    assert world.record["status"] == "classified", "the old version's, until the new one was tried"
    world.failure = None
    assert handle(world, world.queued.pop()[0]).status == "classified"
    assert world.record["blob"]["etag"] == world.blobs["cat.png"].etag


def test_what_somebody_else_is_analysing_is_waited_for(world: World) -> None:
    world.upload("copy.png", b"cat")
    outcomes: list[Outcome] = []
    at(world, "analyze", lambda: outcomes.append(overtake(world, message("copy.png"))))
    assert handle(world).status == "classified"
    assert [outcome.status for outcome in outcomes] == ["delayed"]
    assert (len(world.queued), world.analyzed) == (1, {b"cat": 1})


@pytest.mark.parametrize("operation", ["read", "begin", "analyze", "finish", "put", "keep", "etag"])
def test_a_blob_overwritten_at_any_moment_ends_as_its_newest_version(world: World, operation: str) -> None:
    at(world, operation, lambda: world.upload("cat.png", b"dog"))
    handle(world)
    assert (world.record["category"]["name"], world.record["blob"]["etag"]) == ("dog", world.blobs["cat.png"].etag)
    assert world.copies == {"dog/cat.png": world.blobs["cat.png"].etag}


@pytest.mark.parametrize("operation", ["read", "begin", "analyze", "finish", "put", "keep", "etag"])
def test_a_blob_deleted_at_any_moment_leaves_no_record(world: World, operation: str) -> None:
    at(world, operation, world.blobs.clear)
    assert handle(world).status == "removed"
    assert (world.records, world.copies) == ({}, {})


@pytest.mark.parametrize("operation", ["begin", "analyze", "finish", "put", "keep"])
def test_whoever_is_late_does_not_touch_what_the_newer_version_left(world: World, operation: str) -> None:
    def newer() -> None:
        world.upload("cat.png", b"dog")
        overtake(world)

    at(world, operation, newer)
    handle(world)
    assert world.record["blob"]["etag"] == world.blobs["cat.png"].etag
    assert world.copies == {"dog/cat.png": world.blobs["cat.png"].etag}


@pytest.mark.parametrize("operation", ["get", "etag", "delete"])
def test_a_blob_that_comes_back_while_its_record_is_removed_keeps_the_new_one(world: World, operation: str) -> None:
    handle(world)
    world.blobs.clear()

    def come_back() -> None:
        world.upload("cat.png", b"dog")
        overtake(world)

    at(world, operation, come_back, after=operation == "etag")
    handle(world, message(kind="BlobDeleted"))
    assert world.record["category"]["name"] == "dog"
    assert world.copies == {"dog/cat.png": world.blobs["cat.png"].etag}


def test_a_record_that_a_replica_does_not_have_yet_is_removed_with_its_blob(world: World) -> None:
    handle(world)
    world.blobs.clear()
    reads = 0

    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        nonlocal reads
        reads += operation == "get"
        world.lagging = operation == "get" and reads == 1
        return effect()

    world.step = step
    assert handle(world, message(kind="BlobDeleted")).status == "removed"
    assert (world.records, reads) == ({}, 3)


def test_an_old_version_is_never_written_over_a_newer_record(world: World) -> None:
    """A worker holds the first version; the second was handled; the first one's claim on the record is void."""
    held = world.blobs["cat.png"]

    def newer() -> None:
        world.upload("cat.png", b"dog")
        overtake(world)
        assert world.record["blob"]["etag"] > held.etag

    at(world, "put", newer)
    handle(world)
    assert world.record["category"]["name"] == "dog"
