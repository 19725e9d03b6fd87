"""The documentation for operators names every resource type that the program deploys, and nothing that is not there."""

import re
from pathlib import Path

import pytest

from policy.known_types import KNOWN_TYPES

ROOT = Path(__file__).resolve().parents[1]
RIGHTS = (ROOT / "docs/deployer-rights.md").read_text()
DOCUMENTS = sorted((ROOT / "docs").rglob("*.md"))


def test_the_rights_of_the_deployer_cover_every_resource_type() -> None:
    rows = {name for line in RIGHTS.splitlines() for name in re.findall(r"`(\w+:\w+)`", line.partition(" | ")[0])}
    assert rows == KNOWN_TYPES


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text()):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_tests_that_documents_name_exist(document: Path) -> None:
    for path in re.findall(r"`(tests/[\w/.]+)`", document.read_text()):
        assert (ROOT / path).exists(), f"{document.name}: {path}"
