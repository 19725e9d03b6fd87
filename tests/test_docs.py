"""Tests of the documents: rights of the deployer, links, and the form of the decision records."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from policy.known_types import KNOWN_TYPES
from tests.support.decision_records import (
    DecisionRecord,
    expected_index,
    find_problems,
    find_relation_problems,
    parse_index,
    parse_record,
    read_records,
)

ROOT = Path(__file__).resolve().parents[1]
RIGHTS = (ROOT / "docs/deployer-rights.md").read_text()
DOCUMENTS = sorted((ROOT / "docs").rglob("*.md"))
DECISIONS = ROOT / "docs/decisions"
RECORDS = read_records(DECISIONS)


def test_the_rights_of_the_deployer_cover_every_resource_type() -> None:
    rows = {name for line in RIGHTS.splitlines() for name in re.findall(r"`(\w+:\w+)`", line.partition(" | ")[0])}
    assert rows == KNOWN_TYPES


def test_the_role_of_the_deployer_has_the_rights_that_are_listed_and_no_others() -> None:
    """Reading is one wildcard, and role assignments are a right of their own, under a condition (docs/ci.md)."""
    role = json.loads((ROOT / "docs/deployer-role.json").read_text())
    listed: set[str] = set()
    resource = ""
    for code in re.findall(r"`([^`\n]+)`", RIGHTS):
        if code.startswith("Microsoft.") and "/" in code:
            listed |= expand_braces(code)
            resource = code.partition("{")[0].rstrip("/")
        elif code.startswith("…/"):
            listed |= expand_braces(resource + code.removeprefix("…"))
    conditional = {"Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/delete"}
    assert conditional <= listed
    needed = {action for action in listed - conditional if not action.endswith("/read")}
    assert len(needed) > 75
    assert role["Actions"] == ["*/read", *sorted(needed)]
    assert not [action for action in role["Actions"] if re.search(r"(?i)listkeys|regenerate|/\*$", action)]
    assert role["DataActions"] == []


def expand_braces(text: str) -> set[str]:
    """`a/{b,c}` as `a/b` and `a/c`."""
    match = re.search(r"\{([^}]*)\}", text)
    if match is None:
        return {text}
    start, end = text[: match.start()], text[match.end() :]
    return {expanded for name in match[1].split(",") for expanded in expand_braces(start + name + end)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text()):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_tests_that_documents_name_exist(document: Path) -> None:
    for path in re.findall(r"`(tests/[\w/.]+)`", document.read_text()):
        assert (ROOT / path).exists(), f"{document.name}: {path}"


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.file_name)
def test_a_decision_record_has_number_status_date_and_sections(record: DecisionRecord) -> None:
    assert find_problems(record) == []


def test_related_decision_records_name_each_other() -> None:
    assert len(RECORDS) > 30
    assert find_relation_problems(RECORDS) == []


def test_the_index_lists_every_decision_record() -> None:
    assert parse_index((DECISIONS / "README.md").read_text()) == expected_index(RECORDS)


def test_the_template_is_a_valid_decision_record() -> None:
    text = (DECISIONS / "template.md").read_text().replace("NNNN", "9999").replace("YYYY-MM-DD", "2026-11-25")
    assert find_problems(parse_record("9999-title.md", text)) == []


PLANTED = """# 0009. A decision

- Status: accepted
- Date: 2026-11-25

## Context

Text.

## Decision

Text.

## Consequences

Text.

## Reconsider when

