"""The README and the documents of commands: commands, paths and settings exist, and the sample output is real.

Commands that can be run here are run by tests/e2e; the commands of the first steps are run by its first test.
"""

import io
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from checks.docs.commands import read_defaults
from client.image_store import ImageRecord, Upload
from client.results import ClassificationResult, create_table
from client.samples import sample_photos

ROOT = Path(__file__).resolve().parents[1]

README = (ROOT / "README.md").read_text()
COMMANDS = (ROOT / "docs/commands.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join(path.read_text() for path in DOCUMENTS)
MAKEFILE = (ROOT / "Makefile").read_text()
E2E = "".join(path.read_text() for path in (ROOT / "tests/e2e").glob("*.py"))
# Run by CI itself (test, and check as its first half), or about to change the checkout (lock, format).
# `soak` takes half an hour: its outages, and the leases of ten minutes on the messages of a killed host.
# `docs` writes documents; a test compares them (tests/checks/test_docs_blocks.py). setup-dev is what the others begin
# with, setup-ci a step of tests/e2e/test_pipelines.py; judge and histories are old names (below). `prices` asks Azure;
# tests/checks/test_prices.py has a fake of it. `bench-queries` and `bench-endpoints` store 100,000 records first;
# tests/benchmarks/test_shadow.py is `bench-shadow`, and tests/benchmarks/test_search_quality.py runs `search-quality`.
RUN_ELSEWHERE = {
    "test",
    "check",
    "lock",
    "format",
    "clean",
    "soak",
    "simulate-operations",
    "bench-gallery",
    "bench-queries",
    "bench-endpoints",
    "bench-shadow",
    "lint",
    "screenshots",
    "search-quality",
    "docs",
    "setup-ci",
    "setup-dev",
    "judge",
    "histories",
    "prices",
}


def test_the_readme_can_be_read_in_a_few_minutes() -> None:
    assert len(README.splitlines()) <= 150


def named_commands(text: str) -> list[str]:
    """Every make target that a document names, as code or in a block of commands."""
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return sorted(
        {match[1] for line in lines if (match := re.match(r"make ([a-z-]+)", line))}
        | set(re.findall(r"`make ([a-z-]+)", text))
    )


@pytest.mark.parametrize("target", named_commands(TEXT))
def test_every_command_exists_and_is_run(target: str) -> None:
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)
    assert target in RUN_ELSEWHERE or f'make("{target}"' in E2E


def test_the_first_steps_are_in_the_readme() -> None:
    assert {"up", "classify", "down"} <= set(named_commands(README))


def test_every_command_of_the_makefile_that_has_a_description_is_in_the_documents() -> None:
    described = set(re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE)) - {"help"}
    assert {target for target in described if f"`make {target}`" not in COMMANDS} == set()


def test_every_variable_of_the_makefile_is_described_with_its_default() -> None:
    section = COMMANDS.partition("## Variables\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]+)`)? ?\| \S", section, re.MULTILINE)
    defaults = {name: default for name, default in rows if default}
    assert defaults == read_defaults(MAKEFILE)
    assert {name for name, default in rows if not default} == {"IMAGES", "MODULES", "NETWORK"}


def test_every_variable_that_a_make_command_sets_exists() -> None:
    settings = re.findall(r"make [a-z-]+((?: [A-Z_]+=[^\s`]+)+)", TEXT)
    variables = {name for text in settings for name in re.findall(r" ([A-Z_]+)=", text)}
    assert {"STACK", "IMAGES", "FORMAT", "NETWORK"} <= variables
    assert {name for name in variables if f"$({name})" not in MAKEFILE} == set()


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

    def dry_run(target: str) -> list[str]:
        command = ["make", "--dry-run", "--no-print-directory", target, "FORMAT=json", "EXAMPLES=3"]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        ).stdout.splitlines()

    hint, _make, *commands = dry_run(old)
    assert hint == f'echo "make {old} was renamed to make {new}" >&2'
    assert commands == dry_run(new)
    assert commands


# Paths below the checkout that exist only after a command, and names that only look like paths.
NO_FILES = {
    ".build/",
    ".local/",
    ".tools/",
    ".venv/bin",
    ".venv/bin/python",
    "policy/.venv",
    "azure/login",
    "deadletter/",
    "run/faults.json",
    "10.40.0.0/24",
}


def named_paths(document: Path) -> list[str]:
    """Every path that a document names as code, except patterns, ARM ids and resource names."""
    text = re.sub(r"^ *```.*?^ *```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    paths = {
        path
        for path in re.findall(r"`([\w.][\w./-]*)`", text)
        if "/" in path and not path.startswith(("http", "Microsoft.", "images/"))
    }
    return sorted(paths - NO_FILES)


