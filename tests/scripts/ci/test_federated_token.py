"""The sign-in of the pipelines: which token a command gets, and what it does not get."""

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from scripts.ci import federated_token
from scripts.ci.errors import PipelineStepError
from tests.conftest import ROOT
from tests.support.fake_code_hosts import RUN_TOKEN, CodeHosts

IDENTITY = {
    "ARM_CLIENT_ID": "client",
    "ARM_TENANT_ID": "tenant",
    "ARM_SUBSCRIPTION_ID": "subscription",
    "PULUMI_BACKEND_URL": "azblob://pulumi-dev",
    "PATH": os.environ["PATH"],
}
# Prints the environment variables, the token, and the permissions of its file.
PRINT = """
import json, os, pathlib
path = pathlib.Path(os.environ["AZURE_FEDERATED_TOKEN_FILE"])
print(json.dumps({"variables": dict(os.environ), "token": path.read_text(), "mode": path.stat().st_mode & 0o777}))
"""


def run(command: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "scripts.ci.federated_token", "--", *command]
    return subprocess.run(line, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


def printed(variables: dict[str, str]) -> dict[str, object]:
    result = run([sys.executable, "-c", PRINT], variables)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_a_command_on_github_gets_one_token_for_all_that_it_starts(code_hosts: CodeHosts) -> None:
    answer = printed(IDENTITY | code_hosts.github_environment())
    variables = answer["variables"]
    assert isinstance(variables, dict)
    file = variables["AZURE_FEDERATED_TOKEN_FILE"]
    assert answer["token"] == "github-token-1"
    assert answer["mode"] == stat.S_IRUSR | stat.S_IWUSR
    assert code_hosts.audiences == ["api://AzureADTokenExchange"]
    assert {name: variables[name] for name in variables if name.startswith(("ARM_", "AZURE_"))} == {
        "ARM_CLIENT_ID": "client",
        "ARM_TENANT_ID": "tenant",
        "ARM_SUBSCRIPTION_ID": "subscription",
        "ARM_USE_OIDC": "true",
        "ARM_OIDC_TOKEN_FILE_PATH": file,
        "AZURE_CLIENT_ID": "client",
        "AZURE_TENANT_ID": "tenant",
        "AZURE_FEDERATED_TOKEN_FILE": file,
    }
    assert RUN_TOKEN not in variables.values()
    assert not Path(file).exists()


def test_a_command_on_azure_devops_gets_a_token_of_the_service_connection(code_hosts: CodeHosts) -> None:
    variables = IDENTITY | code_hosts.azure_devops_environment() | {"SYSTEM_ACCESSTOKEN": RUN_TOKEN, "idToken": "first"}
    answer = printed(variables)
    assert answer["token"] == "azure-devops-token-1"
    assert isinstance(answer["variables"], dict)
    assert {"SYSTEM_ACCESSTOKEN", "idToken"} & answer["variables"].keys() == set()


def test_without_the_right_to_renew_it_the_token_of_the_task_is_used() -> None:
    assert printed(IDENTITY | {"ARM_OIDC_TOKEN": "of the task"})["token"] == "of the task"


def test_credentials_of_other_kinds_are_not_passed_on() -> None:
    others = {
        "ARM_CLIENT_SECRET": "x",
        "AZURE_CLIENT_SECRET": "x",
        "AZURE_STORAGE_KEY": "x",
        "AZURE_STORAGE_SAS_TOKEN": "x",
        "AZURE_STORAGE_CONNECTION_STRING": "x",
    }
    variables = printed(IDENTITY | {"ARM_OIDC_TOKEN": "token"} | others)["variables"]
    assert isinstance(variables, dict)
    assert variables.keys() & others.keys() == set()
    assert "ARM_OIDC_TOKEN" not in variables


def test_the_exit_code_is_that_of_the_command() -> None:
    assert run(["sh", "-c", "exit 7"], IDENTITY | {"ARM_OIDC_TOKEN": "token"}).returncode == 7


def test_a_fork_without_a_token_is_told_why() -> None:
    result = run(["true"], IDENTITY)
    assert result.returncode == 1
    assert "which a pull request of a fork never gets" in result.stderr.replace("\n", " ")


def test_missing_variables_are_named_together() -> None:
    result = run(["true"], {"PATH": os.environ["PATH"], "ARM_OIDC_TOKEN": "token", "ARM_TENANT_ID": ""})
    assert result.returncode == 1
    assert (
        "missing: ARM_CLIENT_ID, ARM_TENANT_ID, ARM_SUBSCRIPTION_ID, PULUMI_BACKEND_URL (docs/ci.md)" in result.stderr
    )


def test_the_token_is_written_anew_and_a_failure_is_tried_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "token"
    stop = threading.Event()
    answers = ["second", None, "third"]

    def request_token(audience: str) -> str:
        assert audience == "api://AzureADTokenExchange"
        answer = answers.pop(0)
        if not answers:
            stop.set()
        if answer is None:
            raise PipelineStepError("503")
        return answer

    federated_token.renew_token(request_token, path, stop, seconds=0.001)
    assert path.read_text() == "third"
    assert "warning: the OIDC token was not renewed: 503" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_canceled_job_lets_the_command_end_in_an_orderly_way(number: signal.Signals) -> None:
    code = """
import signal, sys
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda received, frame: sys.exit(40 + received))
print("ready", flush=True)
signal.pause()
"""
    line = [sys.executable, "-m", "scripts.ci.federated_token", "--", sys.executable, "-c", code]
    variables = IDENTITY | {"ARM_OIDC_TOKEN": "token"}
    with subprocess.Popen(line, cwd=ROOT, env=variables, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(timeout=20) == 40 + number


PULUMI = """#!/bin/sh
echo "$@" >"$LOG"
cat "${3#file://}" >>"$LOG"
exit "${LOGIN_CODE:-0}"
"""


@pytest.fixture
def pulumi_cloud(tmp_path: Path, code_hosts: CodeHosts) -> dict[str, str]:
    """Variables of a step with the state in Pulumi Cloud, and a command pulumi that logs how it is called."""
    program = tmp_path / "pulumi"
    program.write_text(PULUMI)
    program.chmod(0o755)
    return {
        **IDENTITY,
        **code_hosts.github_environment(),
        "PULUMI_BACKEND_URL": "https://api.pulumi.com",
        "PULUMI_ORGANIZATION": "pictures",
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "LOG": str(tmp_path / "log"),
    }


def test_pulumi_cloud_is_signed_in_to_with_a_token_of_its_own(
    pulumi_cloud: dict[str, str], code_hosts: CodeHosts
) -> None:
    assert run(["true"], pulumi_cloud).returncode == 0
    assert code_hosts.audiences == ["api://AzureADTokenExchange", "urn:pulumi:org:pictures"]
    arguments, token = Path(pulumi_cloud["LOG"]).read_text().split("\n")
    assert arguments.startswith("login --oidc-token file:///")
    assert arguments.endswith(" --oidc-org pictures https://api.pulumi.com")
    assert token == "github-token-2"


def test_a_refused_sign_in_to_pulumi_cloud_stops_the_step(pulumi_cloud: dict[str, str]) -> None:
    result = run(["true"], pulumi_cloud | {"LOGIN_CODE": "3"})
    assert (result.returncode, result.stderr) == (1, "error: pulumi login ended with 3: \n")


def test_pulumi_cloud_needs_an_organization_and_github(pulumi_cloud: dict[str, str]) -> None:
    assert "PULUMI_ORGANIZATION is missing" in run(["true"], pulumi_cloud | {"PULUMI_ORGANIZATION": ""}).stderr
    names = ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    elsewhere = {name: value for name, value in pulumi_cloud.items() if name not in names}
    result = run(["true"], elsewhere | {"ARM_OIDC_TOKEN": "token"})
    assert "Azure DevOps issues tokens for Entra ID only" in result.stderr