Text.
"""


def planted(number: str, *header: str) -> DecisionRecord:
    """Return a record with further fields in its header."""
    text = PLANTED.replace("0009", number)
    for line in header:
        name = line.partition(":")[0]
        text = re.sub(rf"- {name}: .*\n", "", text).replace("## Context", f"- {line}\n\n## Context")
    return parse_record(f"{number}-a-decision.md", text)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("# 0009. ", "# 0008. ", "the heading does not begin with the number 0009"),
        ("# 0009. A decision", "# 0009. ", "the heading does not begin with the number 0009"),
        ("accepted", "proposed", "the status is neither accepted nor superseded by a link to a record"),
        ("accepted", "superseded by 0010", "the status is neither accepted nor superseded by a link to a record"),
        ("- Status: accepted\n", "", "the status is neither accepted nor superseded by a link to a record"),
        ("2026-11-25", "25 November 2026", "the date is not an ISO date"),
        ("2026-11-25", "20261125", "the date is not an ISO date"),
        ("- Date: 2026-11-25\n", "", "the date is not an ISO date"),
        ("- Date", "- Author: A\n- Date", "unknown fields ['Author']"),
        (
            "## Consequences",
            "## Cost",
            (
                "the sections are ['Context', 'Decision', 'Cost', 'Reconsider when'],"
                " not ['Context', 'Decision', 'Consequences', 'Reconsider when']"
            ),
        ),
        ("## Decision\n\nText.", "## Decision", "the section Decision is empty"),
    ],
)
def test_a_planted_mistake_in_a_decision_record_is_found(old: str, new: str, problem: str) -> None:
    assert PLANTED.count(old) == 1
    assert find_problems(parse_record("0009-a-decision.md", PLANTED)) == []
    assert find_problems(parse_record("0009-a-decision.md", PLANTED.replace(old, new))) == [problem]


def test_a_file_name_without_a_number_is_found() -> None:
    assert find_problems(parse_record("0009.md", PLANTED)) == ["the file name is not four digits and lower-case words"]


SUPERSEDED = "Status: superseded by [0010](0010-a-decision.md)"


@pytest.mark.parametrize(
    ("records", "problems"),
    [
        ([planted("0009", SUPERSEDED), planted("0010", "Supersedes: [0009](0009-a-decision.md)")], []),
        (
            [planted("0009", SUPERSEDED), planted("0010")],
            ["only one of 0010-a-decision.md and 0009-a-decision.md says that the first supersedes the second"],
        ),
        (
            [planted("0009"), planted("0010", "Supersedes: [0009](0009-a-decision.md)")],
            ["only one of 0010-a-decision.md and 0009-a-decision.md says that the first supersedes the second"],
        ),
        (
            [planted("0009", SUPERSEDED)],
            ["only one of 0010-a-decision.md and 0009-a-decision.md says that the first supersedes the second"],
        ),
        (
            [
                planted("0009", "Amended by: [0010](0010-a-decision.md) (one part)"),
                planted("0010", "Amends: [0009](0009-a-decision.md) (one part)"),
            ],
            [],
        ),
        (
            [planted("0009"), planted("0010", "Amends: [0009](0009-a-decision.md) (one part)")],
            ["only one of 0010-a-decision.md and 0009-a-decision.md says that the first amends the second"],
        ),
        (
            [planted("0009", "Amended by: [0010](0010-a-decision.md)"), planted("0010")],
            ["only one of 0010-a-decision.md and 0009-a-decision.md says that the first amends the second"],
        ),
        ([planted("0009"), planted("0009")], ["the number 0009 is used twice"]),
    ],
)
def test_a_relation_of_one_side_is_found(records: list[DecisionRecord], problems: list[str]) -> None:
    assert [problem for record in records for problem in find_problems(record)] == []
    assert find_relation_problems(records) == problems


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("| accepted |", "| superseded by [0010](0010-a-decision.md) |", 1),
        lambda text: text.replace("| 2026-11-23 |", "| 2026-11-24 |", 1),
        lambda text: text.replace("Two storage accounts", "One storage account"),
        lambda text: re.sub(r"\| \[0003\].*\n", "", text),
    ],
    ids=["status", "date", "title", "row"],
)
def test_an_index_that_differs_from_the_records_is_found(change: Callable[[str], str]) -> None:
    text = (DECISIONS / "README.md").read_text()
    assert parse_index(change(text)) != expected_index(RECORDS)
