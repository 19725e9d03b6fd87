"""Uploads images to a stack, follows each until it has a final record, and prints what was found.

Works against any stack: where to go is read from its outputs, who we are comes from the ordinary Azure sign-in.
Exit code 0 when every image got a final record (`classified` or `rejected`), 1 otherwise.
"""

import argparse
import json
import mimetypes
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.core.exceptions import AzureError
from azure.cosmos import ContainerProxy, CosmosClient
from azure.cosmos.exceptions import CosmosResourceNotFoundError
from azure.identity import DefaultAzureCredential
from azure.storage.blob import ContainerClient, ContentSettings
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from samples import samples
from stack import UsageError, outputs, record_id
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_exponential

_FINAL = {"classified", "rejected", "failed"}
_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file, and the blob it becomes."""

    path: Path
    name: str


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of a file: its record, or None and the trouble it met."""

    upload: Upload
    seconds: float
    record: dict[str, Any] | None
    error: str | None

    @property
    def status(self) -> str:
        """The record's status, or `unfinished`."""
        return self.record["status"] if self.record else "unfinished"


def clients(outputs: dict[str, str]) -> tuple[ContainerClient, ContainerProxy]:
    """A stack's container of images to write to, and its records to read, for whoever is signed in."""
    credential = DefaultAzureCredential()
    images = ContainerClient(outputs["imagesEndpoint"], outputs["imagesContainer"], credential=credential)
    database = CosmosClient(outputs["recordsEndpoint"], credential).get_database_client(outputs["recordsDatabase"])
    return images, database.get_container_client(outputs["recordsContainer"])


class Stack:
    """A deployed stack, as its clients see it: a container to write to, records to read."""

    def __init__(self, outputs: dict[str, str]) -> None:
        self._images, self._records = clients(outputs)

    def classify(self, upload: Upload, timeout_seconds: float) -> Result:
        """Uploads a file and waits for the record of exactly this upload."""
        started = time.monotonic()
        record, error = None, None
        try:
            kind = mimetypes.guess_type(upload.path.name)[0] or "application/octet-stream"
            with upload.path.open("rb") as content:
                answer = self._images.get_blob_client(upload.name).upload_blob(
                    content, overwrite=True, content_settings=ContentSettings(content_type=kind)
                )
            # From the upload's own answer: who may upload may not read.
            etag = answer["etag"].strip('"')
            record = self._await_record(upload.name, etag, timeout_seconds)
            if record is None:
                error = f"no final record after {timeout_seconds:.0f} s"
        except (AzureError, OSError) as trouble:
            error = str(trouble).splitlines()[0]
        return Result(upload=upload, seconds=time.monotonic() - started, record=record, error=error)

    def _await_record(self, name: str, etag: str, timeout_seconds: float) -> dict[str, Any] | None:
        item = record_id(self._images.container_name, name)

        def final() -> dict[str, Any] | None:
            try:
                record = dict(self._records.read_item(item, partition_key=item))
            except CosmosResourceNotFoundError:
                return None
            return record if record["blob"]["etag"] == etag and record["status"] in _FINAL else None

        retrying = Retrying(
            retry=retry_if_result(lambda found: found is None),
            wait=wait_exponential(multiplier=0.1, max=2),
            stop=stop_after_delay(timeout_seconds),
            retry_error_callback=lambda _state: None,
        )
        return retrying(final)


def uploads(paths: Sequence[str]) -> list[Upload]:
    """The files behind the arguments, folders searched; raises UsageError naming what is missing or double.

    A relative path becomes the blob's name as it stands; of an absolute one only the last part does.
    """
    found = [upload for path in paths for upload in _expand(Path(path))]
    names = [upload.name for upload in found]
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise UsageError(f"several files would become the same blob: {', '.join(double)}")
    return found


def _expand(path: Path) -> Iterator[Upload]:
    if path.is_dir():
        for file in sorted(item for item in path.rglob("*") if item.is_file()):
            yield Upload(path=file, name=f"{path.resolve().name}/{file.relative_to(path).as_posix()}")
    elif path.is_file():
        own = path.is_absolute() or ".." in path.parts
        yield Upload(path=path, name=path.name if own else path.as_posix())
    else:
        raise UsageError(
            f"there is no file {str(path)!r}; a name with spaces needs quotes of its own: IMAGES=\"'my cat.jpg' b.png\""
        )


def table(results: Sequence[Result]) -> Table:
    """One row for each file."""
    printed = Table(title=None)
    for column in ("file", "status", "category", "caption", "text found"):
        printed.add_column(column, overflow="fold")
    printed.add_column("time", justify="right", no_wrap=True)
    for result in results:
        printed.add_row(*_row(result))
    return printed


def _row(result: Result) -> tuple[str, ...]:
    record = result.record or {}
    category, caption = record.get("category"), record.get("caption")
    reason = record.get("reason")
    said = reason["sentence"] if reason else result.error or (caption["text"] if caption else "")
    return (
        result.upload.name,
        result.status,
        f"{category['name']} {category['confidence']:.0%}" if category else "",
        said,
        " / ".join(line["text"] for line in (record.get("read") or [])[:3]),
        f"{result.seconds:.1f} s",
    )


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("images", nargs="*", help="image files, or folders of them")
    parser.add_argument("--samples", action="store_true", help="the sample photos that installed packages bring along")
    parser.add_argument("--stack", default="local")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--timeout", type=float, default=300, metavar="SECONDS", help="patience for each image")
    arguments = parser.parse_args()
    try:
        chosen = uploads(arguments.images)
        if arguments.samples:
            chosen += [Upload(path=path, name=f"samples/{path.name}") for path in samples()]
        if not chosen:
            raise UsageError('no image given: make classify IMAGES="a.jpg b.png"')
        stack = Stack(outputs(arguments.stack))
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except AzureError as error:
        # The Cosmos DB client reads the account's metadata when it is made.
        reason = str(error).splitlines()[0]
        print(
            f"error: the stack {arguments.stack} cannot be reached: {reason}\n"
            "(a stack with networkAccess private is reached from its virtual network only)",
            file=sys.stderr,
        )
        return 1
    results = _classify(stack, chosen, arguments.timeout)
    if arguments.format == "json":
        for result in results:
            line = {"file": str(result.upload.path), "blob": result.upload.name, "status": result.status,
                    "seconds": round(result.seconds, 3), "error": result.error, "record": result.record}  # fmt: skip
            print(json.dumps(line, ensure_ascii=False))
    else:
        # Into a file or a pipe there is no width to keep to.
        Console(width=None if sys.stdout.isatty() else 160).print(table(results))
    return 0 if all(result.status in {"classified", "rejected"} for result in results) else 1


def _classify(stack: Stack, chosen: Sequence[Upload], timeout_seconds: float) -> list[Result]:
    errors = Console(stderr=True)
    with Progress(console=errors, transient=True) as progress, ThreadPoolExecutor(_AT_ONCE) as pool:
        task = progress.add_task("classifying", total=len(chosen))

        def one(upload: Upload) -> Result:
            result = stack.classify(upload, timeout_seconds)
            progress.advance(task)
            return result

        return list(pool.map(one, chosen))


if __name__ == "__main__":
    sys.exit(main())
