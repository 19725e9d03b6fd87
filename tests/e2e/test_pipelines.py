"""Every command of the pipelines of both vendors, in order, against the emulator.

The steps are read from the vendors' files. GitHub and Azure DevOps are fakes on a port of this machine, which issue
OIDC tokens and keep comments and issues. The emulator takes the place of Azure and of the state's storage account; it
does not exchange OIDC tokens, so Azure's libraries use its managed identity. The steps of ci.yml would run this test
again: tests/test_pipelines.py has what they run.
"""

import json
import os
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.installation import cache_key
from tests.e2e.conftest import ROOT, Checkout, copy_working_tree
from tests.support.fake_code_hosts import RUN_TOKEN, CodeHosts, run_code_hosts
from tests.support.pipeline_steps import Step, azure_devops_steps, github_steps

pytestmark = pytest.mark.emulator

STACK = "dev"
ACCOUNT = "azure-native:storage:StorageAccount"
GITHUB_VALUES = {
    "github.token": RUN_TOKEN,
    "github.event.pull_request.number": "7",
    "inputs.stack": STACK,
    "matrix.stack": STACK,
    "vars.AZURE_CLIENT_ID": "00000000-0000-4000-8000-0000000c11e4",
    "vars.AZURE_STORAGE_ACCOUNT": "stimgpipestate",
    "vars.AZURE_SUBSCRIPTION_ID": "00000000-0000-4000-8000-0000000005ab",
    "vars.AZURE_TENANT_ID": "00000000-0000-4000-8000-000000007e4a",
    "vars.PULUMI_BACKEND_URL": "azblob://pulumi-dev",
    "vars.PULUMI_ORGANIZATION": "",
}
# What AzureCLI@2 sets with addSpnToEnvironment.
SERVICE_CONNECTION = {
    "servicePrincipalId": "00000000-0000-4000-8000-0000000c11e4",
    "tenantId": "00000000-0000-4000-8000-000000007e4a",
    "idToken": "first-token",
}
AZ = """#!/bin/sh
test "$*" = "account show --query id --output tsv" || exit 1
echo 00000000-0000-4000-8000-0000000005ab
"""
GH = """#!/bin/sh
printf '%s\\n' "$@" >"$GH_LOG"
"""


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Runs steps as the agents of both vendors do, in one checkout."""

    checkout: Checkout
    code_hosts: CodeHosts
    programs: Path

    @property
    def root(self) -> Path:
        """The folder of the checkout."""
        return self.checkout.root

    def github(self, steps: list[Step], *, check: bool = True) -> str:
        """Run steps of a workflow; returns what the last one printed."""
        variables = {**self.code_hosts.github_environment(), "GITHUB_STEP_SUMMARY": str(self.root / "summary.md")}
        return self._run(steps, variables, check=check)

    def azure_devops(self, steps: list[Step], *, check: bool = True) -> str:
        """Run steps of a pipeline; returns what the last one printed."""
        variables = {
            **self.code_hosts.azure_devops_environment(),
            "PIPELINE_WORKSPACE": str(self.root / "artifacts"),
            # From the variable group of the stack.
            "PULUMI_BACKEND_URL": "azblob://pulumi-dev",
            "AZURE_STORAGE_ACCOUNT": "stimgpipestate",
        }
        return self._run(steps, variables, check=check)

    def _run(self, steps: list[Step], variables: dict[str, str], *, check: bool) -> str:
        printed = ""
        for step in steps:
            environment = {
                **variables,
                **step.variables,
                **(SERVICE_CONNECTION if step.signs_in else {}),
                "GITHUB_REF_NAME": "v" + self.version,
                "BUILD_SOURCEBRANCHNAME": "v" + self.version,
                "GH_LOG": str(self.root / "gh.log"),
                "AZURE_TOKEN_CREDENTIALS": "managedidentitycredential",
            }
            result = self.pulumi_environment("bash", "-e", "-o", "pipefail", "-c", step.command, variables=environment)
            printed = result.stdout + result.stderr
            if check and result.returncode:
                pytest.fail(f"{step.job}: {step.name} ended with {result.returncode}\n{printed[-6000:]}")
            if not check and result.returncode == 0 and step is steps[-1]:
                pytest.fail(f"{step.job}: {step.name} did not fail\n{printed[-3000:]}")
        return printed

    def pulumi_environment(
        self, *command: str, variables: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command with the emulator in place of Azure and of the state's backend."""
        dropped = ("PULUMI_", "AZURE_", "ARM_", "MAKE", "MFLAGS", "VIRTUAL_ENV", "GITHUB_", "ACTIONS_", "SYSTEM_")
        plain = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        path = [str(self.programs), str(self.root / ".venv/bin"), plain["PATH"]]
        path += [str(folder) for folder in (self.root / ".tools").glob("pulumi-*/bin")]
        return subprocess.run(
            [str(self.root / ".venv/bin/python"), "-m", "emulator", "exec", "--", *command],
            cwd=self.root,
            env={**plain, **(variables or {}), "PATH": os.pathsep.join(path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )

    @property
    def version(self) -> str:
        """The version of the project."""
        match = re.search(r'(?m)^version = "(.+)"$', (self.root / "pyproject.toml").read_text())
        assert match is not None
        return match[1]

    def change_behind_pulumi(self, **properties: Any) -> None:
        """Change the storage account of the images in the emulator, as somebody would in the portal."""
        self.checkout.emulator("stop")
        with closing(sqlite3.connect(self.root / ".local/data/resources.db", isolation_level=None)) as database:
            for key, body in database.execute("SELECT key, body FROM resources").fetchall():
                resource = json.loads(body)
                if resource["type"] == ACCOUNT and "data" in resource["id"].rpartition("/")[2]:
                    for side in ("inputs", "outputs"):
                        resource[side] |= properties
                    database.execute("UPDATE resources SET body = ? WHERE key = ?", (json.dumps(resource), key))
        assert self.checkout.emulator("start").returncode == 0

    def create_stack(self) -> None:
        """Create the stack, and add its encryption salt to its file, as docs/ci.md says.

        Pulumi writes the numbers of the file as strings; those lines are restored.
        """
        file = self.root / "stacks" / f"Pulumi.{STACK}.yaml"
        document = yaml.safe_load(file.read_text())
        created = self.pulumi_environment("pulumi", "stack", "init", STACK, "--non-interactive")
        assert created.returncode == 0, created.stderr
        encryption = {"encryptionsalt": yaml.safe_load(file.read_text())["encryptionsalt"]}
        file.write_text(yaml.safe_dump(document | encryption))

    def configure(self, setting: str, value: object) -> None:
        """Change a setting of the stack."""
        file = self.root / "stacks" / f"Pulumi.{STACK}.yaml"
        document = yaml.safe_load(file.read_text())
        document["config"][f"image-pipeline:{setting}"] = value
        file.write_text(yaml.safe_dump(document))

    def comment(self) -> str:
        """The one comment on the pull request on GitHub."""
        (comment,) = self.code_hosts.comments.values()
        return comment["body"]


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """A checkout with an emulator of its own, in which the stack `dev` exists and has no resources."""
    # The first step of most jobs is `make setup-ci`, and the tools are shared with this checkout. It must find the set
    # `dev`, or it would install a smaller one in its place.
    assert (ROOT / ".venv/.installed").read_text() == f"dev {cache_key([ROOT / 'requirements/dev.txt'])}", (
        "run make setup-dev first"
    )
    folder = tmp_path_factory.mktemp("pipelines")
    checkout = copy_working_tree(folder / "pipeline")
    programs = folder / "programs"
    programs.mkdir()
    for name, text in {"az": AZ, "gh": GH}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    # The package's dependencies, from the package index, which is not reachable from the emulator's network.
    subprocess.run([".ci/package", "package"], cwd=checkout.root, check=True, capture_output=True)
    # With the short delays of the emulator, and its user as uploader.
    stacks = checkout.root / "stacks"
    (stacks / f"Pulumi.{STACK}.yaml").write_text((stacks / "Pulumi.local.yaml").read_text())
    with run_code_hosts() as code_hosts:
        new_runner = Runner(checkout=checkout, code_hosts=code_hosts, programs=programs)
        new_runner.configure("features", ["tags"])
        assert checkout.emulator("start").returncode == 0
        new_runner.create_stack()
        yield new_runner
    checkout.make("clean", check=False)


def deploy_steps(*, approved: bool, saved_plan: bool = False) -> list[Step]:
    """The steps of deploy.yml for the stack, as GitHub runs them."""
    values = GITHUB_VALUES | {
        "inputs.approved": str(approved).lower(),
        "vars.APPLY_SAVED_PLAN": str(saved_plan).lower(),
    }
    return [*github_steps("deploy.yml", values), *github_steps("deploy-stack.yml", values)]


def assert_costs(comment: str, *, before: str) -> None:
    """The comment has the cost of a month by meter, and the total before begins with a text."""
    section = comment.partition("### Cost of a month\n")[2].partition("### ")[0]
    assert section.strip().startswith(before)
    # 5,000 images with tags, at 1.00 dollar for a thousand.
    assert re.search(r"^\| `Image Analysis Group 1 Transactions` \| (0|5)\.00 \| 5\.00 \|", section, re.MULTILINE)
    # Two containers of 100 RU/s, 730 hours, 0.012 dollars for 100 RU/s and hour.
    assert re.search(r"^\| `AP1 100 RUs` \| [\d.]+ \| 17\.52 \|", section, re.MULTILINE)


def test_every_step_of_both_vendors_in_order(runner: Runner) -> None:
    code_hosts = runner.code_hosts

    # GitHub: a pull request is previewed and commented on.
    preview = github_steps("preview.yml", GITHUB_VALUES)
    assert [step.job for step in preview] == ["preview", "preview", "comment"]
    runner.github(preview)
    assert code_hosts.audiences[-1] == "api://AzureADTokenExchange"
    assert runner.comment().startswith("<!-- image-pipeline:plan-dev -->\n")
    assert_costs(runner.comment(), before="Nothing before")
    assert (runner.root / "preview/approval").read_text() == "required\n"  # new role assignments

    # GitHub: without an approval nothing is deployed, with one everything is.
    output = runner.github(deploy_steps(approved=False), check=False)
    assert "error: the plan of dev needs approval" in output
    exported = runner.pulumi_environment("pulumi", "stack", "export", "--stack", STACK)
    assert json.loads(exported.stdout)["deployment"].get("resources", []) == []
    deployed = runner.github(deploy_steps(approved=True))
    digest, _, api_digest, _ = (runner.root / "package/SHA256SUMS").read_text().split()
    assert f"\ndev runs the deployment package {digest}\n" in deployed
    assert f"\nthe API app of dev runs the deployment package {api_digest}\n" in deployed
    assert (runner.root / "summary.md").read_text().count("### Cost of a month") == 2

    # GitHub: no drift, then a change behind Pulumi's back, which becomes an issue.
    drift = github_steps("drift.yml", GITHUB_VALUES)
    assert "nothing to resolve" in runner.github(drift)
    runner.change_behind_pulumi(allowSharedKeyAccess=True, etag="0x1")
    assert "issue 1" in runner.github(drift)
    assert code_hosts.issues[1]["title"] == "Drift in the stack dev"
    row = "| `images-account` | `azure-native:storage:StorageAccount` | `allowSharedKeyAccess` | `false` | `true` |"
    assert row in code_hosts.issues[1]["body"]
    assert "issue 1" in runner.github(drift)
    assert len(code_hosts.issues) == 1

    # Azure DevOps: the same drift is a work item; then it is repaired, and both vendors say so.
    values = {"System.AccessToken": RUN_TOKEN, "parameters.approved": "True"}
    azure_drift = [step for step in azure_devops_steps("drift.yml", values) if step.job == "drift_dev"]
    assert "work item 1" in runner.azure_devops(azure_drift)
    assert row in code_hosts.work_items[1]["System.Description"]
    repaired = runner.pulumi_environment("pulumi", "up", "--refresh", "--yes", "--stack", STACK, "--skip-preview")
    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    assert "issue 1" in runner.github(drift)
    assert code_hosts.issues[1]["state"] == "closed"
    assert "work item 1" in runner.azure_devops(azure_drift)
    assert "No drift in the stack" in code_hosts.work_items[1]["System.History"]

    # Azure DevOps: a change of a setting is previewed, commented on and deployed.
    runner.configure("features", ["tags", "read"])
    azure_preview = [step for step in azure_devops_steps("preview.yml", values) if step.job == "preview_dev"]
    runner.azure_devops(azure_preview)
    ((comment,),) = [thread["comments"] for thread in code_hosts.threads]
    assert comment["content"].startswith("<!-- image-pipeline:plan-dev -->\n")
    assert_costs(comment["content"], before="33.")
    # 5,000 images at 1.50 dollars for a thousand.
    assert "| `Image Analysis Group 2 Transactions` | 0.00 | 7.50 | +7.50 |" in comment["content"]
    # Of the app settings, one is a secret.
    features = '| `siteConfig.appSettings.PIPELINE_FEATURES` | `["tags"]` | `["tags", "read"]` |'
    assert features in comment["content"]
    azure_deploy = azure_devops_steps("deploy.yml", values)
    runner.azure_devops([step for step in azure_deploy if step.stage in {"package", "preview_dev"}])
    # What `publish` and `download` do.
    (runner.root / "artifacts").mkdir()
    (runner.root / "package").rename(runner.root / "artifacts/package")
    (runner.root / "preview").rename(runner.root / f"artifacts/preview-{STACK}")
    assert f"dev runs the deployment package {digest}" in runner.azure_devops(
        [step for step in azure_deploy if step.stage == "dev"]
    )

    # GitHub: a saved plan is applied.
    runner.configure("imageRetentionDays", 30)
    runner.github(deploy_steps(approved=True, saved_plan=True))
    assert (runner.root / "preview/update.json").exists()

    # Both: a release.
    changelog = runner.root / "CHANGELOG.md"
    if f"## {runner.version}" not in changelog.read_text():
        changelog.write_text(changelog.read_text().replace("## Unreleased", f"## {runner.version} - 2026-11-28"))
    runner.azure_devops(azure_devops_steps("release.yml", values))
    runner.github(github_steps("release.yml", GITHUB_VALUES))
    arguments = (runner.root / "gh.log").read_text().splitlines()
    assert arguments[:3] == ["release", "create", f"v{runner.version}"]
    suffixes = [Path(name).suffix for name in arguments if name.startswith("release/")]
    assert suffixes == [".md", ".zip", ".zip", "", ".json", ".json"]
    for app, expected, component in (
        ("pipeline", digest, "azure-ai-vision-imageanalysis"),
        ("api", api_digest, "pyjwt"),
    ):
        bill = json.loads((runner.root / f"release/sbom-{app}.cdx.json").read_text())
        assert bill["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": expected}]
        names = {item["name"].lower() for item in bill["components"]}
        assert {"azure-identity", "msgspec", component} <= names
