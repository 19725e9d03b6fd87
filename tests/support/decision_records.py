"""Reads the decision records in docs/decisions, and checks their form and the relations between them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

SECTIONS = ("Context", "Decision", "Consequences", "Reconsider when")
_RELATIONS = ("Supersedes", "Amends", "Amended by")
_LINK = re.compile(r"\[(\d{4})\]\(([^)]+)\)")


@dataclass(frozen=True, kw_only=True)
class DecisionRecord:
    """One record.

    Attributes:
        file_name: Name of its file.
        heading: The first line, without "# ".
        fields: The list below the heading, with the text of each field on one line.
        sections: Text of each section, in the order of the file.
    """

    file_name: str
    heading: str
    fields: dict[str, str]
    sections: dict[str, str]

    @property
    def number(self) -> str:
        """The four digits at the start of the file's name."""
        return self.file_name[:4]

    @property
    def title(self) -> str:
        """The heading without the number."""
        return self.heading.removeprefix(f"{self.number}. ")

    @property
    def successor(self) -> str | None:
        """File name of the record that supersedes this one."""
        status = self.fields.get("Status", "")
        if not status.startswith("superseded by "):
            return None
        return _linked_file(status.removeprefix("superseded by "))

    def related(self, field: str) -> list[str]:
        """Return the file names to which a field links."""
        return [target for _number, target in _LINK.findall(self.fields.get(field, ""))]


@dataclass(frozen=True, kw_only=True)
class IndexRow:
    """A row of the index: the link's number and target, and the other cells."""

    number: str
    file_name: str
    title: str
    status: str
    date: str


def _linked_file(text: str) -> str | None:
    match = _LINK.fullmatch(text)
    return None if match is None else match.group(2)


def parse_record(file_name: str, text: str) -> DecisionRecord:
    """Read a record. Parts that are missing are empty; `find_problems` names them."""
    head, *section_texts = re.split(r"^## ", text, flags=re.MULTILINE)
    heading, _, header = head.partition("\n")
    fields: dict[str, str] = {}
    for entry in re.findall(r"^- (.+(?:\n  .+)*)", header, flags=re.MULTILINE):
        name, _, value = " ".join(entry.split()).partition(": ")
        fields[name] = value
    sections: dict[str, str] = {}
    for section in section_texts:
        name, _, body = section.partition("\n")
        sections[name] = body.strip()
    return DecisionRecord(file_name=file_name, heading=heading.removeprefix("# "), fields=fields, sections=sections)


def read_records(folder: Path) -> list[DecisionRecord]:
    """Read the records of a folder, by number."""
    return [parse_record(path.name, path.read_text()) for path in sorted(folder.glob("[0-9]*.md"))]


def find_problems(record: DecisionRecord) -> list[str]:
    """Return what is wrong with the form of one record."""
    problems: list[str] = []
    if not re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", record.file_name):
        problems.append("the file name is not four digits and lower-case words")
    if not re.fullmatch(rf"{record.number}\. \S.*", record.heading):
        problems.append(f"the heading does not begin with the number {record.number}")
    unknown = set(record.fields) - {"Status", "Date", *_RELATIONS}
    if unknown:
        problems.append(f"unknown fields {sorted(unknown)}")
    if record.fields.get("Status") != "accepted" and record.successor is None:
        problems.append("the status is neither accepted nor superseded by a link to a record")
    if not _is_iso_date(record.fields.get("Date", "")):
        problems.append("the date is not an ISO date")
    if tuple(record.sections) != SECTIONS:
        problems.append(f"the sections are {list(record.sections)}, not {list(SECTIONS)}")
    problems += [f"the section {name} is empty" for name, text in record.sections.items() if not text]
    return problems


def _is_iso_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def find_relation_problems(records: Sequence[DecisionRecord]) -> list[str]:
    """Return the relations that only one of two records has, and the numbers that two records share."""
    problems: list[str] = []
    successions = {(record.successor, record.file_name) for record in records if record.successor is not None}
    supersessions = {(record.file_name, old) for record in records for old in record.related("Supersedes")}
    amendments = {(record.file_name, old) for record in records for old in record.related("Amends")}
    amended = {(new, record.file_name) for record in records for new in record.related("Amended by")}
    for new, old in sorted(successions ^ supersessions):
        problems.append(f"only one of {new} and {old} says that the first supersedes the second")
    for new, old in sorted(amendments ^ amended):
        problems.append(f"only one of {new} and {old} says that the first amends the second")
    numbers = [record.number for record in records]
    problems += [f"the number {number} is used twice" for number in sorted(set(numbers)) if numbers.count(number) > 1]
    return problems


def expected_index(records: Sequence[DecisionRecord]) -> list[IndexRow]:
    """Return the rows that the index must have."""
    return [
        IndexRow(
            number=record.number,
            file_name=record.file_name,
            title=record.title,
            status=record.fields["Status"],
            date=record.fields["Date"],
        )
        for record in records
    ]


def parse_index(text: str) -> list[IndexRow]:
    """Read the rows of the index."""
    rows = re.findall(r"^\| \[(\d{4})\]\(([^)]+)\) \| (.+) \| (.+) \| (\S+) \|$", text, flags=re.MULTILINE)
    return [
        IndexRow(number=number, file_name=file_name, title=title, status=status, date=day)
        for number, file_name, title, status, day in rows
    ]
