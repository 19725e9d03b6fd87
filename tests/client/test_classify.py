"""Classification of files: which blobs they become, which record counts, and what is printed."""

import json
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError
from azure.cosmos.exceptions import CosmosResourceNotFoundError

from client import classify
from client.classify import StackClient, find_uploads, run_classify
from client.errors import ClientError
from client.results import ClassificationResult, Upload, create_table, to_json
from client.stack_outputs import record_id

CAT = {
    "id": "x",
    "status": "classified",
    "blob": {"etag": "0x1"},
    "category": {"name": "Egyptian cat", "confidence": 0.754},
    "caption": {"text": "a cat", "confidence": 0.9},
    "read": [{"text": "one"}, {"text": "two"}, {"text": "three"}, {"text": "four"}],
}
REJECTED = {
    "status": "rejected",
    "blob": {"etag": "0x1"},
    "reason": {"code": "TooSmall", "sentence": "Each side must be at least 50 pixels."},
}


class Images:
    """A container of images: keeps uploads, and gives the ETag 0x1 to each."""

    container_name = "images"

    def __init__(self, error: Exception | None = None) -> None:
        self.uploads: dict[str, tuple[bytes, str | None, bool]] = {}
        self._error = error
        self._lock = threading.Lock()

    def get_blob_client(self, name: str) -> SimpleNamespace:
        def upload_blob(content: Any, *, overwrite: bool, content_settings: Any) -> dict[str, str]:
            if self._error is not None:
                raise self._error
            with self._lock:
                self.uploads[name] = (content.read(), content_settings.content_type, overwrite)
            return {"etag": '"0x1"'}

        return SimpleNamespace(upload_blob=upload_blob)


class RecordContainer:
    """A container of records: gives its answers in turn, the last one from then on."""

    def __init__(self, *answers: dict[str, Any] | Exception) -> None:
        self.reads: list[tuple[str, str]] = []
        self._answers = list(answers)

    def read_item(self, item: str, *, partition_key: str) -> dict[str, Any]:
        self.reads.append((item, partition_key))
        answer = self._answers[0]
        if len(self._answers) > 1:
            self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def stack_client(images: Any, records: Any) -> StackClient:
    return StackClient(images, records)


@pytest.fixture
def photo(tmp_path: Path) -> Upload:
    path = tmp_path / "cat.png"
    path.write_bytes(b"cat")
    return Upload(path=path, blob_name="pets/cat.png")


def test_a_file_is_uploaded_and_its_record_is_read_by_id(photo: Upload) -> None:
    images, records = Images(), RecordContainer(CAT)
    result = stack_client(images, records).classify(photo, timeout_seconds=5)
    assert images.uploads == {"pets/cat.png": (b"cat", "image/png", True)}
    item = record_id("images", "pets/cat.png")
    assert records.reads == [(item, item)]
    assert (result.status, result.record, result.error) == ("classified", CAT, None)
    assert 0 <= result.seconds < 5


@pytest.mark.parametrize(
    "earlier",
    [
        CosmosResourceNotFoundError(status_code=404, message="none"),
        {**CAT, "blob": {"etag": "0x0"}},
        {**CAT, "status": "analyzing"},
    ],
    ids=["no record", "record of an earlier upload", "record that is not final"],
)
def test_only_a_final_record_of_this_upload_counts(photo: Upload, earlier: Any) -> None:
    records = RecordContainer(earlier, earlier, REJECTED)
    result = stack_client(Images(), records).classify(photo, timeout_seconds=5)
    assert result.record == REJECTED
    assert len(records.reads) == 3


def test_without_a_record_in_time_the_result_is_unfinished(photo: Upload) -> None:
    records = RecordContainer(CosmosResourceNotFoundError(status_code=404, message="none"))
    result = stack_client(Images(), records).classify(photo, timeout_seconds=0)
    assert (result.status, result.record, result.error) == ("unfinished", None, "no final record after 0 s")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (HttpResponseError("not authorized\nRequestId: 1"), "not authorized"),
        (ServiceRequestError("no such host"), "no such host"),
        (OSError(), "OSError"),
    ],
)
def test_an_error_is_the_files_own_and_one_line(photo: Upload, error: Exception, text: str) -> None:
    result = stack_client(Images(error), RecordContainer(CAT)).classify(photo, timeout_seconds=5)
    assert (result.status, result.error) == ("unfinished", text)


def test_an_unknown_file_type_is_uploaded_as_bytes(tmp_path: Path) -> None:
    path = tmp_path / "photo.xyz-unknown"
    path.write_bytes(b"?")
    images = Images()
    stack_client(images, RecordContainer(CAT)).classify(Upload(path=path, blob_name="p"), timeout_seconds=5)
    assert images.uploads["p"][1] == "application/octet-stream"


