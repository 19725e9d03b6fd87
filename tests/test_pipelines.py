"""The pipelines' files: pinned, with few rights, without secrets, and the same for both vendors."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.support.pipeline_steps import (
    AZURE_PIPELINES,
    WORKFLOWS,
    Step,
    all_azure_devops_steps,
    azure_devops_steps,
    github_steps,
    load,
)

NAMES = ("ci.yml", "preview.yml", "deploy.yml", "drift.yml", "release.yml")
WORKFLOW_FILES = sorted(WORKFLOWS.glob("*.yml"))
AZURE_FILES = sorted(AZURE_PIPELINES.rglob("*.yml"))
# Looked up in the repositories of the actions, as `git rev-list -n 1 <tag>`.
ACTIONS = {
    "actions/checkout": ("3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1"),
    "actions/setup-python": ("5fda3b95a4ea91299a34e894583c3862153e4b97", "v7.0.0"),
    "actions/upload-artifact": ("bbbca2ddaa5d8feaa63e36b76fdaad77386f024f", "v7.0.0"),
    "actions/download-artifact": ("3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c", "v8.0.1"),
}
READ = {"contents": "read"}
SIGNED_IN = {"contents": "read", "id-token": "write"}
# All rights of all jobs.
PERMISSIONS = {
    "ci.yml": {"check": READ, "test": READ},
    "preview.yml": {"preview": SIGNED_IN, "comment": {"contents": "read", "pull-requests": "write"}},
    "deploy.yml": {"package": READ, "dev": SIGNED_IN, "staging": SIGNED_IN, "prod": SIGNED_IN},
    "deploy-stack.yml": {"preview": SIGNED_IN, "deploy": SIGNED_IN},
    "drift.yml": {"drift": SIGNED_IN | {"issues": "write"}},
    "release.yml": {"release": {"contents": "write"}},
}
COMMENT = (
    'python3 -m scripts.ci.publish comment --key "plan-$STACK" --title "Plan of the stack $STACK"'
    " --file preview/comment.md"
)
SAME_REPOSITORY = "github.event.pull_request.head.repo.full_name == github.repository"
GITHUB_VALUES = {
    "github.token": "token",
    "github.event.pull_request.number": "7",
    "inputs.stack": "dev",
    "inputs.approved": "false",
    "matrix.stack": "dev",
    "vars.APPLY_SAVED_PLAN": "",
    "vars.AZURE_CLIENT_ID": "client",
    "vars.AZURE_STORAGE_ACCOUNT": "account",
    "vars.AZURE_SUBSCRIPTION_ID": "subscription",
    "vars.AZURE_TENANT_ID": "tenant",
    "vars.PULUMI_BACKEND_URL": "azblob://pulumi-dev",
    "vars.PULUMI_ORGANIZATION": "",
}
AZURE_VALUES = {"System.AccessToken": "token", "parameters.approved": "False"}


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    return load(path)["jobs"]


@pytest.mark.parametrize("path", WORKFLOW_FILES, ids=lambda path: path.name)
def test_every_action_is_pinned_by_a_commit_that_was_looked_up(path: Path) -> None:
    for line in path.read_text().splitlines():
        if "uses:" in line and "./.github/workflows/" not in line:
            match = re.fullmatch(r" +(?:- )?uses: ([\w/-]+)@([0-9a-f]{40}) # (v[\d.]+)", line)
            assert match is not None, line
            assert ACTIONS[match[1]] == (match[2], match[3])


@pytest.mark.parametrize("path", AZURE_FILES, ids=lambda path: path.name)
def test_azure_devops_uses_microsofts_own_tasks_alone(path: Path) -> None:
    assert set(re.findall(r"task: (\S+)", path.read_text())) <= {"AzureCLI@2", "UsePythonVersion@0"}


def test_the_jobs_have_these_rights_and_no_others() -> None:
    assert {path.name for path in WORKFLOW_FILES} == PERMISSIONS.keys()
    for path in WORKFLOW_FILES:
        assert load(path)["permissions"] == {}, path.name
        assert {name: job["permissions"] for name, job in jobs(path).items()} == PERMISSIONS[path.name]


@pytest.mark.parametrize("path", [*WORKFLOW_FILES, *AZURE_FILES], ids=lambda path: path.name)
def test_no_secret_is_stored_anywhere(path: Path) -> None:
    text = path.read_text()
    assert "secrets" not in text
    assert not re.search(r"(?i)password|access_?key|client_?secret|PULUMI_ACCESS_TOKEN|connection_?string", text)
    assert set(re.findall(r"\$\(([A-Z][\w.]+)\)", text)) <= {"System.AccessToken"}


@pytest.mark.parametrize("path", WORKFLOW_FILES, ids=lambda path: path.name)
def test_no_checkout_on_github_leaves_the_token_behind(path: Path) -> None:
    for job in jobs(path).values():
        for step in job.get("steps", []):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("name", NAMES)
def test_no_checkout_on_azure_devops_leaves_the_token_behind(name: str) -> None:
    checkouts = [step for step in all_azure_devops_steps(name, AZURE_VALUES) if "checkout" in step]
    assert checkouts
    assert all(step["persistCredentials"] is False for step in checkouts)


def test_the_tests_have_the_commit_of_the_last_release() -> None:
    for job in jobs(WORKFLOWS / "ci.yml").values():
        (checkout,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
        assert checkout["with"]["fetch-depth"] == 0
    for job in load(AZURE_PIPELINES / "ci.yml")["jobs"]:
        assert job["steps"][0] == {"template": "templates/checkout.yml", "parameters": {"fetchDepth": 0}}
    (checkout, _python) = load(AZURE_PIPELINES / "templates/checkout.yml")["steps"]
    assert checkout["fetchDepth"] == "${{ parameters.fetchDepth }}"


LINT = [
    "python3.13 scripts/setup.py dev",
    "ruff format --check . && ruff check .",
    "python -m checks.page_modules",
    "actionlint",
    "zizmor --quiet --offline .github",
]
TYPES = ["python3.13 scripts/setup.py dev", "basedpyright"]
CI_COMMANDS = {
    "make check": [*LINT, *TYPES, 'python -m pytest -n 2 --dist loadfile -q -m "not emulator"'],
    ".ci/run": [*LINT, *TYPES, "python -m pytest -n 2 --dist loadfile"],
}


@pytest.mark.parametrize("steps", [github_steps("ci.yml", {}), azure_devops_steps("ci.yml", {})])
def test_the_steps_of_ci_run_every_check_and_every_test(steps: list[Step]) -> None:
    """The steps are run with `make -n`, which prints each command in place of running it.

    Run as they are they would run this test, and themselves, without an end. The commands that they lead to are those
    that whoever runs this test is running: their results are on the same page.
    """
    assert [step.command for step in steps] == [*CI_COMMANDS]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    for step in steps:
        printed = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", step.command],
            cwd=ROOT,
            env=environment | {"MAKEFLAGS": "n"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        # Make itself, the search for Python, and the deployment package, which tests build again.
        other = ("make ", "command -v ", "python -c ")
        assert [line for line in printed if not line.startswith(other)] == CI_COMMANDS[step.command]


def test_forks_get_no_token() -> None:
    for name, job in jobs(WORKFLOWS / "preview.yml").items():
        assert SAME_REPOSITORY in job["if"], name
    for path in WORKFLOW_FILES:
        assert "pull_request_target" not in path.read_text()
    template = load(AZURE_PIPELINES / "templates/preview-job.yml")
    assert template["jobs"][0]["condition"] == "ne(variables['System.PullRequest.IsFork'], 'True')"


@pytest.mark.parametrize("path", WORKFLOW_FILES, ids=lambda path: path.name)
def test_whoever_gets_a_token_of_an_identity_is_named_by_an_environment(path: Path) -> None:
    for job in jobs(path).values():
        if "id-token" in job["permissions"] and "uses" not in job:
            assert re.fullmatch(r"\$\{\{ (matrix|inputs)\.stack \}\}(-preview)?", job["environment"])


def test_only_the_deployment_uses_the_identity_that_may_change_something() -> None:
    changing = {
        (path.name, name)
        for path in WORKFLOW_FILES
        for name, job in jobs(path).items()
        if not job.get("environment", "-preview").endswith("-preview")
    }
    assert changing == {("deploy-stack.yml", "deploy")}
    connections = {
        path.name: set(re.findall(r"azureSubscription: (\S.*)", path.read_text()))
        for path in AZURE_FILES
        if "azureSubscription" in path.read_text()
    }
    assert connections == {
        "preview-steps.yml": {"image-pipeline-${{ parameters.stack }}-preview"},
        "drift-job.yml": {"image-pipeline-${{ parameters.stack }}-preview"},
        "deploy-stages.yml": {"image-pipeline-${{ parameters.stack }}"},
    }


def test_one_deployment_of_a_stack_runs_at_a_time() -> None:
    deploy = jobs(WORKFLOWS / "deploy-stack.yml")["deploy"]
    assert deploy["concurrency"] == {"group": "deploy-${{ inputs.stack }}", "cancel-in-progress": False}
    assert load(AZURE_PIPELINES / "deploy.yml")["lockBehavior"] == "sequential"


def test_the_stacks_follow_each_other_and_only_dev_needs_no_person() -> None:
    stages = jobs(WORKFLOWS / "deploy.yml")
    assert [(name, job.get("needs"), job.get("with", {}).get("stack")) for name, job in stages.items()] == [
        ("package", None, None),
        ("dev", "package", "dev"),
        ("staging", "dev", "staging"),
        ("prod", "staging", "prod"),
    ]
    assert [stages[name]["with"]["approved"] for name in ("staging", "prod")] == [True, True]
    assert stages["dev"]["with"]["approved"] == "${{ inputs.approved == true }}"
    templates = load(AZURE_PIPELINES / "deploy.yml")["stages"][1:]
    assert [stage["parameters"] for stage in templates] == [
        {"stack": "dev", "after": "package", "approved": "${{ parameters.approved }}"},
        {"stack": "staging", "after": "dev", "approved": True},
        {"stack": "prod", "after": "staging", "approved": True},
    ]


@pytest.mark.parametrize("path", WORKFLOW_FILES, ids=lambda path: path.name)
def test_every_job_on_github_ends_in_time(path: Path) -> None:
    for job in jobs(path).values():
        assert "uses" in job or 5 <= job["timeout-minutes"] <= 120


def project_commands(steps: list[Step]) -> list[str]:
    """The commands of the project, without what is one vendor's own and without where artifacts are."""
    lines = [line.strip() for step in steps for line in step.command.splitlines()]
    own = [line for line in lines if re.match(r"(make|\.ci/|python3 -m) ?", line)]
    return [re.sub(r'"\$(PIPELINE_WORKSPACE/)?[A-Z_/]*?(preview|package)?(-\$STACK)?"', r"\2", line) for line in own]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ci.yml", ["make check", ".ci/run"]),
        (
            "preview.yml",
            [
                "make setup-ci",
                ".ci/preview  preview",
                COMMENT,
            ],
        ),
        ("drift.yml", ["make setup-ci", ".ci/drift  drift"]),
        ("release.yml", ["make setup-ci", ".ci/release  release"]),
    ],
)
def test_both_vendors_run_the_same_commands(name: str, expected: list[str]) -> None:
    github = project_commands(github_steps(name, GITHUB_VALUES))
    assert github == expected
    azure_devops = project_commands(azure_devops_steps(name, AZURE_VALUES))
    stacks = 3 if name in {"preview.yml", "drift.yml"} else 1  # a matrix on GitHub
    assert azure_devops == expected * stacks


