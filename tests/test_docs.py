"""Tests of the documents: rights of the deployer, links, questions of a contributor, form of the decision records."""

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from checks.docs.operations import alert_names
from checks.docs.recordings import read_recording
from checks.import_graph import imported_names, python_files
from client.stack_outputs import record_id
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
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
DOCUMENTS = sorted((ROOT / "docs").rglob("*.md"))
LINKED_DOCUMENTS = [
    *DOCUMENTS,
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "emulator/README.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
DECISIONS = ROOT / "docs/decisions"
RECORDS = read_records(DECISIONS)


def test_the_rights_of_the_deployer_cover_every_resource_type() -> None:
    rows = {name for line in RIGHTS.splitlines() for name in re.findall(r"`(\w+:\w+)`", line.partition(" | ")[0])}
    # The program has none; examples/subscribe-to-results/README.md names the right that it needs.
    of_examples = {"eventgrid:EventSubscription"}
    # The documents leave out the path of azuread's type tokens.
    assert rows == {re.sub(r"^azuread:index/\w+:", "azuread:", type_) for type_ in KNOWN_TYPES - of_examples}


def test_the_role_of_the_deployer_has_the_rights_that_are_listed_and_no_others() -> None:
    """Reading is one wildcard, and role assignments are a right of their own, under a condition (docs/ci.md)."""
    role = json.loads((ROOT / "docs/deployer-role.json").read_text())
    documented_actions: set[str] = set()
    resource = ""
    for code in re.findall(r"`([^`\n]+)`", RIGHTS):
        if code.startswith("Microsoft.") and "/" in code:
            documented_actions |= expand_braces(code)
            resource = code.partition("{")[0].rstrip("/")
        elif code.startswith("…/"):
            documented_actions |= expand_braces(resource + code.removeprefix("…"))
    conditional = {"Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/delete"}
    assert conditional <= documented_actions
    written_actions = {action for action in documented_actions - conditional if not action.endswith("/read")}
    assert len(written_actions) > 75
    assert role["Actions"] == ["*/read", *sorted(written_actions)]
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


def outside_code(text: str) -> str:
    """A document without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them: punctuation is dropped, spaces become dashes."""
    names: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", outside_code(text), re.MULTILINE):
        plain = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", heading).lower()
        name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        names.append(f"{name}-{names.count(name)}" if name in names else name)
    return set(names)


def broken_links(document: Path, text: str) -> list[str]:
    """The relative links of a document that lead to no file, or to no heading of one."""
    broken: list[str] = []
    for target in re.findall(r"\]\(\s*([^)\s]+)\s*\)", outside_code(text)):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _separator, anchor = target.partition("#")
        file = document.parent / path if path else document
        if not file.exists() or (anchor and anchor not in anchors(file.read_text())):
            broken.append(target)
    return broken


def link_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", LINKED_DOCUMENTS, ids=link_id)
def test_links_lead_to_a_file_and_to_a_heading_of_it(document: Path) -> None:
    assert broken_links(document, document.read_text()) == []


def test_the_documents_have_links_to_headings() -> None:
    text = "".join(document.read_text() for document in LINKED_DOCUMENTS)
    assert len(re.findall(r"\]\([\w./-]*#[\w-]+\)", text)) > 10


@pytest.mark.parametrize(
    "target", ["missing.md", "docs/missing/", "README.md#missing", "#missing", "docs/settings.md#All-settings"]
)
def test_a_broken_link_is_found(target: str) -> None:
    assert broken_links(ROOT / "README.md", f"See [it]({target}).") == [target]


def test_anchors_are_those_of_github() -> None:
    text = "# What `pulumi destroy` removes, and what it keeps\n## Where is …\n## A [link](b.md)\n## Same\n## Same\n"
    assert anchors(text) == {
        "what-pulumi-destroy-removes-and-what-it-keeps",
        "where-is-",
        "a-link",
        "same",
        "same-1",
    }
    assert anchors("```\n# a comment\n```\n") == set()


def test_every_document_is_in_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text()
    targets = {(ROOT / "docs" / target).resolve() for target in re.findall(r"\]\(([^)#]+)\)", index)}
    # Decision records and examples have an index of their own.
    expected = {
        path
        for path in LINKED_DOCUMENTS
        if path.parent != DECISIONS and not path.is_relative_to(ROOT / "examples") and path != ROOT / "docs/README.md"
    }
    assert targets == expected | {DECISIONS / "README.md", ROOT / "examples/README.md"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_tests_that_documents_name_exist(document: Path) -> None:
    for path in re.findall(r"`(tests/[\w/.]+)`", document.read_text()):
        assert (ROOT / path).exists(), f"{document.name}: {path}"


def questions() -> list[tuple[str, str, str]]:
    """The rows of "Where is …" in CONTRIBUTING.md: question, file, symbol."""
    section = CONTRIBUTING.partition("## Where is …\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| ([^|]+\?) \| `([^`]+)` \| `([^`]+)` \|$", section, re.MULTILINE)


def defined_names(source: str) -> set[str]:
    """Functions, classes and variables of a module, and methods and fields of its classes as `Class.method`."""
    names: set[str] = set()
    for node in ast.parse(source).body:
        names |= own_names(node)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{name}" for item in node.body for name in own_names(item)}
    return names


def own_names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return {node.target.id}
    if isinstance(node, ast.Assign):
        return {name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return set()


def is_defined(file: str, symbol: str) -> bool:
    text = (ROOT / file).read_text()
    return symbol in defined_names(text) if file.endswith(".py") else symbol in text


@pytest.mark.parametrize(("question", "file", "symbol"), questions())
def test_what_a_contributor_looks_for_is_where_the_table_says(question: str, file: str, symbol: str) -> None:
    assert is_defined(file, symbol), f"{question} {symbol} is not in {file}"


def test_the_questions_of_a_contributor_are_many_and_differ() -> None:
    rows = questions()
    section = CONTRIBUTING.partition("## Where is …\n")[2].partition("\n## ")[0]
    assert len(rows) == section.count("\n| ") - 1  # every row but the heading
    assert len(rows) >= 25
    assert len({question for question, _file, _symbol in rows}) == len(rows)


@pytest.mark.parametrize(
    ("file", "symbol"),
    [("infra/packaging.py", "zipfile"), ("infra/core/naming.py", "Names.missing"), ("Pulumi.yaml", "missingSetting")],
)
def test_a_symbol_that_a_file_only_uses_or_does_not_have_is_found(file: str, symbol: str) -> None:
    assert not is_defined(file, symbol)


def test_defined_names_are_those_of_modules_and_classes() -> None:
    source = "import os\nA, B = 1, 2\nC: int = 3\ndef f(): x = 1\nclass D:\n    e: int\n    async def g(self): ...\n"
    assert defined_names(source) == {"A", "B", "C", "f", "D", "D.e", "D.g"}


def documented_imports() -> dict[str, set[str]]:
    """The table "Folders and imports" in docs/architecture.md: folder or file, and what it may import."""
    section = (ROOT / "docs/architecture.md").read_text().partition("## Folders and imports\n")[2]
    rows = re.findall(r"^\| `([^`]+)` \| .*? \| ([^|]+) \|$", section, re.MULTILINE)
    return {folder: set(re.findall(r"`([^`]+)`", cell)) for folder, cell in rows}


def actual_imports(folder: str) -> set[str]:
    """What a folder or file imports of the project, as the table names it: without itself."""
    labels: set[str] = set()
    for path in python_files(ROOT, folder):
        for name in imported_names(path):
            package, _separator, rest = name.partition(".")
            if (
                package in {"infra", "classifier", "common"}
                and folder.startswith((f"{package}/", "functions/"))
                and rest
            ):
                layer = rest.partition(".")[0]
                is_own = package == "classifier" or folder.startswith("functions/common/")
                parent = "functions/common" if package == "common" else package
                suffix = ".py" if (ROOT / f"{parent}/{layer}.py").is_file() else ""
                labels.add(layer if is_own else f"{parent}/{layer}{suffix}")
            elif package in {"classifier", "common"}:
                labels.add("functions")
            elif name.startswith("tests.support"):
                labels.add("tests/support")
            elif (ROOT / package).is_dir() and package != "tests":
                labels.add(package)
    own = folder.strip("/").removesuffix(".py")
    return labels - {own, own.rpartition("/")[2]}


def test_the_table_of_imports_names_every_folder_of_code() -> None:
    candidates = [path for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")]
    folders = {path.name for path in candidates if path.name != "node_modules" and any(path.rglob("*.py"))}
    documented = {folder.partition("/")[0] for folder in documented_imports()}
    assert documented >= {*folders, "__main__.py"} - {"tests", "benchmarks"}
    assert {name for name in documented if not (ROOT / name).exists()} == set()


@pytest.mark.parametrize("folder", sorted(documented_imports()))
def test_a_folder_imports_what_the_table_says(folder: str) -> None:
    assert actual_imports(folder) == documented_imports()[folder]


def test_there_is_an_instruction_for_every_alert() -> None:
    section = (ROOT / "docs/operations.md").read_text().partition("What to do:\n")[2].partition("\n## ")[0]
    instructions = re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)
    assert instructions == alert_names(read_recording("prod", "public"))


def reason_codes(source: str) -> set[str]:
    """The codes of rejections that a module states as literals."""
    codes: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "ImageRejectedError":
                values = node.args[:1]
            elif node.func.id == "RejectionReason":
                values = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
            else:
                continue
            codes |= {
                value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)
            }
    return codes


def test_every_code_of_a_rejection_is_in_the_table_of_reasons() -> None:
    section = (ROOT / "docs/record.md").read_text().partition("## Reasons\n")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE))
    source_texts = [path.read_text() for path in (ROOT / "functions").rglob("*.py")]
    stated = set[str]().union(*map(reason_codes, source_texts))
    assert {"EmptyFile", "BadDimensions", "NotAnImage"} <= stated
    assert stated <= documented
    # The others are constants, or made where a failure is recorded.
    assert {code for code in documented if not any(f'"{code}"' in source for source in source_texts)} == set()


def test_the_function_in_the_document_makes_the_id_of_a_record() -> None:
    code = (ROOT / "docs/record.md").read_text().partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["record_id"]("images", "cat.png") == record_id("images", "cat.png")


FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))


@pytest.mark.parametrize("path", [path for path in FORMS if path.name != "config.yml"], ids=lambda path: path.name)
def test_an_issue_form_has_what_github_requires(path: Path) -> None:
    """https://docs.github.com/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-issue-forms"""
    form = yaml.safe_load(path.read_text())
    assert {"name", "description", "body"} <= form.keys()
    fields = [item for item in form["body"] if item["type"] != "markdown"]
    assert fields
    assert {item["type"] for item in fields} <= {"dropdown", "input", "textarea", "checkboxes"}
    assert all(item["attributes"]["label"] for item in fields)
    assert len({item["id"] for item in fields}) == len(fields)
    assert all(item["attributes"]["options"] for item in fields if item["type"] == "dropdown")


def test_there_are_issue_forms_and_no_blank_issue() -> None:
    assert [path.name for path in FORMS] == ["azure-difference.yml", "bug.yml", "config.yml", "feature.yml"]
    assert yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/config.yml").read_text())["blank_issues_enabled"] is False


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
