"""Uploads images to a stack, waits until each has a final record, and prints the records.

Works with any stack: its outputs say where its services are, and the ordinary Azure sign-in says who the user is.
"""

import mimetypes
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

from azure.core.exceptions import AzureError
from azure.cosmos import ContainerProxy, CosmosClient
from azure.cosmos.exceptions import CosmosResourceNotFoundError
from azure.identity import DefaultAzureCredential
from azure.storage.blob import ContainerClient, ContentSettings
from rich.console import Console
from rich.progress import Progress
from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_delay, wait_exponential

from client.errors import ClientError
from client.results import ClassificationResult, ImageRecord, Upload, create_table, to_json
from client.samples import sample_photos
from client.stack_outputs import StackOutputs, read_stack_outputs, record_id

_FINAL_STATUSES = frozenset({"classified", "rejected", "failed"})
# Uploads, and records that are waited for, at the same time.
_CONCURRENCY = 8
# Width of a table that is printed into a file or a pipe, in characters.
_PLAIN_WIDTH = 160


def create_clients(outputs: StackOutputs) -> tuple[ContainerClient, ContainerProxy]:
    """Return clients of a stack's container of images and of its records, for the identity that is signed in.

    Raises:
        AzureError: The Cosmos DB account, whose metadata this client reads at once, cannot be reached.
    """
    credential = DefaultAzureCredential()
    images = ContainerClient(outputs.images_endpoint, outputs.images_container, credential=credential)
    database = CosmosClient(outputs.records_endpoint, credential).get_database_client(outputs.records_database)
    return images, database.get_container_client(outputs.records_container)


class StackClient:
    """Uploads images to a deployed stack and reads their records."""

    def __init__(self, images: ContainerClient, records: ContainerProxy) -> None:
        self._images = images
        self._records = records

    def classify(self, upload: Upload, timeout_seconds: float) -> ClassificationResult:
        """Upload a file and wait for the final record of exactly this upload."""
        started = time.monotonic()
        record = None
        error = None
        try:
            etag = self._upload(upload)
            record = self._wait_for_record(upload.blob_name, etag, timeout_seconds)
            if record is None:
                error = f"no final record after {timeout_seconds:.0f} s"
        except (AzureError, OSError) as problem:
            error = _first_line(problem)
        return ClassificationResult(upload=upload, seconds=time.monotonic() - started, record=record, error=error)

    def _upload(self, upload: Upload) -> str:
        """Return the ETag of the new blob, out of the upload's response: uploaders have no right to read blobs."""
        content_type = mimetypes.guess_type(upload.path.name)[0] or "application/octet-stream"
        with upload.path.open("rb") as content:
            response = self._images.get_blob_client(upload.blob_name).upload_blob(
                content, overwrite=True, content_settings=ContentSettings(content_type=content_type)
            )
        return response["etag"].strip('"')

    def _wait_for_record(self, blob_name: str, etag: str, timeout_seconds: float) -> ImageRecord | None:
        """Return the final record of this version of the blob, or None when there is none in time."""
        item = record_id(self._images.container_name, blob_name)

        def read_final_record() -> ImageRecord | None:
            try:
                record = cast("ImageRecord", dict(self._records.read_item(item, partition_key=item)))
            except CosmosResourceNotFoundError:
                return None
            if record["blob"]["etag"] != etag:
                return None
            if record["status"] not in _FINAL_STATUSES:
                return None
            return record

        def is_missing(record: ImageRecord | None) -> bool:
            return record is None

        def return_none(_state: RetryCallState) -> None:
            return None

        retrying = Retrying(
            retry=retry_if_result(is_missing),
            wait=wait_exponential(multiplier=0.1, max=2),
            stop=stop_after_delay(timeout_seconds),
            retry_error_callback=return_none,
        )
        return retrying(read_final_record)


def find_uploads(paths: Sequence[str]) -> list[Upload]:
    """Return the files that the arguments name; folders are searched.

    A relative path becomes the blob's name unchanged; of an absolute one only its last part does.

    Raises:
        ClientError: A file does not exist, or two files would become the same blob.
    """
    uploads = [upload for path in paths for upload in _expand(Path(path))]
    names = [upload.blob_name for upload in uploads]
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise ClientError(f"several files would become the same blob: {', '.join(duplicates)}")
    return uploads


def _expand(path: Path) -> Iterator[Upload]:
    if path.is_dir():
        for file in sorted(item for item in path.rglob("*") if item.is_file()):
            yield Upload(path=file, blob_name=f"{path.resolve().name}/{file.relative_to(path).as_posix()}")
    elif path.is_file():
        if path.is_absolute() or ".." in path.parts:
            yield Upload(path=path, blob_name=path.name)
        else:
            yield Upload(path=path, blob_name=path.as_posix())
    else:
        raise ClientError(
            f"there is no file {str(path)!r}; a name with spaces needs quotes of its own: IMAGES=\"'my cat.jpg' b.png\""
        )


def run_classify(*, stack: str, paths: Sequence[str], samples: bool, timeout_seconds: float, output_format: str) -> int:
    """Upload images to a stack and print their records as a table, or as one line of JSON each.

    Args:
        stack: The name of the deployed stack.
        paths: Image files, or folders of them.
        samples: Whether the sample photos are uploaded as well.
        timeout_seconds: How long to wait for each record.
        output_format: `table` or `json`.

    Returns:
        The exit code: 0 when every image was classified or rejected, 1 otherwise.

    Raises:
        ClientError: There is no image, or the stack is not deployed.
    """
    uploads = find_uploads(paths)
    if samples:
        uploads += [Upload(path=path, blob_name=f"samples/{path.name}") for path in sample_photos()]
    if not uploads:
        raise ClientError('no image given: make classify IMAGES="a.jpg b.png"')
    outputs = read_stack_outputs(stack)
    try:
        client = StackClient(*create_clients(outputs))
    except AzureError as error:
        print(
            f"error: the stack {stack} cannot be reached: {_first_line(error)}\n"
            "(a stack with networkAccess private is reached from its virtual network only)",
            file=sys.stderr,
        )
        return 1
    results = _classify_all(client, uploads, timeout_seconds)
    if output_format == "json":
        for result in results:
            print(to_json(result))
    else:
        width = None if sys.stdout.isatty() else _PLAIN_WIDTH
        Console(width=width).print(create_table(results))
    if all(result.status in {"classified", "rejected"} for result in results):
        return 0
    return 1


def _classify_all(client: StackClient, uploads: Sequence[Upload], timeout_seconds: float) -> list[ClassificationResult]:
    errors = Console(stderr=True)
    with Progress(console=errors, transient=True) as progress, ThreadPoolExecutor(_CONCURRENCY) as pool:
        task = progress.add_task("classifying", total=len(uploads))

        def classify(upload: Upload) -> ClassificationResult:
            result = client.classify(upload, timeout_seconds)
            progress.advance(task)
            return result

        return list(pool.map(classify, uploads))


def _first_line(error: Exception) -> str:
    """Return the first line of an error's message, or the name of its class when it has no message."""
    return next(iter(str(error).splitlines()), type(error).__name__)
