"""What the soak test expects of records, published results and poison messages, and its schedule of outages."""

import base64
import contextlib
import gzip
import hashlib
import json
import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from classifier.domain.errors import EventError
from classifier.domain.events import Message, create_poison_message

from benchmarks.bombs import BOMBS
from benchmarks.soak.disruptions import SERVICES, Schedule, write_faults
from benchmarks.soak.files import BOMB_REASONS, ImageFile, ImageFiles, Version
from benchmarks.soak.queues import original_text, unrelated_messages
from benchmarks.soak.report import SoakRun, create_report
from client.stack_outputs import record_id
from emulator.core.faults import Faults
from tests.support.in_memory_services import NOW

CAT = Version(make=lambda: b"cat")
TEXT = Version(make=lambda: b"text", reason="NotAnImage")


def uploaded(name: str, *versions: Version) -> ImageFile:
    """A file that was uploaded and has the expected record."""
    file = ImageFile(name=name, upload_name=name, versions=versions)
    for number, version in enumerate(versions):
        file.etags.append(f"{name}-{number}")
        file.sha256 = version.sha256(version.make())
    last = versions[-1]
    file.record = {
        "blob": {"name": name, "etag": file.etags[-1], "contentSha256": file.sha256},
        "status": last.status,
        "reason": None if last.reason is None else {"code": last.reason},
        "analyzer": None,
    }
    return file


def test_every_hostile_file_of_the_benchmark_has_an_expected_reason() -> None:
    assert BOMB_REASONS.keys() == {bomb.name for bomb in BOMBS}


def test_two_in_a_hundred_files_are_hostile() -> None:
    files = ImageFiles(random.Random(1)).make(200, 0.02)
    assert sum(file.hostile for file in files) == 4
    assert len({file.name for file in files}) == 200
    assert {file.versions[-1].reason for file in files if not file.hostile} <= {None, "EmptyFile", "NotAnImage"}
    assert {len(file.versions) for file in files} == {1, 2}


def test_a_name_with_dot_segments_is_expected_without_them() -> None:
    files = ImageFiles(random.Random(1)).make(len(BOMBS) + 5, 1)
    odd = sorted(
        (file.upload_name.removesuffix(file.name[5:]), file.name[:5]) for file in files if file.upload_name != file.name
    )
    assert odd == [("soak/./", "soak/"), ("soak/other/../", "soak/")]


