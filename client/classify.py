"""Uploads images to a stack, waits until each has a final record, and prints the records.

Works with any stack: its outputs say where its services are, and the ordinary Azure sign-in says who the user is.
A stack with an API is used through it; any other one by the user's rights in Blob Storage and Cosmos DB.
"""

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from azure.core.exceptions import AzureError
from rich.console import Console
from rich.progress import Progress

from client.api import create_api_client
from client.api_images import ApiImageStore
from client.direct import DirectImageStore, create_clients
from client.errors import ClientError
from client.image_files import find_uploads
from client.image_store import ImageStore, Upload
from client.results import ClassificationResult, create_table, to_json
from client.samples import sample_photos
from client.stack_outputs import StackOutputs, read_stack_outputs
from client.waiting import wait_for

# Uploads, and records that are waited for, at the same time.
_CONCURRENCY = 8
# Width of a table that is printed into a file or a pipe, in characters.
_PLAIN_WIDTH = 160


def open_image_store(stack: str, outputs: StackOutputs) -> ImageStore:
    """Return where the images of a stack are uploaded: its API, if it has one.

    Raises:
        AzureError: The Cosmos DB account of a stack without API cannot be reached.
    """
    if outputs.image_api_url:
        return ApiImageStore(create_api_client(stack, outputs), outputs.images_container)
    return DirectImageStore(*create_clients(outputs))


def classify(store: ImageStore, upload: Upload, timeout_seconds: float) -> ClassificationResult:
    """Upload a file and wait for the final record of exactly this upload."""
    started = time.monotonic()
    blob_name = upload.blob_name
    record = None
    error = None
    try:
        image = store.upload(upload, timeout_seconds)
        blob_name = image.blob_name
        record = wait_for(image.read_record, timeout_seconds)
        if record is None:
            error = f"no final record after {timeout_seconds:.0f} s"
    except (AzureError, ClientError, OSError) as problem:
        error = _first_line(problem)
    return ClassificationResult(
        upload=upload, blob_name=blob_name, seconds=time.monotonic() - started, record=record, error=error
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
        store = open_image_store(stack, outputs)
    except AzureError as error:
        print(
            f"error: the stack {stack} cannot be reached: {_first_line(error)}\n"
            "(a stack with networkAccess private is reached from its virtual network only)",
            file=sys.stderr,
        )
        return 1
    results = _classify_all(store, uploads, timeout_seconds)
    if output_format == "json":
        for result in results:
            print(to_json(result))
    else:
        width = None if sys.stdout.isatty() else _PLAIN_WIDTH
        Console(width=width).print(create_table(results))
    if all(result.status in {"classified", "rejected"} for result in results):
        return 0
    return 1


def _classify_all(store: ImageStore, uploads: Sequence[Upload], timeout_seconds: float) -> list[ClassificationResult]:
    errors = Console(stderr=True)
    with Progress(console=errors, transient=True) as progress, ThreadPoolExecutor(_CONCURRENCY) as pool:
        task = progress.add_task("classifying", total=len(uploads))

        def classify_one(upload: Upload) -> ClassificationResult:
            result = classify(store, upload, timeout_seconds)
            progress.advance(task)
            return result

        return list(pool.map(classify_one, uploads))


def _first_line(error: Exception) -> str:
    """Return the first line of an error's message, or the name of its class when it has no message."""
    return next(iter(str(error).splitlines()), type(error).__name__)
