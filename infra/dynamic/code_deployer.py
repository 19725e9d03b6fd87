"""Deploys a package to a Flex Consumption app, and waits until the app's functions are registered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from azure.core.rest import HttpRequest

from infra.core.errors import CodeDeploymentError
from infra.dynamic.arm_client import SendRequest, poll_until
from infra.dynamic.one_deploy_client import OneDeployClient
from infra.dynamic.replies import Reply, failure_reason, send_once

# The operations are the same in every stable version since 2018-11-01:
# https://github.com/Azure/azure-rest-api-specs (Microsoft.Web, WebApps_SyncFunctions, WebApps_ListFunctions)
_API_VERSION = "2025-05-01"

# https://learn.microsoft.com/azure/role-based-access-control/permissions/web-and-mobile
_ACTIONS = "Microsoft.Web/sites/host/sync/action and Microsoft.Web/sites/functions/read"

# What an instance lists before it has loaded the app's package:
# https://github.com/Azure/azure-functions-host/issues/11873
_PLACEHOLDER = "WarmUp"

_REMEDY = "Running `pulumi up` again is safe: it deploys the package again"


@dataclass(frozen=True, kw_only=True)
class _Registration:
    """What Azure Resource Manager lists after a trigger sync; `failure` is the first reply that was no success."""

    functions: Sequence[str]
    failure: Reply | None


class CodeDeployer:
    """Deploys packages to one function app.

    Args:
        send_to_scm: Sends a request to the app's deployment service (SCM).
        send_to_arm: Sends a request to Azure Resource Manager.
        timeout_seconds: How long a step is retried. Role assignments can take ten minutes to propagate:
            https://learn.microsoft.com/azure/role-based-access-control/troubleshooting#symptom---role-assignment-changes-are-not-being-detected
        first_wait_seconds: Seconds before the first retry; the wait doubles, up to 15 seconds.
    """

    def __init__(
        self,
        send_to_scm: SendRequest,
        send_to_arm: SendRequest,
        *,
        timeout_seconds: float = 600,
        first_wait_seconds: float = 1,
    ) -> None:
        self._client = OneDeployClient(
            send_to_scm, timeout_seconds=timeout_seconds, first_wait_seconds=first_wait_seconds
        )
        self._send_to_arm = send_to_arm
        self._timeout = timeout_seconds
        self._first_wait = first_wait_seconds

    def deploy(self, package: bytes) -> None:
        """Return once a deployment of `package` has succeeded.

        This is what `az functionapp deployment source config-zip` does on Flex Consumption:
        https://github.com/Azure/azure-cli (enable_zip_deploy_flex).

        Raises:
            CodeDeploymentError: The package was refused, or its deployment ended in another way.
        """
        attempt = self._poll_until(lambda: self._client.deploy(package), lambda attempt: not attempt.retryable)
        if attempt.problem:
            raise CodeDeploymentError(f"{attempt.problem}. {_REMEDY}")

    def wait_for_functions(self, site_id: str, expected: Sequence[str]) -> None:
        """Return once the app's triggers are synchronized and exactly the `expected` functions are listed.

        The deployment service requests a trigger sync too, and often before an instance has loaded the package: the app
        then lists only a placeholder, and its queue trigger is never started. A sync of one's own, repeated until it
        succeeds, is the remedy: https://github.com/Azure/azure-functions-host/issues/10169,
        https://github.com/Azure/functions-action/issues/373

        Raises:
            CodeDeploymentError: The time is up.
        """
        names = sorted(expected)

        def is_complete(registration: _Registration) -> bool:
            return registration.failure is None and registration.functions == names

        registration = self._poll_until(lambda: self._synchronize_triggers(site_id), is_complete)
        if not is_complete(registration):
            raise CodeDeploymentError(_registration_problem(site_id, names, registration, self._timeout))

    def _synchronize_triggers(self, site_id: str) -> _Registration:
        version = {"api-version": _API_VERSION}
        sync = HttpRequest("POST", f"{site_id}/host/default/sync", params=version)
        listing = HttpRequest("GET", f"{site_id}/functions", params=version)
        replies = [send_once(self._send_to_arm, request) for request in (sync, listing)]
        failure = next((reply for reply in replies if not reply.ok), None)
        return _Registration(functions=_function_names(replies[1]), failure=failure)

    def _poll_until[Result](self, poll: Callable[[], Result], is_done: Callable[[Result], bool]) -> Result:
        return poll_until(poll, is_done, timeout_seconds=self._timeout, first_wait_seconds=self._first_wait)


def _function_names(reply: Reply) -> list[str]:
    match reply.content:
        case {"value": [*items]} if reply.ok:
            return sorted(str(item["properties"]["name"]) for item in items)
        case _:
            return []


def _registration_problem(site_id: str, expected: list[str], registration: _Registration, seconds: float) -> str:
    functions = list(registration.functions)
    missing = [name for name in expected if name not in functions]
    unexpected = [name for name in functions if name not in expected]
    listing_problem = f"{site_id} lists the functions {functions} after {seconds:.0f} seconds"
    sentences = [f"{listing_problem} (missing: {missing}, not expected: {unexpected})"]
    if functions == [_PLACEHOLDER]:
        sentences.append(
            f"It lists only the placeholder {_PLACEHOLDER} because its triggers were not synchronized with the package:"
            " no queue trigger is started until they are (POST <app>/host/default/sync)"
        )
    if registration.failure is not None:
        sentences.append(f"Azure's last refusal{failure_reason(registration.failure, _ACTIONS)}")
    sentences.append(
        "Check the app's traces in Application Insights for errors of the host's start, that host.json declares an"
        " extensionBundle, and that the package holds its dependencies"
    )
    return ". ".join([*sentences, _REMEDY])
