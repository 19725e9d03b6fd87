"""Thousands of images through an emulator of its own that fails on purpose, and a report of what became of each.

Some images come twice, some are overwritten, some are none; every tenth event is delivered twice; Vision refuses calls
and fails; the Functions host is killed. In the end every image must have the right record, every result must have been
announced, and the poison queue must be empty. Exit code 0 when all of that holds.
"""

import argparse
import hashlib
import io
import json
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from azure.cosmos.exceptions import CosmosResourceNotFoundError
from PIL import Image
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from client.classify import create_clients
from client.operations import call_operation
from client.samples import sample_photos
from client.stack_outputs import read_stack_outputs, record_id

ROOT = Path(__file__).resolve().parents[1]
_FAULTS = {"throttled": 0.20, "failing": 0.05, "duplicated": 0.10}
_SAME, _INVALID, _OVERWRITTEN = 0.10, 0.05, 0.05
_KILLED_AT = (0.15, 0.35)


@dataclass
class Expected:
    """One blob: what was uploaded under its name, the last of it last."""

    name: str
    contents: list[bytes]
    valid: bool
    record: dict[str, Any] | None = None
    etag: str = ""

    @property
    def sha256(self) -> str:
        """Of what is there now."""
        return hashlib.sha256(self.contents[-1]).hexdigest()

    @property
    def right(self) -> bool:
        """Whether the record says what it should of the blob's newest version."""
        record = self.record
        if record is None or record["blob"]["etag"] != self.etag or record["blob"]["contentSha256"] != self.sha256:
            return False
        return record["status"] == ("classified" if self.valid else "rejected")


