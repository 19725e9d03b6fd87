"""A stack that the last release has deployed: upgraded with a changed setting, rolled back, moved to another backend.

The commands are those of docs/upgrade.md. The emulator of the working tree takes the place of Azure for both: Azure is
not part of a release. The release's program runs with the packages of the working tree's virtual environment.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from checks.plan.data_types import DATA_TYPES
from tests.e2e.conftest import Checkout, copy_working_tree, share_tools
from tests.e2e.test_local_stack import CAT, COFFEE, picture
from tests.support.last_release import VERSION, extract_release

pytestmark = pytest.mark.emulator

STACK = "local"
# What a rollback gets from elsewhere: the tree of the tag and its package are there, and the tools are shared.
PROGRAMS = ("git", "make", "gh")
PROGRAM = """#!/bin/sh
echo "$(basename "$0") $*" >>"$PROGRAM_LOG"
"""
READ_RECORD = """
import json, subprocess, sys
from azure.cosmos import CosmosClient
from azure.identity import DefaultAzureCredential
outputs = json.loads(subprocess.check_output(
    ["pulumi", "stack", "output", "--json", "--stack", "local"], text=True))
images = CosmosClient(outputs["recordsEndpoint"], DefaultAzureCredential()).get_database_client(
    outputs["recordsDatabase"]).get_container_client(outputs["recordsContainer"])
print(json.dumps(images.read_item(sys.argv[1], sys.argv[1])))
"""


def commands(heading: str) -> str:
    """The commands below a heading of docs/upgrade.md."""
    section = (Path(__file__).parents[2] / "docs/upgrade.md").read_text().partition(f"\n## {heading}\n")[2]
    match = re.search(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert match is not None
    return match[1]


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """Two trees that deploy one stack to one emulator.

    Attributes:
        working: The working tree, whose emulator is used.
        release: The tree of the last release.
        programs: Folder with programs that a runner has.
        backend: Value of PULUMI_BACKEND_URL.
    """

    working: Checkout
    release: Checkout
    programs: Path
    backend: str

    def run(self, tree: Checkout, script: str, *arguments: str, **variables: str) -> str:
        """Run commands in a tree with the emulator in place of Azure; returns what they print."""
        dropped = ("PULUMI_", "AZURE_", "ARM_", "MAKE", "MFLAGS", "VIRTUAL_ENV", "PYTHON")
        plain = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        path = [str(self.programs), str(tree.root / ".venv/bin"), plain["PATH"]]
        path += [str(folder) for folder in (tree.root / ".tools").glob("pulumi-*/bin")]
        python = str(self.working.root / ".venv/bin/python")
        # The emulator states a backend of its own, which is one of many here.
        script = f"cd '{tree.root}'; export PULUMI_BACKEND_URL='{self.backend}'\n{script}"
        line = [
            python,
            "-m",
            "emulator",
            "exec",
            "--",
            "bash",
            "-e",
            "-o",
            "pipefail",
            "-c",
            script,
            "bash",
            *arguments,
        ]
        result = subprocess.run(
            line,
            cwd=self.working.root,
            env={
                **plain,
                **variables,
                "PATH": os.pathsep.join(path),
                "PROGRAM_LOG": str(self.programs / "log"),
                "PULUMI_SKIP_CONFIRMATIONS": "true",
                "stack": STACK,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )
        assert result.returncode == 0, f"{script}\n{result.stdout[-4000:]}\n{result.stderr[-4000:]}"
        return result.stdout

    def classify(self, name: str, source: Path) -> dict[str, Any]:
        """Upload a photo, and return its record."""
        picture(self.working.root, name, source)
        printed = self.run(self.working, f"python -m client classify --stack {STACK} --format json -- '{name}'")
        result = json.loads(printed)
        assert result["status"] == "classified"
        return result["record"]

    def read_record(self, record_id: str) -> dict[str, Any]:
        """Read a record from the database."""
        return json.loads(self.run(self.working, 'python -c "$1" "$2"', READ_RECORD, record_id))


def configure(tree: Checkout, **settings: object) -> None:
    """Change settings of the stack; the encryption salt stays."""
    file = tree.root / f"stacks/Pulumi.{STACK}.yaml"
    document = yaml.safe_load(file.read_text())
    document["config"] |= {f"image-pipeline:{name}": value for name, value in settings.items()}
    file.write_text(yaml.safe_dump(document))


def pipeline_digest(tree: Checkout) -> str:
    """The SHA-256 of the pipeline app's package; the last release has no other."""
    lines = [line.split() for line in (tree.root / "package/SHA256SUMS").read_text().splitlines()]
    return next(digest for digest, name in lines if "-api-" not in name)