def test_both_vendors_run_the_same_commands_to_deploy() -> None:
    package = ["make setup-ci", ".ci/package package"]
    stack = ["make setup-ci", ".ci/preview  preview", "make setup-ci", ".ci/deploy  preview package"]
    assert project_commands(github_steps("deploy.yml", GITHUB_VALUES)) == package
    assert project_commands(github_steps("deploy-stack.yml", GITHUB_VALUES)) == stack
    assert project_commands(azure_devops_steps("deploy.yml", AZURE_VALUES)) == package + stack * 3


def test_an_approval_of_a_person_reaches_the_deployment() -> None:
    (deploy,) = [step for step in github_steps("deploy-stack.yml", GITHUB_VALUES) if step.name == "Deploy"]
    assert deploy.variables["APPROVED"] == "false"
    deployments = [step for step in azure_devops_steps("deploy.yml", AZURE_VALUES) if step.name == "Deploy"]
    assert [(step.stage, step.variables["STACK"], step.variables["APPROVED"]) for step in deployments] == [
        ("dev", "dev", "false"),
        ("staging", "staging", "true"),
        ("prod", "prod", "true"),
    ]


@pytest.mark.parametrize("path", sorted((ROOT / ".ci").iterdir()), ids=lambda path: path.name)
def test_the_scripts_are_valid_for_a_plain_shell(path: Path) -> None:
    subprocess.run(["sh", "-n", str(path)], check=True)
    assert path.name == "environment" or path.stat().st_mode & 0o111


def test_the_linters_of_the_workflows_are_part_of_make_check() -> None:
    makefile = (ROOT / "Makefile").read_text()
    recipe = makefile.partition("\nlint: setup-dev\n")[2].partition("\n\n")[0]
    assert [line.strip() for line in recipe.splitlines()][-2:] == ["@actionlint", "@zizmor --quiet --offline .github"]
    assert re.search(r"^check: setup-dev lint ", makefile, re.MULTILINE)


def test_the_commands_of_the_document_are_valid_shell() -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs/ci.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) > 8
    for block in blocks:
        result = subprocess.run(["sh", "-n"], input=block, capture_output=True, text=True, check=False)
        assert (result.returncode, result.stderr) == (0, ""), block