@dataclass
class Soak:
    """The emulator, and what is known of it."""

    state_directory: Path
    kills: int = 0
    seconds: float = 0
    poison: dict[str, Any] = field(default_factory=dict)

    def emulator(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`python -m emulator` on a state directory of its own."""
        command = [sys.executable, "-m", "emulator", "--state-directory", str(self.state_directory), *words]
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if check and answer.returncode:
            raise SystemExit(f"{' '.join(words)} ended with {answer.returncode}\n{answer.stdout}\n{answer.stderr}")
        return answer

    def kill_host(self) -> None:
        """Ends the Functions host as a machine that fails would: nothing is finished, nothing given back."""
        pattern = f"emulator.services.functions.host {self.state_directory}/apps"
        found = subprocess.run(["pgrep", "-f", pattern], capture_output=True, text=True, check=False)
        for pid in found.stdout.split():
            os.kill(int(pid), signal.SIGKILL)
            self.kills += 1


def pictures(count: int, dice: random.Random) -> list[Expected]:
    """So many blobs: small crops of the sample photos, all different but for those that are meant to be the same."""
    photos = [Image.open(path).convert("RGB") for path in sample_photos()]

    def picture() -> bytes:
        photo = dice.choice(photos)
        width = dice.randint(min(photo.width, 120), min(photo.width, 300))
        height = dice.randint(min(photo.height, 100), min(photo.height, 300))
        left, top = dice.randint(0, photo.width - width), dice.randint(0, photo.height - height)
        crop, buffer = photo.crop((left, top, left + width, top + height)), io.BytesIO()
        crop.putpixel((0, 0), (dice.randrange(256), dice.randrange(256), dice.randrange(256)))
        crop.save(buffer, format=dice.choice(("JPEG", "PNG")))
        return buffer.getvalue()

    def no_picture() -> bytes:
        bomb = (
            b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0) + bytes(40)
        )
        return dice.choice([b"", b"not an image " + dice.randbytes(8), bomb, picture()[:5]])

    found: list[Expected] = []
    for number in range(count):
        name, kind = f"soak/{number:05}.jpg", dice.random()
        valid = kind >= _INVALID
        if not valid:
            contents = [no_picture()]
        elif kind < _INVALID + _SAME and (earlier := [item for item in found[-200:] if item.valid]):
            contents = [dice.choice(earlier).contents[-1]]
        elif kind < _INVALID + _SAME + _OVERWRITTEN:
            contents = [picture(), picture()]
        else:
            contents = [picture()]
        found.append(Expected(name=name, contents=contents, valid=valid))
    return found


def run(soak: Soak, blobs: list[Expected], patience_seconds: float, say: Callable[[float], None]) -> None:
    """Uploads everything and follows it until all is right, or time is up."""
    images, records = create_clients(read_stack_outputs("soak"))
    (soak.state_directory / "run/faults.json").write_text(json.dumps(_FAULTS))
    started = time.monotonic()

    def upload(blob: Expected) -> None:
        for content in blob.contents:
            answer = images.get_blob_client(blob.name).upload_blob(content, overwrite=True)
            blob.etag = answer["etag"].strip('"')  # who may upload may not read

    def look(blob: Expected) -> None:
        try:
            item = record_id(images.container_name, blob.name)
            blob.record = dict(records.read_item(item, item))
        except CosmosResourceNotFoundError:
            blob.record = None

    with ThreadPoolExecutor(8) as pool:
        uploading = [pool.submit(upload, blob) for blob in blobs]
        while time.monotonic() - started < patience_seconds:
            done = [task for task in uploading if task.done()]
            for task in done:
                task.result()
            pending = [blob for blob in blobs if blob.etag and not blob.right]
            list(pool.map(look, pending[:400]))
            share = sum(blob.right for blob in blobs) / len(blobs)
            say(share)
            if soak.kills < len(_KILLED_AT) and share >= _KILLED_AT[soak.kills]:
                soak.kill_host()
            if share == 1:
                break
            time.sleep(2)
    soak.seconds = time.monotonic() - started
    soak.poison = dict(call_operation("soak", "redrive"))


def judge(soak: Soak, blobs: list[Expected]) -> dict[str, Any]:
    """The report: what was there, what came of it, and whether all of it is right."""
    with sqlite3.connect(soak.state_directory / "data/topics.db") as topics:
        events = [json.loads(row[0])["data"] for row in topics.execute("SELECT event FROM published")]
    announced = {(event["recordId"], event["etag"]) for event in events}
    outcomes: Counter[str] = Counter()
    throttled = calls = 0
    for line in (soak.state_directory / "logs/functions.log").read_text(errors="replace").splitlines():
        if "classifier: outcome {" in line:
            said = json.loads(line.partition("outcome ")[2])
            outcomes[said["status"]] += 1
            throttled += int(said.get("throttled", 0))
            calls += int(said.get("visionCalls", 0))
    records = [blob.record for blob in blobs if blob.record]
    unannounced = [record for record in records if (record["id"], record["blob"]["etag"]) not in announced]
    wrong = [blob.name for blob in blobs if not blob.right]
    return {
        "images": len(blobs),
        "uploads": sum(len(blob.contents) for blob in blobs),
        "invalid": sum(not blob.valid for blob in blobs),
        "overwritten": sum(len(blob.contents) > 1 for blob in blobs),
        "messages": dict(outcomes),
        "Vision calls": calls,
        "of them refused": throttled,
        "host killed": soak.kills,
        "seconds": round(soak.seconds),
        "right records": len(blobs) - len(wrong),
        "classified": sum(record["status"] == "classified" for record in records),
        "rejected": sum(record["status"] == "rejected" for record in records),
        "failed": sum(record["status"] == "failed" for record in records),
        "answered from the cache": sum(bool((record["analyzer"] or {}).get("cached")) for record in records),
        "not announced": len(unannounced),
        "in poison": soak.poison["redriven"] + soak.poison["kept"],
        "wrong": wrong[:10],
        "passed": not wrong and not unannounced and soak.poison == {"redriven": 0, "kept": 0, "finished": True}
        and soak.kills == len(_KILLED_AT),
    }  # fmt: skip


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=float, default=3600, metavar="SECONDS")
    parser.add_argument("--keep", action="store_true", help="leave the emulator running, in .local/soak")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    asked = parser.parse_args()
    errors = Console(stderr=True)
    soak = Soak(state_directory=ROOT / ".local/soak")
    soak.emulator("stop", check=False)
    shutil.rmtree(soak.state_directory, ignore_errors=True)
    try:
        with Progress(console=errors, transient=True) as progress:
            task = progress.add_task("deploying", total=1)
            soak.emulator("start")
            soak.emulator("pulumi", "--", "soak", "up", "--yes", "--skip-preview")
            progress.update(task, description=f"{asked.images} images")
            blobs = pictures(asked.images, random.Random(asked.seed))  # noqa: S311 (no secret depends on it)
            environment = json.loads(
                soak.emulator(
                    "exec", "--", "python", "-c", "import os, json; print(json.dumps(dict(os.environ)))"
                ).stdout
            )
            os.environ.update(environment)
            run(soak, blobs, asked.patience, lambda share: progress.update(task, completed=share))
        report = judge(soak, blobs)
    finally:
        if not asked.keep:
            soak.emulator("stop", check=False)
    if asked.format == "json":
        print(json.dumps(report))
    else:
        printed = Table(show_header=False)
        for name, value in report.items():
            printed.add_row(name, str(value))
        Console().print(printed)
    return 0 if report["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
