"""Generated parts of documents: they are replaced, compared, and up to date."""

from pathlib import Path

import pytest

from checks.docs.__main__ import main, run
from checks.docs.blocks import DocumentError, block_names, describe_difference, update_text
from checks.docs.registry import GENERATORS, find_documents

GENERATED = {"one": lambda: "first\nsecond", "two": lambda: "third"}
DOCUMENT = """# Title

<!-- generated: one -->
old
<!-- end -->

between

<!-- generated: two -->
<!-- end -->
"""
UPDATED = """# Title

<!-- generated: one -->

first
second

<!-- end -->

between

<!-- generated: two -->

third

<!-- end -->
"""


def test_each_part_is_replaced_and_the_rest_is_unchanged() -> None:
    assert update_text(DOCUMENT, GENERATED) == UPDATED
    assert update_text(UPDATED, GENERATED) == UPDATED
    assert block_names(DOCUMENT) == ["one", "two"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!-- generated: three -->\n<!-- end -->\n", "line 1: no function generates the part three"),
        ("<!-- generated: one -->\n<!-- generated: two -->\n", "line 2: a part begins within the part one"),
        ("text\n<!-- end -->\n", "line 2: no part ends here"),
        ("<!-- generated: one -->\n", "the part one does not end"),
    ],
)
def test_wrong_markers_are_an_error(text: str, message: str) -> None:
    with pytest.raises(DocumentError) as error:
        update_text(text, GENERATED)
    assert str(error.value) == message


def test_a_difference_names_the_document_and_the_lines() -> None:
    assert describe_difference("a.md", "same\nold\n", "same\nnew\n").splitlines() == [
        "--- a.md",
        "+++ a.md (generated)",
        "@@ -2 +2 @@",
        "-old",
        "+new",
    ]
    assert describe_difference("a.md", "same\n", "same\n") == ""


def test_check_prints_the_difference_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "document.md"
    document.write_text(DOCUMENT)
    assert run([document], GENERATED, check=True) == 1
    assert document.read_text() == DOCUMENT
    output = capsys.readouterr()
    assert "+first\n" in output.out
    assert "-old\n" in output.out
    assert output.err == "error: generated parts are not up to date; run make docs\n"


def test_without_check_the_document_is_written_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "document.md"
    document.write_text(DOCUMENT)
    assert run([document], GENERATED, check=False) == 0
    assert document.read_text() == UPDATED
    assert capsys.readouterr().out == "updated document.md\n"
    assert run([document], GENERATED, check=True) == 0
    assert run([document], GENERATED, check=False) == 0
    assert capsys.readouterr().out == ""


def test_a_wrong_marker_is_reported_with_the_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "document.md"
    document.write_text("<!-- generated: three -->\n<!-- end -->\n")
    assert run([document], GENERATED, check=False) == 1
    assert capsys.readouterr().err == "error: document.md: line 1: no function generates the part three\n"


def test_the_documents_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = main(["--check"])
    assert exit_code == 0, capsys.readouterr().out


def test_every_generated_part_is_in_exactly_one_document() -> None:
    names = [name for document in find_documents() for name in block_names(document.read_text())]
    assert sorted(names) == sorted(GENERATORS)
