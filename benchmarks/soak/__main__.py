"""Thousands of images through an emulator of its own that fails on purpose, and a report of the results.

    python -m benchmarks.soak [--images 2000] [--outage-seconds 120] [--format table|json]

Some images come twice, some are overwritten, some are not images, and two in a hundred are hostile: made to cost time
or memory. Every tenth event is delivered twice, and some messages are not events of the pipeline. Vision throttles
calls and fails, each service has an outage, and the Functions host is killed. In the end every image must have the
expected record, exactly the expected results must have been published, and the poison queue must have the messages that
are not events of the pipeline, and no others. Exits with 0 if all of that holds.
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
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from azure.core.exceptions import AzureError
from azure.cosmos import ContainerProxy
from azure.cosmos.exceptions import CosmosResourceNotFoundError
from azure.storage.blob import ContainerClient, ContentSettings
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.soak.disruptions import Disruptions, Schedule
from benchmarks.soak.files import ImageFile, ImageFiles
from benchmarks.soak.queues import Queues, unrelated_messages
from benchmarks.soak.report import SoakRun, create_report
from client.direct import create_clients
from client.operations import call_operation
from client.stack_outputs import read_stack_outputs, record_id

# The client of Cosmos DB logs every failed health check in full, and the outages cause many.
logging.getLogger("azure.cosmos").setLevel(logging.CRITICAL)
ROOT = Path(__file__).resolve().parents[2]
_STACK = "soak"
# Messages that are not events of the pipeline, as a share of the images.
_UNRELATED_SHARE = 0.01
_MAX_UNRELATED = 20
_POLL_SECONDS = 2.0
_RETRY_SECONDS = 2.0
# Records that are read in one poll; more would take the emulator's time from the functions.
_MAX_READ = 100
_CONCURRENCY = 8


def run_emulator(state_directory: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run `python -m emulator` on a state directory. Raises SystemExit if it fails and `check` is set."""
    command = [sys.executable, "-m", "emulator", "--state-directory", str(state_directory), *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if check and result.returncode:
        message = f"{' '.join(arguments)} ended with {result.returncode}\n{result.stdout}\n{result.stderr}"
        raise SystemExit(message)
    return result


class SoakClient:
    """Uploads files and reads their records; tries again during an outage."""

    def __init__(self, images: ContainerClient, records: ContainerProxy) -> None:
        self._images = images
        self._records = records

    def upload(self, file: ImageFile) -> None:
        """Upload all versions of a file."""
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
                response = blob.upload_blob(content, overwrite=True, content_settings=settings)
            except AzureError:
                time.sleep(_RETRY_SECONDS)
            else:
                # From the response to the upload: the role of uploaders does not allow reading.
                return response["etag"].strip('"')

    def read(self, file: ImageFile) -> None:
        """Read the record of a file; during an outage the file keeps the record that was read before."""
        item = record_id(self._images.container_name, file.name)
        try:
            file.record = dict(self._records.read_item(item, item))
        except CosmosResourceNotFoundError:
            file.record = None
        except AzureError:
            return


@dataclass(frozen=True, kw_only=True)
class _Action:
    """An upload or a message; `start` is in seconds after the start of the run."""

    start: float
    run: Callable[[], None]


class SoakTest:
    """One run: uploads the files evenly over the schedule, and follows it until everything is as expected.

    Args:
        state_directory: The state directory of a running emulator with the deployed stack.
        files: The files to upload.
        schedule: The outages and kills.
        timeout_seconds: When the run ends although not everything is as expected.
        on_progress: Is called with the share of the files, 0 to 1, that have the expected record.
    """

    def __init__(
        self,
        state_directory: Path,
        files: Sequence[ImageFile],
        schedule: Schedule,
        *,
        timeout_seconds: float,
        on_progress: Callable[[float], None],
    ) -> None:
        self._state_directory = state_directory
        self._files = files
        self._schedule = schedule
        self._timeout_seconds = timeout_seconds
        self._on_progress = on_progress
        self._client = SoakClient(*create_clients(read_stack_outputs(_STACK)))
        self._queues = Queues(state_directory)
        self._unrelated = unrelated_messages(min(_MAX_UNRELATED, max(1, round(len(files) * _UNRELATED_SHARE))))
        self._started = time.monotonic()

    def run(self) -> SoakRun:
        """Run the test; return what happened."""
        disruptions = Disruptions(self._state_directory, self._schedule)
        self._started = time.monotonic()
        with (
            ThreadPoolExecutor(1) as disrupting,
            ThreadPoolExecutor(_CONCURRENCY) as sending,
            ThreadPoolExecutor(_CONCURRENCY) as reading,
        ):
            disrupted = disrupting.submit(disruptions.run)
            sent = [sending.submit(self._run_action, action) for action in self._actions()]
            try:
                drained = self._follow(reading, sent, disrupted)
            finally:
                disruptions.stop()
                sending.shutdown(wait=False, cancel_futures=True)
            for future in (disrupted, *sent):
                if future.done() and not future.cancelled():
                    future.result()
            # A late message may have changed a record that was as expected before.
            list(reading.map(self._client.read, self._files))
        poison = self._queues.peek_poison_messages()
        return SoakRun(
            state_directory=self._state_directory,
            seconds=time.monotonic() - self._started,
            outages={outage.service: outage.end - outage.start for outage in self._schedule.outages},
            kills=disruptions.kills,
            planned_kills=len(self._schedule.kills),
            worker_peaks=disruptions.worker_peaks,
            unrelated_messages=list(self._unrelated),
            poison=poison,
            redrive=call_operation(_STACK, "redrive", {"queue": "images"}),
            drained=drained,
        )

    def _actions(self) -> list[_Action]:
        """The uploads and the messages, each evenly over the schedule, in the order of their start."""
        actions: list[_Action] = []
        for number, file in enumerate(self._files):
            start = number / len(self._files) * self._schedule.end
            actions.append(_Action(start=start, run=partial(self._client.upload, file)))
        for number, content in enumerate(self._unrelated.values()):
            start = number / len(self._unrelated) * self._schedule.end
            actions.append(_Action(start=start, run=partial(self._queues.send, content)))
        return sorted(actions, key=lambda action: action.start)

    def _run_action(self, action: _Action) -> None:
        time.sleep(max(0.0, action.start - self._seconds()))
        action.run()

    def _follow(self, reading: ThreadPoolExecutor, sent: Sequence[Future[None]], disrupted: Future[None]) -> bool:
        """Return True once everything is as expected and the queue empty; False at the timeout or after an error."""
        while self._seconds() < self._timeout_seconds and not disrupted.done():
            pending = [file for file in self._files if file.is_uploaded and not file.has_expected_record]
            list(reading.map(self._client.read, random.sample(pending, min(_MAX_READ, len(pending)))))
            self._on_progress(sum(file.has_expected_record for file in self._files) / len(self._files))
            all_sent = all(future.done() for future in sent) and self._seconds() >= self._schedule.end
            if all_sent and not pending and self._queues.is_drained():
                return True
            time.sleep(_POLL_SECONDS)
        return False

    def _seconds(self) -> float:
        """The seconds since the start of the run."""
        return time.monotonic() - self._started


def soak(arguments: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """The report of one run on a new emulator, which is stopped afterwards unless it is to be kept."""
    state_directory = ROOT / ".local/soak"
    task = progress.add_task("deploying", total=1)
    run_emulator(state_directory, "stop", check=False)
    shutil.rmtree(state_directory, ignore_errors=True)
    try:
        run_emulator(state_directory, "start")
        run_emulator(state_directory, "pulumi", "--", _STACK, "up", "--yes", "--skip-preview")
        progress.update(task, description=f"{arguments.images} images")
        generator = random.Random(arguments.seed)  # noqa: S311 (no secret depends on it)
        files = ImageFiles(generator).make(arguments.images, arguments.hostile_share)
        print_environment = "import os, json; print(json.dumps(dict(os.environ)))"
        environment = run_emulator(state_directory, "exec", "--", "python", "-c", print_environment).stdout
        os.environ.update(json.loads(environment))
        test = SoakTest(
            state_directory,
            files,
            Schedule.create(arguments.outage_seconds),
            timeout_seconds=arguments.timeout,
            on_progress=lambda share: progress.update(task, completed=share),
        )
        return create_report(test.run(), files)
    finally:
        if not arguments.keep:
            run_emulator(state_directory, "stop", check=False)


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--hostile-share", type=float, default=0.02, metavar="SHARE", help="of the images, 0 to 1")
    parser.add_argument("--outage-seconds", type=float, default=120, metavar="SECONDS", help="of each service")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=5400, metavar="SECONDS")
    parser.add_argument("--keep", action="store_true", help="leave the emulator running, in .local/soak")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    arguments = parser.parse_args()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        report = soak(arguments, progress)
    if arguments.format == "json":
        print(json.dumps(report))
    else:
        table = Table(show_header=False)
        for name, value in report.items():
            table.add_row(name, str(value))
        Console().print(table)
    return 0 if report["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
