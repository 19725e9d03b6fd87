"""The scripts of the pipelines with a Pulumi CLI that prints what a test says.

tests/e2e/test_pipelines.py runs them with a real one.
"""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.fake_code_hosts import RUN_TOKEN, CodeHosts, run_code_hosts

DRIFTED = ROOT / "tests/checks/refresh_preview.json"
PULUMI = """#!/bin/sh
echo "$@" >>"$PULUMI_LOG"
cat "$PULUMI_OUTPUT"
exit "$PULUMI_CODE"
"""


@dataclass(frozen=True, kw_only=True)
class Scripts:
    """Runs scripts in .ci/ as a step of a GitHub workflow does."""

    folder: Path
    code_hosts: CodeHosts

    def run(
        self, script: str, *arguments: str, output: str = "", code: int = 0, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a script.

        Args:
            script: The name of the script.
            arguments: Its arguments.
            output: What the Pulumi CLI prints.
            code: The exit code of the Pulumi CLI.
            variables: Environment variables in addition to those of the step.
        """
        (self.folder / "output").write_text(output)
        environment = {
            **self.code_hosts.github_environment(),
            "GITHUB_TOKEN": RUN_TOKEN,
            "ARM_CLIENT_ID": "client",
            "ARM_TENANT_ID": "tenant",
            "ARM_SUBSCRIPTION_ID": "subscription",
            "PULUMI_BACKEND_URL": "azblob://pulumi-dev",
            "PULUMI_LOG": str(self.folder / "log"),
            "PULUMI_OUTPUT": str(self.folder / "output"),
            "PULUMI_CODE": str(code),
            "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}",
            **variables,
        }
        return subprocess.run(
            [str(ROOT / ".ci" / script), *arguments], env=environment, capture_output=True, text=True, check=False
        )

    @property
    def pulumi_calls(self) -> list[str]:
        """The arguments of each call of the Pulumi CLI."""
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def scripts(tmp_path: Path) -> Iterator[Scripts]:
    """The scripts, with a Pulumi CLI on PATH that prints what a test says."""
    program = tmp_path / "pulumi"
    program.write_text(PULUMI)
    program.chmod(0o755)
    with run_code_hosts() as code_hosts:
        yield Scripts(folder=tmp_path, code_hosts=code_hosts)


def test_drift_becomes_an_issue_and_is_no_failure(scripts: Scripts) -> None:
    result = scripts.run("drift", "dev", str(scripts.folder / "drift"), output=DRIFTED.read_text())
    assert (result.returncode, result.stdout) == (0, "issue 1\n"), result.stderr
    assert scripts.pulumi_calls == ["refresh --stack dev --non-interactive --preview-only --json"]
    assert "`allowSharedKeyAccess`" in scripts.code_hosts.issues[1]["body"]
    assert (scripts.folder / "drift/issue.md").read_text() in scripts.code_hosts.issues[1]["body"]
    assert scripts.run("drift", "dev", str(scripts.folder / "drift"), output='{"steps": []}').returncode == 0
    assert scripts.code_hosts.issues[1]["state"] == "closed"


@pytest.mark.parametrize(
    ("output", "code"),
    [
        pytest.param("", 255, id="nothing is printed"),
        pytest.param('{"diagnostics": [{"message": "expired", "severity": "error"}]}', 255, id="an error is printed"),
        pytest.param('{"steps": []}', 255, id="the refresh fails without a word"),
    ],
)
def test_a_refresh_that_fails_closes_and_opens_no_issue(scripts: Scripts, output: str, code: int) -> None:
    opened = scripts.run("drift", "dev", str(scripts.folder / "drift"), output=DRIFTED.read_text())
    assert opened.returncode == 0, opened.stderr
    failed = scripts.run("drift", "dev", str(scripts.folder / "drift"), output=output, code=code)
    assert failed.returncode == 1
    assert [issue["state"] for issue in scripts.code_hosts.issues.values()] == ["open"]
    assert scripts.code_hosts.issue_comments == []


@pytest.mark.parametrize("approved", ["", "false", "True", "yes"])
def test_a_plan_that_needs_approval_is_refused_before_anything_is_deployed(scripts: Scripts, approved: str) -> None:
    preview = scripts.folder / "preview"
    preview.mkdir()
    (preview / "approval").write_text("required\n")
    result = scripts.run("deploy", "dev", str(preview), str(scripts.folder / "package"), APPROVED=approved)
    assert result.returncode == 1
    assert "error: the plan of dev needs approval" in result.stderr
    assert scripts.pulumi_calls == []


def test_without_a_preview_nothing_is_deployed(scripts: Scripts) -> None:
    result = scripts.run("deploy", "dev", str(scripts.folder / "nowhere"), str(scripts.folder), APPROVED="false")
    assert result.returncode != 0
    assert scripts.pulumi_calls == []


def test_another_package_than_the_one_that_was_built_is_not_deployed(scripts: Scripts) -> None:
    preview, package = scripts.folder / "preview", scripts.folder / "package"
    preview.mkdir()
    package.mkdir()
    (preview / "approval").write_text("not-required\n")
    (package / "functions-0.zip").write_bytes(b"changed")
    (package / "SHA256SUMS").write_text(f"{'0' * 64}  functions-0.zip\n")
    result = scripts.run("deploy", "dev", str(preview), str(package))
    assert result.returncode != 0
    assert f"and {'0' * 64} was built" in result.stderr
    assert scripts.pulumi_calls == []


def test_a_release_of_another_version_is_refused(scripts: Scripts) -> None:
    result = scripts.run("release", "v0.0.0", str(scripts.folder / "release"))
    assert result.returncode != 0
    assert "error: the tag is v0.0.0, not v" in result.stderr
