"""Thousands of images through an emulated Azure of its own that fails on purpose, and a report of what became of each.

Some images come twice, some are overwritten, some are none, and two in a hundred are made to do harm; every tenth
event is delivered twice, and some messages are no events of ours. Vision refuses calls and fails, each service has an
outage, and the Functions host is killed. In the end every image must have the right record, exactly the right results
must have been announced, and the poison queue must hold the messages that are no events of ours, and nothing else.
Exit code 0 when all of that holds.
"""

import argparse
import json
import logging
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from azure.core.exceptions import AzureError
from azure.cosmos import ContainerProxy
from azure.cosmos.exceptions import CosmosResourceNotFoundError
from azure.storage.blob import ContainerClient, ContentSettings
from classify import clients
from operate import ask
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from soak_disruptions import Disruptions, Schedule
from soak_files import ImageFile, ImageFiles
from soak_queues import Queues, foreign_messages
from soak_report import Run, report
from stack import outputs, record_id

# Its client reports every failed health check in full, and a soak test has many.
logging.getLogger("azure.cosmos").setLevel(logging.CRITICAL)
ROOT = Path(__file__).resolve().parents[1]
_STACK = "soak"
_FOREIGN_SHARE, _MOST_FOREIGN = 0.01, 20
_POLL_SECONDS, _RETRY_SECONDS = 2.0, 2.0
# How many records are read in a poll; more would keep the emulator from its work.
_MOST_READ = 100


def local(home: Path, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """`python -m local` on a folder of our own. Raises SystemExit when it fails."""
    command = [sys.executable, "-m", "local", "--home", str(home), *words]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if check and answer.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {answer.returncode}\n{answer.stdout}\n{answer.stderr}")
    return answer


class Client:
    """Uploads files and reads their records, and tries again during an outage."""

    def __init__(self, images: ContainerClient, records: ContainerProxy) -> None:
        self._images = images
        self._records = records

    def upload(self, file: ImageFile) -> None:
        """Uploads all versions of a file."""
        for version in file.versions:
            content = version.make()
            settings = ContentSettings(content_type="image/jpeg", content_encoding=version.encoding)
            etag = self._upload(file.upload_name, content, settings)
            file.sha256 = version.sha256(content)
            file.etags.append(etag)

    def _upload(self, name: str, content: bytes, settings: ContentSettings) -> str:
        blob = self._images.get_blob_client(name)
        while True:
            try:
                answer = blob.upload_blob(content, overwrite=True, content_settings=settings)
            except AzureError:
                time.sleep(_RETRY_SECONDS)
            else:
                # From the upload's own answer: who may upload may not read.
                return answer["etag"].strip('"')

    def read(self, file: ImageFile) -> None:
        """Reads the record of a file; during an outage it stays as it was read before."""
        item = record_id(self._images.container_name, file.name)
        try:
            file.record = dict(self._records.read_item(item, item))
        except CosmosResourceNotFoundError:
            file.record = None
        except AzureError:
            return


def run(
    home: Path,
    files: Sequence[ImageFile],
    schedule: Schedule,
    patience_seconds: float,
    progress: Callable[[float], None],
) -> Run:
    """Uploads the files evenly over the schedule; waits until all is right and the queue is empty, or time is up."""
    client = Client(*clients(outputs(_STACK)))
    queues = Queues(home)
    foreign = foreign_messages(min(_MOST_FOREIGN, max(1, round(len(files) * _FOREIGN_SHARE))))
    disruptions = Disruptions(home, schedule)
    started = time.monotonic()

    def at(position: float, action: Callable[[], None]) -> None:
        """Runs an action when its share of the schedule is over."""
        time.sleep(max(0.0, started + position * schedule.end - time.monotonic()))
        action()

    actions = [(number / len(files), lambda file=file: client.upload(file)) for number, file in enumerate(files)]
    actions += [
        (number / len(foreign), lambda content=content: queues.send(content))
        for number, content in enumerate(foreign.values())
    ]
    drained = False
    with ThreadPoolExecutor(1) as disrupting, ThreadPoolExecutor(8) as uploading, ThreadPoolExecutor(8) as reading:
        disrupted = disrupting.submit(disruptions.run)
        uploads = [uploading.submit(at, *action) for action in sorted(actions, key=lambda action: action[0])]
        try:
            while not drained and time.monotonic() - started < patience_seconds and not disrupted.done():
                pending = [file for file in files if file.is_uploaded and not file.is_right]
                list(reading.map(client.read, random.sample(pending, min(_MOST_READ, len(pending)))))
                progress(sum(file.is_right for file in files) / len(files))
                sent = all(upload.done() for upload in uploads)
                is_over = sent and time.monotonic() - started >= schedule.end
                drained = is_over and not pending and queues.is_drained()
                time.sleep(_POLL_SECONDS)
        finally:
            disruptions.stop()
            uploading.shutdown(wait=False, cancel_futures=True)
        disrupted.result()
        for upload in uploads:
            if upload.done() and not upload.cancelled():
                upload.result()
        # What was right once may have been made wrong by a late message.
        list(reading.map(client.read, files))
    poison = queues.poison()
    return Run(
        home=home,
        seconds=time.monotonic() - started,
        outages={outage.service: outage.end - outage.start for outage in schedule.outages},
        kills=disruptions.kills,
        planned_kills=len(schedule.kills),
        worker_peaks=disruptions.worker_peaks,
        foreign_messages=list(foreign),
        poison=poison,
        redrive=ask(_STACK, "redrive"),
        drained=drained,
    )


def soak(asked: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """The report of one run on a new emulator, which is stopped afterwards unless it is to be kept."""
    home = ROOT / ".local/soak"
    task = progress.add_task("deploying", total=1)
    local(home, "stop", check=False)
    shutil.rmtree(home, ignore_errors=True)
    try:
        local(home, "start")
        local(home, "pulumi", "--", _STACK, "up", "--yes", "--skip-preview")
        progress.update(task, description=f"{asked.images} images")
        dice = random.Random(asked.seed)  # noqa: S311 (no secret depends on it)
        files = ImageFiles(dice).make(asked.images, asked.hostile_share)
        print_environment = "import os, json; print(json.dumps(dict(os.environ)))"
        os.environ.update(json.loads(local(home, "exec", "--", "python", "-c", print_environment).stdout))
        schedule = Schedule.of(asked.outage_seconds)
        done = run(home, files, schedule, asked.patience, lambda share: progress.update(task, completed=share))
        return report(done, files)
    finally:
        if not asked.keep:
            local(home, "stop", check=False)


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--hostile-share", type=float, default=0.02, metavar="SHARE", help="of the images, 0 to 1")
    parser.add_argument("--outage-seconds", type=float, default=120, metavar="SECONDS", help="of each service")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=float, default=5400, metavar="SECONDS")
    parser.add_argument("--keep", action="store_true", help="leave the emulator running, in .local/soak")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    asked = parser.parse_args()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        found = soak(asked, progress)
    if asked.format == "json":
        print(json.dumps(found))
    else:
        printed = Table(show_header=False)
        for name, value in found.items():
            printed.add_row(name, str(value))
        Console().print(printed)
    return 0 if found["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
