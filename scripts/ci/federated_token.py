"""Runs a command that is signed in to Azure by the pipeline's OIDC token: no secret is stored anywhere.

    python -m scripts.ci.federated_token -- pulumi up --stack prod --yes

One token file serves all that the command starts, because they read different variables:

- azure-native reads ARM_CLIENT_ID, ARM_TENANT_ID, ARM_SUBSCRIPTION_ID, ARM_USE_OIDC and ARM_OIDC_TOKEN_FILE_PATH;
- Pulumi's `azblob://` backend, its `azurekeyvault://` secrets provider and the program's dynamic providers use Azure's
  default credential, which reads AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_FEDERATED_TOKEN_FILE.

A token of GitHub lives five minutes, one of Azure DevOps ten, and an update may take longer: the file is written anew
every three minutes while the command runs. The pipeline's right to request tokens is not passed to the command.

Where the state is kept is PULUMI_BACKEND_URL. With Pulumi Cloud (https://...) a second token, for the organization
PULUMI_ORGANIZATION, is exchanged for access to it.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

from scripts.ci.errors import PipelineStepError
from scripts.ci.http import request_json

ENTRA_AUDIENCE = "api://AzureADTokenExchange"
_RENEW_SECONDS = 180
# Credentials of another kind, each of which Azure's libraries or Pulumi prefer to the token file; and the pipeline's
# right to request tokens, which the program that is deployed has no use for.
_REMOVED_VARIABLES = (
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ARM_CLIENT_SECRET",
    "ARM_OIDC_TOKEN",
    "AZURE_CLIENT_SECRET",
    "AZURE_STORAGE_CONNECTION_STRING",
    "AZURE_STORAGE_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "SYSTEM_ACCESSTOKEN",
    "idToken",
)
_REQUIRED_VARIABLES = ("ARM_CLIENT_ID", "ARM_TENANT_ID", "ARM_SUBSCRIPTION_ID", "PULUMI_BACKEND_URL")

RequestToken = Callable[[str], str]


def token_source(variables: Mapping[str, str]) -> RequestToken:
    """Return the function that requests an OIDC token for an audience from the pipeline's vendor.

    Args:
        variables: The environment variables of the pipeline's step.

    Raises:
        PipelineStepError: No vendor's variables are there.
    """
    if "ACTIONS_ID_TOKEN_REQUEST_URL" in variables:
        return lambda audience: _request_github_token(variables, audience)
    if "SYSTEM_OIDCREQUESTURI" in variables and variables.get("SYSTEM_ACCESSTOKEN"):
        return lambda audience: _request_azure_devops_token(variables, audience)
    if variables.get("ARM_OIDC_TOKEN"):
        return lambda audience: _fixed_token(variables, audience)
    raise PipelineStepError(
        "no OIDC token can be requested. GitHub Actions: the job needs the permission `id-token: write`, which a pull"
        " request of a fork never gets. Azure DevOps: the step needs SYSTEM_ACCESSTOKEN and the task AzureCLI@2 with"
        " addSpnToEnvironment"
    )


def _request_github_token(variables: Mapping[str, str], audience: str) -> str:
    # https://docs.github.com/actions/reference/security/oidc
    url = f"{variables['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={urllib.parse.quote(audience, safe='')}"
    return request_json("GET", url, token=variables["ACTIONS_ID_TOKEN_REQUEST_TOKEN"])["value"]


def _request_azure_devops_token(variables: Mapping[str, str], audience: str) -> str:
    # https://learn.microsoft.com/rest/api/azure/devops/distributedtask/oidctoken/create
    _check_audience(audience)
    connection = variables["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"]
    url = f"{variables['SYSTEM_OIDCREQUESTURI']}?api-version=7.1&serviceConnectionId={connection}"
    return request_json("POST", url, token=variables["SYSTEM_ACCESSTOKEN"], body={})["oidcToken"]


def _fixed_token(variables: Mapping[str, str], audience: str) -> str:
    _check_audience(audience)
    return variables["ARM_OIDC_TOKEN"]


def _check_audience(audience: str) -> None:
    if audience != ENTRA_AUDIENCE:
        raise PipelineStepError(
            f"Azure DevOps issues tokens for Entra ID only, not for {audience}: keep the state in a storage account"
        )


def command_environment(variables: Mapping[str, str], token_file: Path) -> dict[str, str]:
    """Return the environment variables of a command that is signed in by a token file.

    Args:
        variables: The environment variables of the pipeline's step.
        token_file: The file with the OIDC token.

    Raises:
        PipelineStepError: Variables are missing; the message names all of them.
    """
    missing = [name for name in _REQUIRED_VARIABLES if not variables.get(name)]
    if missing:
        raise PipelineStepError(f"these variables are missing: {', '.join(missing)} (docs/ci.md)")
    remaining = {name: value for name, value in variables.items() if name not in _REMOVED_VARIABLES}
    return {
        **remaining,
        "ARM_USE_OIDC": "true",
        "ARM_OIDC_TOKEN_FILE_PATH": str(token_file),
        "AZURE_CLIENT_ID": variables["ARM_CLIENT_ID"],
        "AZURE_TENANT_ID": variables["ARM_TENANT_ID"],
        "AZURE_FEDERATED_TOKEN_FILE": str(token_file),
    }


def write_token(path: Path, token: str) -> None:
    """Replace the token file in one step, so that a reader never gets half a token; only its owner can read it."""
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(token)
    new.replace(path)


def renew_token(request_token: RequestToken, path: Path, stop: threading.Event, *, seconds: float) -> None:
    """Write the token file anew every so many seconds until `stop` is set.

    A failed renewal is printed and tried again: what the command has been issued stays valid meanwhile.
    """
    while not stop.wait(seconds):
        try:
            write_token(path, request_token(ENTRA_AUDIENCE))
        except PipelineStepError as error:
            print(f"warning: the OIDC token was not renewed: {error}", file=sys.stderr)


def sign_in_to_pulumi_cloud(request_token: RequestToken, environment: Mapping[str, str], folder: Path) -> None:
    """Exchange an OIDC token for access to Pulumi Cloud, if that is where the state is kept.

    Raises:
        PipelineStepError: No organization is set, or Pulumi Cloud does not accept the token.
    """
    backend = environment["PULUMI_BACKEND_URL"]
    if not backend.startswith(("http://", "https://")):
        return
    organization = environment.get("PULUMI_ORGANIZATION")
    if not organization:
        raise PipelineStepError("PULUMI_ORGANIZATION is missing, which a state in Pulumi Cloud needs (docs/ci.md)")
    token_file = folder / "pulumi-cloud-token"
    write_token(token_file, request_token(f"urn:pulumi:org:{organization}"))
    command = ["pulumi", "login", "--oidc-token", f"file://{token_file}", "--oidc-org", organization, backend]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    token_file.unlink()
    if result.returncode:
        raise PipelineStepError(f"pulumi login ended with {result.returncode}: {result.stderr.strip()}")


def run_signed_in(command: Sequence[str], variables: Mapping[str, str], *, renew_seconds: float) -> int:
    """Run a command that is signed in to Azure, and return its exit code.

    Args:
        command: The program and its arguments.
        variables: The environment variables of the pipeline's step.
        renew_seconds: How often the token file is written anew.

    Raises:
        PipelineStepError: The sign-in is not possible; the command was not started.
    """
    request_token = token_source(variables)
    with tempfile.TemporaryDirectory(prefix="federated-token-") as folder:
        token_file = Path(folder) / "token"
        environment = command_environment(variables, token_file)
        write_token(token_file, request_token(ENTRA_AUDIENCE))
        sign_in_to_pulumi_cloud(request_token, environment, Path(folder))
        stop = threading.Event()
        renewal = threading.Thread(
            target=renew_token, args=(request_token, token_file, stop), kwargs={"seconds": renew_seconds}, daemon=True
        )
        with subprocess.Popen(command, env=environment) as process:

            def forward(number: int, _frame: FrameType | None) -> None:
                process.send_signal(number)

            # A canceled job gets a signal; Pulumi ends its update in an orderly way if it gets it too.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, forward)
            renewal.start()
            code = process.wait()
        stop.set()
        renewal.join()
    return code


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.ci.federated_token",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", nargs="+", help="the command, after `--`")
    arguments = parser.parse_args()
    try:
        return run_signed_in(arguments.command, os.environ, renew_seconds=_RENEW_SECONDS)
    except PipelineStepError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
