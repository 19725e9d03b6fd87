"""`make classify`: which way images take, errors of single files, what is printed, and the exit code."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError

from client import classify
from client.api_images import ApiImageStore
from client.classify import open_image_store, run_classify
from client.direct import DirectImageStore
from client.errors import ClientError
from client.image_store import Upload
from client.stack_outputs import StackOutputs
from tests.client.records import CAT, REJECTED
from tests.client.test_operations import OUTPUTS


class Image:
    """An uploaded image, whose reads have the answers in turn, the last one from then on."""

    def __init__(self, blob_name: str, answers: list[Any]) -> None:
        self.blob_name = blob_name
        self._answers = answers

    def read_record(self) -> Any:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Store:
    """Where images are uploaded: keeps the uploads, and gives each a name with a suffix."""

    def __init__(self, *answers: Any, error: Exception | None = None) -> None:
        self.uploads: dict[str, Path] = {}
        self._answers = answers
        self._error = error
        self._lock = threading.Lock()

    def upload(self, upload: Upload, timeout_seconds: float) -> Image:
        assert timeout_seconds in {0, 5}
        if self._error is not None:
            raise self._error
        with self._lock:
            self.uploads[upload.blob_name] = upload.path
        return Image(f"{upload.blob_name}-1", list(self._answers))


@pytest.fixture
def photo(tmp_path: Path) -> Upload:
    path = tmp_path / "cat.png"
    path.write_bytes(b"cat")
    return Upload(path=path, blob_name="pets/cat.png")


def test_the_record_is_waited_for(photo: Upload) -> None:
    result = classify.classify(Store(None, None, CAT), photo, 5)
    assert (result.status, result.record, result.error) == ("classified", CAT, None)
    assert result.blob_name == "pets/cat.png-1"
    assert 0.1 <= result.seconds < 5


def test_without_a_record_in_time_the_result_is_unfinished(photo: Upload) -> None:
    result = classify.classify(Store(None), photo, 0)
    assert (result.status, result.record, result.error) == ("unfinished", None, "no final record after 0 s")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (HttpResponseError("not authorized\nRequestId: 1"), "not authorized"),
        (ServiceRequestError("no such host"), "no such host"),
        (ClientError("the API answered 403"), "the API answered 403"),
        (OSError(), "OSError"),
    ],
)
def test_an_error_is_the_files_own_and_one_line(photo: Upload, error: Exception, text: str) -> None:
    result = classify.classify(Store(CAT, error=error), photo, 5)
    assert (result.status, result.error, result.blob_name) == ("unfinished", text, "pets/cat.png")
    result = classify.classify(Store(error), photo, 5)
    assert (result.status, result.error, result.blob_name) == ("unfinished", text, "pets/cat.png-1")


def use(monkeypatch: pytest.MonkeyPatch, store: Store) -> Store:
    """Let a store be that of the stack dev."""
    monkeypatch.setattr(classify, "read_stack_outputs", lambda stack: f"outputs of {stack}")
    monkeypatch.setattr(classify, "open_image_store", lambda *arguments: {("dev", "outputs of dev"): store}[arguments])
    return store


@pytest.mark.parametrize(
    ("record", "code", "status"),
    [(CAT, 0, "classified"), (REJECTED, 0, "rejected"), ({**REJECTED, "status": "failed"}, 1, "failed")],
)
def test_the_exit_code_says_whether_every_image_was_classified_or_rejected(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    record: dict[str, Any],
    code: int,
    status: str,
) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"x")
    use(monkeypatch, Store(record))

    def run(output_format: str) -> int:
        return run_classify(
            stack="dev", paths=[str(tmp_path)], samples=False, timeout_seconds=5, output_format=output_format
        )

    assert run("json") == code
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["status"] for line in lines] == [status] * 2
    assert [Path(line["blob"]).name for line in lines] == ["a.png-1", "b.png-1"]
    assert run("table") == code
    assert capsys.readouterr().out.count(status) == 2


def test_the_sample_photos_are_uploaded_into_a_folder_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    store = use(monkeypatch, Store(CAT))
    assert run_classify(stack="dev", paths=[], samples=True, timeout_seconds=5, output_format="json") == 0
    assert "samples/chelsea.png" in store.uploads
    assert len(store.uploads) == 9


def test_a_stack_that_cannot_be_reached_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_arguments: Any) -> Any:
        raise HttpResponseError("blocked by the firewall\nActivityId: 1")

    monkeypatch.setattr(classify, "read_stack_outputs", lambda stack: stack)
    monkeypatch.setattr(classify, "open_image_store", fail)
    assert run_classify(stack="dev", paths=[], samples=True, timeout_seconds=5, output_format="json") == 1
    error = capsys.readouterr().err
    assert error.startswith("error: the stack dev cannot be reached: blocked by the firewall\n")
    assert "ActivityId" not in error


def test_a_stack_with_an_api_is_used_through_it_and_any_other_one_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classify, "create_clients", lambda outputs: (outputs, outputs))
    monkeypatch.setattr(classify, "create_api_client", lambda stack, outputs: (stack, outputs))
    assert isinstance(open_image_store("dev", OUTPUTS), ApiImageStore)
    without_api = StackOutputs(**{**vars(OUTPUTS), "image_api_url": "", "api_client_id": ""})
    assert isinstance(open_image_store("dev", without_api), DirectImageStore)