def encryption(tree: Checkout) -> str | None:
    """The encryption salt in the stack's file."""
    return yaml.safe_load((tree.root / f"stacks/Pulumi.{STACK}.yaml").read_text()).get("encryptionsalt")


def set_encryption(tree: Checkout, document: dict[str, Any], salt: str | None) -> None:
    """Write the stack's file with another encryption salt, or with none."""
    content = {name: value for name, value in document.items() if name != "encryptionsalt"}
    if salt is not None:
        content["encryptionsalt"] = salt
    (tree.root / f"stacks/Pulumi.{STACK}.yaml").write_text(yaml.safe_dump(content))


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """An emulator on which the last release has deployed the stack; its package is in `package`."""
    folder = tmp_path_factory.mktemp("upgrade")
    working = copy_working_tree(folder / "pipeline")
    extract_release(folder / "release")
    release = Checkout(root=folder / "release")
    share_tools(release.root)
    programs = folder / "programs"
    programs.mkdir()
    for name in PROGRAMS:
        (programs / name).write_text(PROGRAM)
        (programs / name).chmod(0o755)
    # From the package index, which is not reachable from the emulator's network.
    for tree in (working, release):
        subprocess.run([".ci/package", "package"], cwd=tree.root, check=True, capture_output=True)
        configure(tree, features=["tags"])
    (folder / "state").mkdir()
    new = Deployment(working=working, release=release, programs=programs, backend=f"file://{folder / 'state'}")
    assert working.emulator("start").returncode == 0
    documents = [yaml.safe_load((tree.root / f"stacks/Pulumi.{STACK}.yaml").read_text()) for tree in (working, release)]
    new.run(release, f"pulumi stack init {STACK} --non-interactive")
    salt = encryption(release)
    for tree, document in zip((working, release), documents, strict=True):
        set_encryption(tree, document, salt)
    new.run(release, f"pulumi up --stack {STACK} --skip-preview")
    yield new
    working.make("clean", check=False)


def test_upgrade_rollback_and_move(deployment: Deployment) -> None:
    working, release = deployment.working, deployment.release
    released_package = pipeline_digest(release)
    digest = f"pulumi stack output packageSha256 --stack {STACK}"
    assert deployment.run(release, digest).strip() == released_package
    first = deployment.classify("before.png", CAT)

    # Upgrade with a changed setting: that setting needs approval, and nothing that holds data is replaced or deleted.
    configure(working, imageRetentionDays=30)
    printed = deployment.run(working, commands("Upgrade"))
    report = read_report(deployment)
    assert [(risk["name"], risk["effect"]) for risk in report["dataRisks"]] == [
        ("images-lifecycle", "deletes blobs below images/ after 30 days, before: never")
    ]
    touched = {change["type"] for change in report["changes"] if change["action"] in {"replace", "delete"}}
    assert not touched & DATA_TYPES.keys()
    assert "**Needs approval:** 1 resource whose data is lost or deleted earlier" in printed
    assert deployment.run(working, digest).strip() == pipeline_digest(working)
    assert deployment.read_record(first["id"])["labels"] == first["labels"]
    second = deployment.classify("after the upgrade.png", COFFEE)
    assert second["category"] is not None

    # Rollback: the release's program with the release's package; what both have written can be read.
    rolled_back = deployment.run(release, commands("Rollback"), tag=f"v{VERSION}")
    assert rolled_back.splitlines()[-1] == released_package
    assert (deployment.programs / "log").read_text().splitlines()[-3:] == [
        f"git switch --detach v{VERSION}",
        "make setup-ci",
        f"gh release download v{VERSION} --dir package --pattern functions-*.zip --pattern SHA256SUMS",
    ]
    assert [deployment.read_record(record["id"])["status"] for record in (first, second)] == ["classified"] * 2
    assert deployment.classify("after the rollback.png", CAT)["category"]["name"] == "cat"

    # The state moves to a backend with another encryption, and the stack is the same.
    old_salt = encryption(release)
    set_encryption(release, yaml.safe_load((release.root / f"stacks/Pulumi.{STACK}.yaml").read_text()), None)
    moved = Path(deployment.backend.removeprefix("file://")).with_name("moved")
    moved.mkdir()
    deployment.run(
        release,
        commands("Move the state"),
        old=deployment.backend,
        new=f"file://{moved}",
        secrets_provider="passphrase",
    )
    assert encryption(release) not in {None, old_salt}
    assert not (release.root / "state.json").exists()
    (state,) = (moved / ".pulumi/stacks").rglob(f"{STACK}.json")
    assert "InstrumentationKey" not in state.read_text()


def read_report(deployment: Deployment) -> dict[str, Any]:
    """The plan of the last preview as JSON."""
    plan = "python -m checks.plan --format json --events events.json preview.json || test $? -eq 3"
    return json.loads(deployment.run(deployment.working, plan))
