"""What is printed: a row of the table, and a line of JSON."""

import json
from pathlib import Path
from typing import Any

import pytest

from client.image_store import Upload
from client.results import ClassificationResult, create_table, to_json
from tests.client.records import CAT, REJECTED


def result(record: Any = None, error: str | None = None) -> ClassificationResult:
    upload = Upload(path=Path("/photos/cat.png"), blob_name="pets/cat.png")
    return ClassificationResult(upload=upload, blob_name=upload.blob_name, seconds=1.96, record=record, error=error)


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