@pytest.mark.parametrize(
    ("version", "content"),
    [
        (CAT, b"cat"),
        (Version(make=lambda: gzip.compress(b"cat"), encoding="gzip"), b"cat"),
        (Version(make=lambda: b"cat", encoding="gzip"), b"cat"),
        (Version(make=lambda: b"cat", encoding="gzip", reason="TooLarge"), None),
    ],
)
def test_a_record_has_the_hash_of_what_the_content_encoding_encodes(version: Version, content: bytes | None) -> None:
    assert version.sha256(version.make()) == (None if content is None else hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize(
    "change",
    [
        {"status": "failed"},
        {"reason": {"code": "NotAnImage"}},
        {"blob": {"name": "a", "etag": "a-0", "contentSha256": None}},
        {"blob": {"name": "a", "etag": "older", "contentSha256": hashlib.sha256(b"cat").hexdigest()}},
    ],
)
def test_a_record_is_expected_only_if_all_of_it_is(change: dict[str, Any]) -> None:
    file = uploaded("a", CAT)
    assert file.has_expected_record
    assert file.record is not None
    file.record |= change
    assert not file.has_expected_record


def test_each_service_has_an_outage_of_its_own() -> None:
    schedule = Schedule.create(120)
    assert [outage.service for outage in schedule.outages] == [*SERVICES]
    assert [outage.end - outage.start for outage in schedule.outages] == [120] * len(SERVICES)
    unavailable = [schedule.unavailable(seconds) for seconds in range(round(schedule.end))]
    assert {len(services) for services in unavailable} == {0, 1}
    assert unavailable[0] == unavailable[-1] == []
    # A host is killed under full load, while it cannot reach its queue, and while nobody gets a token.
    assert [schedule.unavailable(kill) for kill in schedule.kills] == [[], ["queue"], ["identity"]]


def test_the_emulator_has_the_outages_that_the_soak_test_asks_for(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    faults = Faults(tmp_path / "run/faults.json")
    write_faults(tmp_path, SERVICES)
    assert all(faults.is_unavailable(service) for service in SERVICES)
    write_faults(tmp_path, [])
    assert not any(faults.is_unavailable(service) for service in SERVICES)


def test_messages_that_are_not_events_are_recognized_when_they_are_poison() -> None:
    messages = unrelated_messages(14)
    assert len(messages) == 14
    as_they_are = [text for text, content in messages.items() if content == text]
    assert [original_text(text) for text in as_they_are] == as_they_are
    assert len(as_they_are) == 2
    for text, content in messages.items():
        if text in as_they_are:
            continue
        assert base64.b64decode(content).decode() == text
        with contextlib.suppress(EventError):
            assert Message.parse(text).event.host == "elsewhere.blob.core.windows.net"
        moved = create_poison_message(text, "BadEvent", "the reason", NOW)
        assert original_text(base64.b64encode(moved.encode()).decode()) == text


@pytest.fixture
def run(tmp_path: Path) -> SoakRun:
    """A run of two files in which everything is as expected."""
    (tmp_path / "data").mkdir()
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/functions.log").write_text(
        'INFO classifier: outcome {"status": "classified", "visionCalls": 2, "throttled": 1}\nnoise\n'
    )
    names = {name: record_id("images", name) for name in ("a", "b")}
    with closing(sqlite3.connect(tmp_path / "data/cosmos.db", isolation_level=None)) as store:
        store.execute("CREATE TABLE items(container TEXT, id TEXT)")
        rows = [("x/containers/images", item) for item in names.values()]
        store.executemany("INSERT INTO items VALUES(?, ?)", [*rows, ("x/containers/analyses", "another")])
    with closing(sqlite3.connect(tmp_path / "data/topics.db", isolation_level=None)) as topics:
        topics.execute("CREATE TABLE published(event TEXT)")
        for name, etag, status in (("a", "a-1", "classified"), ("b", "b-0", "rejected"), ("b", "b-0", "rejected")):
            event = {"data": {"recordId": names[name], "etag": etag, "status": status}}
            topics.execute("INSERT INTO published VALUES(?)", (json.dumps(event),))
    return SoakRun(
        state_directory=tmp_path,
        seconds=1,
        outages={"blob": 1},
        kills=3,
        planned_kills=3,
        worker_peaks={1: 80.2, 2: 120.4},
        unrelated_messages=["p", "q"],
        # A message can be delivered twice, and so become poison twice.
        poison=["p", "q", "q"],
        redrive={"queue": "images", "redriven": 0, "kept": 3, "finished": True},
        drained=True,
    )


@pytest.fixture
def files() -> list[ImageFile]:
    return [uploaded("a", CAT, CAT), uploaded("b", TEXT)]


def test_a_run_has_passed_if_everything_is_as_expected(run: SoakRun, files: list[ImageFile]) -> None:
    report = create_report(run, files)
    assert report["passed"] is True
    assert (report["peak memory of a worker in MB"], report["worker processes"]) == (120, 2)
    assert (report["messages"], report["Vision calls"], report["of them throttled"]) == ({"classified": 1}, 2, 1)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"poison": ["p", "q", "an image's"]}, "poison messages unexpected"),
        ({"poison": ["p"]}, "poison messages missing"),
    ],
)
def test_poison_messages_are_compared(run: SoakRun, files: list[ImageFile], change: dict[str, Any], name: str) -> None:
    report = create_report(replace(run, **change), files)
    assert len(report[name]) == 1
    assert report["passed"] is False


@pytest.mark.parametrize(
    "change",
    [{"drained": False}, {"kills": 2}, {"redrive": {"queue": "images", "redriven": 1, "kept": 3, "finished": True}}],
)
def test_a_run_that_was_not_complete_has_not_passed(
    run: SoakRun, files: list[ImageFile], change: dict[str, Any]
) -> None:
    assert create_report(replace(run, **change), files)["passed"] is False


@pytest.mark.parametrize(
    ("database", "statement", "name"),
    [
        ("topics", "DELETE FROM published WHERE event LIKE '%a-1%'", "published results missing"),
        ("topics", "UPDATE published SET event = replace(event, 'b-0', 'b-1')", "published results unexpected"),
        (
            "topics",
            "UPDATE published SET event = replace(event, 'classified', 'failed')",
            "published results unexpected",
        ),
        ("cosmos", "INSERT INTO items VALUES('x/containers/images', 'another')", "records without an image"),
    ],
)
def test_published_results_and_records_are_compared_for_equality(
    run: SoakRun, files: list[ImageFile], database: str, statement: str, name: str
) -> None:
    with closing(sqlite3.connect(run.state_directory / f"data/{database}.db", isolation_level=None)) as changed:
        changed.execute(statement)
    report = create_report(run, files)
    assert len(report[name]) == 1
    assert report["passed"] is False


def test_a_wrong_record_is_named(run: SoakRun, files: list[ImageFile]) -> None:
    assert files[1].record is not None
    files[1].record["status"] = "failed"
    report = create_report(run, files)
    assert [wrong["name"] for wrong in report["wrong records"]] == ["b"]
    assert report["passed"] is False