# The other documents have paths of Azure's own, such as role actions; test_docs.py checks their links.
@pytest.mark.parametrize(
    "document",
    [
        path
        for path in DOCUMENTS
        if path.name not in {"deployer-rights.md", "role-assignments.md", "outbound-network.md", "glossary.md"}
    ],
    ids=lambda path: path.name,
)
def test_every_path_exists(document: Path) -> None:
    assert [path for path in named_paths(document) if not (ROOT / path).exists()] == []


def test_every_path_of_the_readme_is_one_of_the_checkout() -> None:
    links = set(re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", README))
    assert len(links) > 10
    assert [path for path in links if not (ROOT / path).exists()] == []


def test_the_files_of_the_sample_commands_are_read_as_the_readme_writes_them() -> None:
    """The shell of the user takes the outer quotes, the shell of make the inner ones."""
    line = next(line for line in README.splitlines() if line.startswith('make classify IMAGES="'))
    _make, _classify, variable = shlex.split(line)
    names = shlex.split(variable.removeprefix("IMAGES="))
    assert names == ["photo.jpg", "my holiday/cat 1.png", "folder"]


def sample(
    name: str, category: str, confidence: float, seconds: float, text: str | None = None
) -> ClassificationResult:
    caption = f'template: a {category}, with the text "{text}"' if text else f"template: a {category}"
    record: ImageRecord = {
        "status": "classified",
        "blob": {"etag": "0x1"},
        "category": {"name": category, "confidence": confidence},
        "caption": {"text": caption},
        "read": [{"text": text}] if text else [],
    }
    upload = Upload(path=Path(name), blob_name=f"samples/{name}")
    return ClassificationResult(upload=upload, blob_name=upload.blob_name, seconds=seconds, record=record, error=None)


# What `make up` printed for four of its photos.
SAMPLES = [
    sample("chelsea.png", "cat", 0.97, 2.0),
    sample("astronaut.png", "person", 0.73, 1.9),
    sample("motorcycle_left.png", "motorcycle", 0.80, 1.9, "YAMAHA"),
    sample("china.jpg", "building", 0.79, 1.9),
]


def test_the_table_of_the_readme_is_what_the_client_prints() -> None:
    printed = io.StringIO()
    Console(width=160, file=printed).print(create_table(SAMPLES))
    assert README.count("┏━") == 1
    assert README.partition("┏")[2].partition("```")[0] == printed.getvalue().removeprefix("┏")


def test_the_photos_of_the_table_are_sample_photos() -> None:
    photos = {path.name for path in sample_photos()}
    assert {result.upload.path.name for result in SAMPLES} <= photos
    assert "Four of the nine:" in README
    assert (len(SAMPLES), len(photos)) == (4, 9)


def test_no_file_names_a_package_host() -> None:
    for path in [
        *ROOT.glob("requirements/*.txt"),
        ROOT / "package-lock.json",
        ROOT / "functions/pipeline/requirements.txt",
    ]:
        assert not re.search(r"https?://(pypi|files\.pythonhosted|registry)", path.read_text()), path.name


# Names in camel case that are no settings: features, fields of the record and of Azure.
NO_SETTINGS = {"denseCaptions", "deploymentType", "recordId", "schemaVersion", "smartCrops"}


@pytest.mark.parametrize(
    "name", ["README.md", "docs/deployment.md", "docs/operations.md", "docs/settings.md", "docs/record.md"]
)
def test_the_settings_that_a_document_names_exist(name: str) -> None:
    schema = set(yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"])
    handwritten = re.sub(r"<!-- generated: .*?<!-- end -->", "", (ROOT / name).read_text(), flags=re.DOTALL)
    named = set(re.findall(r"`([a-z]+(?:[A-Z][a-z]+)+)(?:: \w+)?`", handwritten))
    assert named - NO_SETTINGS <= schema


def test_the_settings_of_each_role_are_in_the_documents() -> None:
    schema = set(yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"])
    named = set(re.findall(r"`([a-z]+(?:[A-Z][a-z]+)*)(?:: \w+)?`", TEXT))
    assert {"uploaders", "operators", "networkAccess", "protectData", "alertEmail"} <= named & schema


@pytest.mark.parametrize("module", sorted(set(re.findall(r"python -m ([a-z_.]+)", TEXT)) - {"pytest"}))
def test_every_python_command_exists(module: str) -> None:
    path = ROOT.joinpath(*module.split("."))
    assert (path / "__main__.py").exists() or path.with_suffix(".py").exists()
