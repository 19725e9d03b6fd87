"""The README says nothing that is not so: its commands and paths exist, and those that can be run here are run."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]

README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
E2E = "".join(path.read_text() for path in (ROOT / "tests/e2e").glob("*.py"))
# Run by CI itself (test, and check as its first half), or about to change the checkout (lock).
# `soak` takes half an hour: its outages, and a killed host's messages, which come back when their lease ends.
RUN_ELSEWHERE = {"test", "check", "lock", "clean", "soak"}


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`?make ([a-z]+)", README))))
def test_every_command_exists_and_is_run(target: str) -> None:
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)
    assert target in RUN_ELSEWHERE or f'make("{target}"' in E2E


def test_every_command_of_the_makefile_that_has_a_description_is_in_the_readme() -> None:
    described = set(re.findall(r"^([a-z]+):.*##", MAKEFILE, re.MULTILINE)) - {"help", "format"}
    assert {target for target in described if f"`make {target}`" not in README} == set()


PATHS = {
    found
    for found in re.findall(r"[`(]([\w./-]+)[`)]", README)
    if "/" in found and not found.startswith(("http", "images", "azure/"))
}


@pytest.mark.parametrize("path", sorted(PATHS - {".local/", "deadletter/", ".venv/bin"}))
def test_every_path_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("path", sorted((ROOT / "docs/decisions").glob("*.md")), ids=lambda path: path.name)
def test_every_decision_says_what_why_at_what_cost_and_until_when(path: Path) -> None:
    text = path.read_text()
    assert text.startswith(f"# {path.name[:4]}. ")
    for part in ("**Context.**", "**Decision.**", "**Cost.**", "**What would reverse it.**"):
        assert part in text


def test_no_file_names_a_package_host() -> None:
    for path in [*ROOT.glob("requirements/*.txt"), ROOT / "package-lock.json", ROOT / "functions/requirements.txt"]:
        assert not re.search(r"https?://(pypi|files\.pythonhosted|registry)", path.read_text()), path.name


def test_the_settings_that_the_readme_names_exist() -> None:
    schema = set(yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"])
    named = set(re.findall(r"`([a-z]+(?:[A-Z][a-z]+)+)(?:: \w+)?`", README))
    assert named - {"denseCaptions", "smartCrops"} <= schema  # those two are features
    assert {"uploaders", "networkAccess", "protectData", "alertEmail"} <= schema
