"""The README says nothing that is not so: its commands and paths exist, and those that can be run here are run."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]

README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
E2E = "".join(path.read_text() for path in (ROOT / "tests/e2e").glob("*.py"))
# Run by CI itself (test, and check as its first half), or about to change the checkout (lock).
# `soak` takes half an hour: its outages, and the leases of ten minutes on the messages of a killed host.
# `prices` asks Azure; tests/checks/test_prices.py runs it against a fake.
RUN_ELSEWHERE = {"test", "check", "lock", "clean", "soak", "prices"}


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`?make ([a-z-]+)", README))))
def test_every_command_exists_and_is_run(target: str) -> None:
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)
    assert target in RUN_ELSEWHERE or f'make("{target}"' in E2E


def test_every_command_of_the_makefile_that_has_a_description_is_in_the_readme() -> None:
    described = set(re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE)) - {"help", "format"}
    assert {target for target in described if f"`make {target}`" not in README} == set()


def test_make_help_prints_every_description_whole_and_grouped() -> None:
    described = re.findall(r"^([a-z-]+):.*?## (.+)$", MAKEFILE, re.MULTILINE)
    printed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    commands = [line.split(maxsplit=2) for line in printed if line.startswith("  make ")]
    assert [(target, text) for _make, target, text in commands] == described
    assert len(described) > 15
    groups = [line for line in printed if line and not line.startswith(" ")]
    assert groups == ["Use the pipeline", "Operate a deployed stack", "Develop"]


@pytest.mark.parametrize(("old", "new"), [("judge", "scan"), ("histories", "stateful-test")])
def test_an_old_command_prints_a_hint_and_runs_the_new_one(old: str, new: str) -> None:
    """With --dry-run, make prints what it would run, also in the make that it starts."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}

    def planned(target: str) -> list[str]:
        command = ["make", "--dry-run", "--no-print-directory", target, "FORMAT=json", "EXAMPLES=3"]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        ).stdout.splitlines()

    hint, _make, *commands = planned(old)
    assert hint == f'echo "make {old} was renamed to make {new}" >&2'
    assert commands == planned(new)
    assert commands


PATHS = {
    found
    for found in re.findall(r"[`(]([\w./-]+)[`)]", README)
    if "/" in found and not found.startswith(("http", "images", "azure/"))
}


@pytest.mark.parametrize("path", sorted(PATHS - {".local/", "deadletter/", ".venv/bin"}))
def test_every_path_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_no_file_names_a_package_host() -> None:
    for path in [
        *ROOT.glob("requirements/*.txt"),
        ROOT / "package-lock.json",
        ROOT / "functions/pipeline/requirements.txt",
    ]:
        assert not re.search(r"https?://(pypi|files\.pythonhosted|registry)", path.read_text()), path.name


def test_the_settings_that_the_readme_names_exist() -> None:
    schema = set(yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"])
    named = set(re.findall(r"`([a-z]+(?:[A-Z][a-z]+)+)(?:: \w+)?`", README))
    assert named - {"denseCaptions", "smartCrops"} <= schema  # those two are features
    assert {"uploaders", "networkAccess", "protectData", "alertEmail"} <= schema