def test_names_of_blobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work/album/summer").mkdir(parents=True)
    for name in ("above.png", "work/cat 1.png", "work/album/b.png", "work/album/summer/a.png"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path / "work")

    def names(*paths: str) -> list[str]:
        return [upload.blob_name for upload in find_uploads(paths)]

    assert names("cat 1.png", "album/b.png") == ["cat 1.png", "album/b.png"]
    assert names("./cat 1.png") == ["cat 1.png"]
    assert names(str(tmp_path / "work/album/b.png"), "../above.png") == ["b.png", "above.png"]
    assert names("album") == ["album/b.png", "album/summer/a.png"]
    assert names("../work/album/") == ["album/b.png", "album/summer/a.png"]
    assert names(".") == ["work/album/b.png", "work/album/summer/a.png", "work/cat 1.png"]
    assert names() == []


def test_files_that_would_become_the_same_blob_are_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "cat.png").touch()
    with pytest.raises(ClientError, match=r"several files would become the same blob: cat\.png"):
        find_uploads([str(tmp_path / "a/cat.png"), str(tmp_path / "b/cat.png")])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match=r"there is no file '.*/my'; a name with spaces needs quotes of its own"):
        find_uploads([str(tmp_path / "my"), str(tmp_path / "cat.png")])


def result(record: Any = None, error: str | None = None) -> ClassificationResult:
    upload = Upload(path=Path("/photos/cat.png"), blob_name="pets/cat.png")
    return ClassificationResult(upload=upload, seconds=1.96, record=record, error=error)


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        (result(CAT), ["pets/cat.png", "classified", "Egyptian cat 75%", "a cat", "one / two / three", "2.0 s"]),
        (result(REJECTED), ["pets/cat.png", "rejected", "", "Each side must be at least 50 pixels.", "", "2.0 s"]),
        (result(error="no route"), ["pets/cat.png", "unfinished", "", "no route", "", "2.0 s"]),
        (
            result({**CAT, "category": None, "caption": None, "read": None}),
            ["pets/cat.png", "classified", "", "", "", "2.0 s"],
        ),
    ],
    ids=["classified", "rejected", "unfinished", "nothing found"],
)
def test_a_row_of_the_table(row: ClassificationResult, cells: list[str]) -> None:
    table = create_table([row])
    columns = {str(column.header): list(column.cells) for column in table.columns}
    assert list(columns) == ["file", "status", "category", "caption", "text found", "time"]
    assert list(columns.values()) == [[cell] for cell in cells]


def test_a_result_as_json() -> None:
    line = to_json(result({**CAT, "caption": {"text": "Café"}}))
    assert "Café" in line
    assert json.loads(line) == {
        "file": "/photos/cat.png",
        "blob": "pets/cat.png",
        "status": "classified",
        "seconds": 1.96,
        "error": None,
        "record": {**CAT, "caption": {"text": "Café"}},
    }


@pytest.mark.parametrize(
    ("records", "code", "statuses"),
    [
        ([CAT], 0, ["classified", "classified"]),
        ([REJECTED], 0, ["rejected", "rejected"]),
        ([{**REJECTED, "status": "failed"}], 1, ["failed", "failed"]),
    ],
)
def test_the_exit_code_says_whether_every_image_was_classified_or_rejected(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    records: list[dict[str, Any]],
    code: int,
    statuses: list[str],
) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"x")
    clients = Images(), RecordContainer(*records)
    monkeypatch.setattr(classify, "read_stack_outputs", lambda stack: stack)
    monkeypatch.setattr(classify, "create_clients", lambda outputs: {"dev": clients}[outputs])

    def run(output_format: str) -> int:
        return run_classify(
            stack="dev", paths=[str(tmp_path)], samples=False, timeout_seconds=5, output_format=output_format
        )

    assert run("json") == code
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["status"] for line in lines] == statuses
    assert [Path(line["blob"]).name for line in lines] == ["a.png", "b.png"]
    assert run("table") == code
    assert capsys.readouterr().out.count(statuses[0]) == 2


def test_the_sample_photos_are_uploaded_into_a_folder_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    images = Images()
    monkeypatch.setattr(classify, "read_stack_outputs", lambda stack: stack)
    monkeypatch.setattr(classify, "create_clients", lambda _outputs: (images, RecordContainer(CAT)))
    assert run_classify(stack="dev", paths=[], samples=True, timeout_seconds=5, output_format="json") == 0
    assert "samples/chelsea.png" in images.uploads
    assert len(images.uploads) == 9


def test_a_stack_that_cannot_be_reached_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def create_clients(_outputs: Any) -> Any:
        raise HttpResponseError("blocked by the firewall\nActivityId: 1")

    monkeypatch.setattr(classify, "read_stack_outputs", lambda stack: stack)
    monkeypatch.setattr(classify, "create_clients", create_clients)
    assert run_classify(stack="dev", paths=[], samples=True, timeout_seconds=5, output_format="json") == 1
    error = capsys.readouterr().err
    assert error.startswith("error: the stack dev cannot be reached: blocked by the firewall\n")
    assert "ActivityId" not in error
