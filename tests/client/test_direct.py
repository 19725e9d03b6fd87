"""Images and records without the API: what is uploaded, and which record counts."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.cosmos.exceptions import CosmosResourceNotFoundError

from client.direct import DirectImageStore
from client.image_store import Upload
from client.stack_outputs import record_id
from tests.client.records import CAT, REJECTED

MISSING = CosmosResourceNotFoundError(status_code=404, message="none")


class Images:
    """A container of images: keeps uploads, and gives the ETag 0x1 to each."""

    container_name = "images"

    def __init__(self) -> None:
        self.uploads: dict[str, tuple[bytes, str | None, bool]] = {}

    def get_blob_client(self, name: str) -> SimpleNamespace:
        def upload_blob(content: Any, *, overwrite: bool, content_settings: Any) -> dict[str, str]:
            self.uploads[name] = (content.read(), content_settings.content_type, overwrite)
            return {"etag": '"0x1"'}

        return SimpleNamespace(upload_blob=upload_blob)


class RecordContainer:
    """A container of records: gives its answers in turn."""

    def __init__(self, *answers: dict[str, Any] | Exception) -> None:
        self.reads: list[tuple[str, str]] = []
        self._answers = list(answers)

    def read_item(self, item: str, *, partition_key: str) -> dict[str, Any]:
        self.reads.append((item, partition_key))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def open_store(images: Any, records: Any) -> DirectImageStore:
    return DirectImageStore(images, records)


@pytest.fixture
def photo(tmp_path: Path) -> Upload:
    path = tmp_path / "cat.png"
    path.write_bytes(b"cat")
    return Upload(path=path, blob_name="pets/cat.png")


def test_a_file_is_uploaded_and_its_record_is_read_by_id(photo: Upload) -> None:
    images, records = Images(), RecordContainer(CAT)
    image = open_store(images, records).upload(photo, 5)
    assert image.blob_name == "pets/cat.png"
    assert image.read_record() == CAT
    assert images.uploads == {"pets/cat.png": (b"cat", "image/png", True)}
    item = record_id("images", "pets/cat.png")
    assert records.reads == [(item, item)]


@pytest.mark.parametrize(
    "earlier",
    [MISSING, {**CAT, "blob": {"etag": "0x0"}}, {**CAT, "status": "analyzing"}],
    ids=["no record", "record of an earlier upload", "record that is not final"],
)
def test_only_a_final_record_of_this_upload_counts(photo: Upload, earlier: Any) -> None:
    image = open_store(Images(), RecordContainer(earlier, REJECTED)).upload(photo, 5)
    assert image.read_record() is None
    assert image.read_record() == REJECTED


def test_an_unknown_file_type_is_uploaded_as_bytes(tmp_path: Path) -> None:
    path = tmp_path / "photo.xyz-unknown"
    path.write_bytes(b"?")
    images = Images()
    open_store(images, RecordContainer()).upload(Upload(path=path, blob_name="p"), 5)
    assert images.uploads["p"][1] == "application/octet-stream"
