"""Publisher: deploys a package to one Flex Consumption app, and waits until the app's functions are registered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from azure.core.rest import HttpRequest

from infra.dynamic.arm_client import Send, until
from infra.dynamic.one_deploy_client import DeploymentService
from infra.dynamic.replies import Reply, exchange, reason

# The operations are the same in every stable version since 2018-11-01:
# https://github.com/Azure/azure-rest-api-specs (Microsoft.Web, WebApps_SyncFunctions, WebApps_ListFunctions)
_API_VERSION = "2025-05-01"

# https://learn.microsoft.com/azure/role-based-access-control/permissions/web-and-mobile
_ACTIONS = "Microsoft.Web/sites/host/sync/action and Microsoft.Web/sites/functions/read"

# What an instance lists before it has loaded the app's package:
# https://github.com/Azure/azure-functions-host/issues/11873
_PLACEHOLDER = "WarmUp"

_SAFE = "Running `pulumi up` again is safe: it deploys the package again"


class ReleaseError(Exception):
    """The package was not deployed, or the app's functions are not registered; the text says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class _Registration:
    """What Azure Resource Manager lists after a trigger sync; `refusal` is the answer that was no success."""

    functions: Sequence[str]
    refusal: Reply | None


class Publisher:
    """Deploys packages to one function app.

    Args:
        scm: Sends a request to the app's deployment service (SCM).
        management: Sends a request to Azure Resource Manager.
        timeout_seconds: For how long a step is tried again. Role assignments can take ten minutes to propagate:
            https://learn.microsoft.com/azure/role-based-access-control/troubleshooting#symptom---role-assignment-changes-are-not-being-detected
        first_wait_seconds: The pause before the second try; it doubles, up to 15 seconds.
    """

    def __init__(
        self,
        scm: Send,
        management: Send,
        *,
        timeout_seconds: float = 600,
        first_wait_seconds: float = 1,
    ) -> None:
        self._service = DeploymentService(scm, timeout_seconds=timeout_seconds, first_wait_seconds=first_wait_seconds)
        self._management = management
        self._timeout = timeout_seconds
        self._first_wait = first_wait_seconds

    def publish(self, package: bytes) -> None:
        """Returns once a deployment of `package` has succeeded.

        This is what `az functionapp deployment source config-zip` does on Flex Consumption:
        https://github.com/Azure/azure-cli (enable_zip_deploy_flex).

        Raises:
            ReleaseError: The package was refused, or its deployment ended in another way.
        """
        attempt = self._until(lambda: self._service.deploy(package), lambda attempt: not attempt.again)
        if attempt.problem:
            raise ReleaseError(f"{attempt.problem}. {_SAFE}")

    def check(self, site_id: str, expected: Sequence[str]) -> None:
        """Returns once the app's triggers are synchronized and exactly the `expected` functions are listed.

        The deployment service requests a trigger sync too, and often before an instance has loaded the package: the app
        then lists only a placeholder, and its queue trigger is never started. A sync of one's own, repeated until it
        succeeds, is the remedy: https://github.com/Azure/azure-functions-host/issues/10169,
        https://github.com/Azure/functions-action/issues/373

        Raises:
            ReleaseError: Time is up.
        """
        names = sorted(expected)
        found = self._until(
            lambda: self._register(site_id), lambda found: found.refusal is None and found.functions == names
        )
        if found.refusal is not None or found.functions != names:
            raise ReleaseError(_registration_problem(site_id, names, found, self._timeout))

    def _register(self, site_id: str) -> _Registration:
        version = {"api-version": _API_VERSION}
        sync = HttpRequest("POST", f"{site_id}/host/default/sync", params=version)
        listing = HttpRequest("GET", f"{site_id}/functions", params=version)
        replies = [exchange(self._management, request) for request in (sync, listing)]
        refusal = next((reply for reply in replies if not reply.ok), None)
        return _Registration(functions=_names(replies[1]), refusal=refusal)

    def _until[Answer](self, ask: Callable[[], Answer], done: Callable[[Answer], bool]) -> Answer:
        return until(ask, done, seconds=self._timeout, first_wait=self._first_wait)


def _names(reply: Reply) -> list[str]:
    match reply.content:
        case {"value": [*items]} if reply.ok:
            return sorted(str(item["properties"]["name"]) for item in items)
        case _:
            return []


def _registration_problem(site_id: str, expected: list[str], found: _Registration, seconds: float) -> str:
    missing = [name for name in expected if name not in found.functions]
    surplus = [name for name in found.functions if name not in expected]
    listed = f"{site_id} lists the functions {list(found.functions)} after {seconds:.0f} seconds"
    sentences = [f"{listed} (missing: {missing}, not expected: {surplus})"]
    if list(found.functions) == [_PLACEHOLDER]:
        sentences.append(
            f"It lists only the placeholder {_PLACEHOLDER} because its triggers were not synchronized with the package:"
            " no queue trigger is started until they are (POST <app>/host/default/sync)"
        )
    if found.refusal is not None:
        sentences.append(f"Azure's last refusal{reason(found.refusal, _ACTIONS)}")
    sentences.append(
        "Check the app's traces in Application Insights for errors of the host's start, that host.json declares an"
        " extensionBundle, and that the package holds its dependencies"
    )
    return ". ".join([*sentences, _SAFE])
