"""The report of a soak test: records, published results and poison messages, each compared for equality."""

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.soak.files import ImageFile
from client.operations import OperationResult
from client.stack_outputs import record_id

_CONTAINER = "images"
_MAX_LISTED = 10


@dataclass(frozen=True, kw_only=True)
class SoakRun:
    """One run of the soak test.

    Attributes:
        state_directory: The state directory of the emulator.
        seconds: How long the run took.
        outages: The length of the outage of each service, in seconds.
        kills: How often the host was killed.
        planned_kills: How often it should have been killed.
        worker_peaks: The peak memory of each worker process by its id, in MB.
        unrelated_messages: The texts of the messages that are not events of the pipeline.
        poison: The original texts of the messages in the poison queue.
        redrive: The answer of the operation redrive.
        drained: Whether the images queue was empty in the end.
    """

    state_directory: Path
    seconds: float
    outages: dict[str, float]
    kills: int
    planned_kills: int
    worker_peaks: dict[int, float]
    unrelated_messages: Sequence[str]
    poison: Sequence[str]
    redrive: OperationResult
    drained: bool


def create_report(run: SoakRun, files: Sequence[ImageFile]) -> dict[str, Any]:
    """The figures by name; `passed` is whether everything is as expected."""
    ids = {record_id(_CONTAINER, file.name): file for file in files}
    wrong = [_difference(file) for file in files if not file.has_expected_record]
    unexpected_records = sorted(_stored_records(run.state_directory) - ids.keys())
    missing, unexpected = _compare_published_results(run.state_directory, ids)
    poison = Counter(run.poison)
    poison_missing = sorted(set(run.unrelated_messages) - poison.keys())
    poison_unexpected = sorted(poison.keys() - set(run.unrelated_messages))
    # A message whose deletion failed is delivered again, and becomes poison again.
    expected_redrive = {"queue": "images", "redriven": 0, "kept": poison.total(), "finished": True}
    outcomes, throttled, calls = _count_outcomes(run.state_directory)
    records = [file.record for file in files if file.record]
    statuses = Counter(record["status"] for record in records)
    problems = [wrong, unexpected_records, missing, unexpected, poison_missing, poison_unexpected]
    return {
        "images": len(files),
        "uploads": sum(len(file.versions) for file in files),
        "hostile": sum(file.hostile for file in files),
        "invalid": sum(not file.hostile and file.versions[-1].reason is not None for file in files),
        "overwritten": sum(len(file.versions) > 1 for file in files),
        "outages in seconds": run.outages,
        "host killed": run.kills,
        "messages": dict(outcomes),
        "Vision calls": calls,
        "of them throttled": throttled,
        "seconds": round(run.seconds),
        "worker processes": len(run.worker_peaks),
        "peak memory of a worker in MB": round(max(run.worker_peaks.values(), default=0)) or "not measured",
        "expected records": len(files) - len(wrong),
        "classified": statuses["classified"],
        "rejected": statuses["rejected"],
        "failed": statuses["failed"],
        "answered from the cache": sum(bool((record["analyzer"] or {}).get("cached")) for record in records),
        "wrong records": wrong[:_MAX_LISTED],
        "records without an image": unexpected_records[:_MAX_LISTED],
        "published results missing": missing[:_MAX_LISTED],
        "published results unexpected": unexpected[:_MAX_LISTED],
        "messages that are not events of the pipeline": len(run.unrelated_messages),
        "poison messages": poison.total(),
        "poison messages missing": poison_missing[:_MAX_LISTED],
        "poison messages unexpected": poison_unexpected[:_MAX_LISTED],
        "redrive": run.redrive,
        "queue drained": run.drained,
        "passed": not any(problems)
        and run.drained
        and run.kills == run.planned_kills
        and run.redrive == expected_redrive,
    }


def _difference(file: ImageFile) -> dict[str, Any]:
    """The record of a file, and what it should be."""
    expected = file.versions[-1]
    record = file.record
    return {
        "name": file.name,
        "expected": [file.etags[-1] if file.is_uploaded else None, expected.status, expected.reason],
        "actual": None if record is None else [record["blob"]["etag"], record["status"], record["reason"]],
    }


def _stored_records(state_directory: Path) -> set[str]:
    with closing(sqlite3.connect(state_directory / "data/cosmos.db")) as store:
        rows = store.execute("SELECT id FROM items WHERE container LIKE ?", (f"%/containers/{_CONTAINER}",))
        return {row[0] for row in rows}


def _compare_published_results(state_directory: Path, ids: dict[str, ImageFile]) -> tuple[list[Any], list[Any]]:
    """Results that were not published, and results that should not have been: (record id, ETag, status) of each.

    The result of the last version of every file must be published; those of earlier versions may be.
    """
    with closing(sqlite3.connect(state_directory / "data/topics.db")) as topics:
        events = [json.loads(row[0])["data"] for row in topics.execute("SELECT event FROM published")]
    published = {(event["recordId"], event["etag"], event["status"]) for event in events}
    allowed: set[tuple[str, str, str]] = set()
    required: set[tuple[str, str, str]] = set()
    for item, file in ids.items():
        versions = [(item, etag, version.status) for etag, version in zip(file.etags, file.versions, strict=False)]
        allowed.update(versions)
        required.update(versions[-1:])
    return sorted(required - published), sorted(published - allowed)


def _count_outcomes(state_directory: Path) -> tuple[Counter[str], int, int]:
    """From the log of the functions: outcomes of messages, throttled calls of Vision, and all its calls."""
    outcomes: Counter[str] = Counter()
    throttled = 0
    calls = 0
    with (state_directory / "logs/functions.log").open(errors="replace") as log:
        for line in log:
            if "classifier: outcome {" not in line:
                continue
            outcome = json.loads(line.partition("outcome ")[2])
            outcomes[outcome["status"]] += 1
            throttled += int(outcome.get("throttled", 0))
            calls += int(outcome.get("visionCalls", 0))
    return outcomes, throttled, calls
