"""What came of a soak test: the records, the announcements and the poison queue, each compared for equality."""

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soak_files import ImageFile
from stack import record_id

_CONTAINER = "images"
_MOST_NAMED = 10


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run was, and what was found in the poison queue at its end."""

    home: Path
    seconds: float
    outages: dict[str, float]
    kills: int
    planned_kills: int
    worker_peaks: dict[int, float]
    foreign_messages: Sequence[str]
    poison: Sequence[str]
    redrive: dict[str, Any]
    drained: bool


def report(run: Run, files: Sequence[ImageFile]) -> dict[str, Any]:
    """The figures, by name; `passed` is whether everything is right."""
    ids = {record_id(_CONTAINER, file.name): file for file in files}
    wrong = [_difference(file) for file in files if not file.is_right]
    foreign_records = sorted(_stored_records(run.home) - ids.keys())
    missing, unexpected = _compare_announcements(run.home, ids)
    poison = Counter(run.poison)
    poison_missing = sorted(set(run.foreign_messages) - poison.keys())
    poison_unexpected = sorted(poison.keys() - set(run.foreign_messages))
    # A message whose deletion failed is delivered again, and becomes poison again.
    expected_redrive = {"redriven": 0, "kept": poison.total(), "finished": True}
    outcomes, throttled, calls = _outcomes(run.home)
    records = [file.record for file in files if file.record]
    statuses = Counter(record["status"] for record in records)
    problems = [wrong, foreign_records, missing, unexpected, poison_missing, poison_unexpected]
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
        "of them refused": throttled,
        "seconds": round(run.seconds),
        "worker processes": len(run.worker_peaks),
        "peak memory of a worker in MB": round(max(run.worker_peaks.values(), default=0)) or "not measured",
        "right records": len(files) - len(wrong),
        "classified": statuses["classified"],
        "rejected": statuses["rejected"],
        "failed": statuses["failed"],
        "answered from the cache": sum(bool((record["analyzer"] or {}).get("cached")) for record in records),
        "wrong records": wrong[:_MOST_NAMED],
        "records of no image": foreign_records[:_MOST_NAMED],
        "announcements missing": missing[:_MOST_NAMED],
        "announcements unexpected": unexpected[:_MOST_NAMED],
        "messages that are no events of ours": len(run.foreign_messages),
        "in poison": poison.total(),
        "poison missing": poison_missing[:_MOST_NAMED],
        "poison unexpected": poison_unexpected[:_MOST_NAMED],
        "redrive": run.redrive,
        "queue drained": run.drained,
        "passed": not any(problems)
        and run.drained
        and run.kills == run.planned_kills
        and run.redrive == expected_redrive,
    }


def _difference(file: ImageFile) -> dict[str, Any]:
    """The record beside what it should be."""
    expected = file.versions[-1]
    found = file.record
    return {
        "name": file.name,
        "expected": [file.etags[-1] if file.is_uploaded else None, expected.status, expected.reason],
        "found": None if found is None else [found["blob"]["etag"], found["status"], found["reason"]],
    }


def _stored_records(home: Path) -> set[str]:
    with closing(sqlite3.connect(home / "data/cosmos.db")) as store:
        rows = store.execute("SELECT id FROM items WHERE container LIKE ?", (f"%/containers/{_CONTAINER}",))
        return {row[0] for row in rows}


def _compare_announcements(home: Path, ids: dict[str, ImageFile]) -> tuple[list[Any], list[Any]]:
    """Announcements that are missing, and those that should not be: (record id, ETag, status) of each.

    The last version of every file must be announced; the earlier ones may be.
    """
    with closing(sqlite3.connect(home / "data/topics.db")) as topics:
        events = [json.loads(row[0])["data"] for row in topics.execute("SELECT event FROM published")]
    announced = {(event["recordId"], event["etag"], event["status"]) for event in events}
    allowed: set[tuple[str, str, str]] = set()
    required: set[tuple[str, str, str]] = set()
    for item, file in ids.items():
        versions = [(item, etag, version.status) for etag, version in zip(file.etags, file.versions, strict=False)]
        allowed.update(versions)
        required.update(versions[-1:])
    return sorted(required - announced), sorted(announced - allowed)


def _outcomes(home: Path) -> tuple[Counter[str], int, int]:
    """What became of the messages, out of the function's log; how many calls of Vision were refused, and made."""
    outcomes: Counter[str] = Counter()
    throttled = calls = 0
    with (home / "logs/functions.log").open(errors="replace") as log:
        for line in log:
            if "classifier: outcome {" not in line:
                continue
            outcome = json.loads(line.partition("outcome ")[2])
            outcomes[outcome["status"]] += 1
            throttled += int(outcome.get("throttled", 0))
            calls += int(outcome.get("visionCalls", 0))
    return outcomes, throttled, calls
