"""Publisher: deploys a package to one Flex Consumption app, and waits until the app's functions are registered."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.rest import HttpRequest

from infra.management import Send, describe, until

# The operations are the same in every stable version since 2018-11-01:
# https://github.com/Azure/azure-rest-api-specs (Microsoft.Web, WebApps_SyncFunctions, WebApps_ListFunctions)
_API_VERSION = "2025-05-01"

# https://github.com/projectkudu/kudu/wiki (Azure RBAC permissions)
_PUBLISH_ACTIONS = "Microsoft.Web/sites/publish/Action"
# https://learn.microsoft.com/azure/role-based-access-control/permissions/web-and-mobile
_REGISTRATION_ACTIONS = "Microsoft.Web/sites/host/sync/action and Microsoft.Web/sites/functions/read"

# What an instance lists before it has loaded the app's package:
# https://github.com/Azure/azure-functions-host/issues/11873
_PLACEHOLDER = "WarmUp"

# How the deployment service reports that the app's identity may not write to the deployment container:
# https://github.com/Azure/azure-dev/issues/8026, https://github.com/Azure/azure-functions-core-tools/issues/4346
_STORAGE_REFUSED = re.compile(r"403\s*\(This request is not authorized")

_SAFE = "Running `pulumi up` again is safe: it deploys the package again"


class ReleaseError(Exception):
    """The package was not deployed, or the app's functions are not registered; the text says why and what to do."""


class DeploymentStatus(IntEnum):
    """Status of a deployment, as the deployment service numbers it.

    https://github.com/dotnet/sdk (Publish/Tasks, DeploymentStatus), https://github.com/Azure/azure-functions-core-tools
    (Common/DeployStatus.cs).
    """

    CANCELLED = -1
    PENDING = 0
    BUILDING = 1
    DEPLOYING = 2
    FAILED = 3
    SUCCESS = 4
    CONFLICT = 5
    PARTIAL_SUCCESS = 6


_IN_PROGRESS = frozenset({DeploymentStatus.PENDING, DeploymentStatus.BUILDING, DeploymentStatus.DEPLOYING})
# azure-cli ends with an error on each of these, and so does core-tools on all but a partial success. A partial success
# is commonly a restart of the deployment service after it stored the package, and deploying again the remedy:
# https://github.com/Azure/azure-cli/issues/33184
_ENDINGS: dict[int, str] = {
    DeploymentStatus.CANCELLED: "was cancelled",
    DeploymentStatus.FAILED: "failed",
    DeploymentStatus.CONFLICT: "was cancelled because another deployment of this app is in progress (wait for its end)",
    DeploymentStatus.PARTIAL_SUCCESS: (
        "succeeded only in part: the package is stored, and a later step, such as the restart of the app or the"
        " synchronization of its triggers, was interrupted"
    ),
}


@dataclass(frozen=True, kw_only=True)
class _Reply:
    """The answer to a request, or why there was none (`status_code` 0)."""

    status_code: int
    summary: str
    content: Any = None
    # Whether the service may have acted on the request all the same.
    undecided: bool = False

    @property
    def ok(self) -> bool:
        return 200 <= self.status_code < 300

    @property
    def unauthorized(self) -> bool:
        return self.status_code in {401, 403}

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed later: the app, or a role, is minutes old, or the service is busy."""
        return self.unauthorized or self.status_code in {0, 404, 408, 429} or self.status_code >= 500


@dataclass(frozen=True, kw_only=True)
class _Deployment:
    """One deployment, as `/api/deployments/latest` describes it."""

    id: str
    status: int
    status_text: str
    log_url: str

    @staticmethod
    def of(reply: _Reply) -> "_Deployment | None":
        """The deployment in `reply`; None when there is none."""
        match reply.content:
            case {"id": str(number), "status": int(status)} if reply.ok:
                text, log_url = reply.content.get("status_text"), reply.content.get("log_url")
                return _Deployment(id=number, status=status, status_text=text or "", log_url=log_url or "")
            case _:
                return None


@dataclass(frozen=True, kw_only=True)
class _Attempt:
    """What became of one attempt to deploy: a problem, unless it succeeded, and whether another attempt may help."""

    problem: str = ""
    again: bool = False


@dataclass(frozen=True, kw_only=True)
class _Registration:
    """What Azure Resource Manager lists after a trigger sync; `refusal` is the answer that was no success."""

    functions: Sequence[str]
    refusal: _Reply | None


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
        self._scm = scm
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
        attempt = self._until(lambda: self._attempt(package), lambda attempt: not attempt.again)
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

    def _attempt(self, package: bytes) -> _Attempt:
        latest = self._latest()
        if not latest.ok and latest.status_code != 404:
            return _Attempt(problem=f"the deployment service did not answer{_reason(latest)}", again=True)
        before = _Deployment.of(latest)
        reply = self._send_package(package)
        if reply.status_code == 409:
            # azure-cli ends here as well: the other deployment is none of this program's.
            return _Attempt(problem=f"another deployment of this app is in progress (wait for its end){_reason(reply)}")
        if not reply.ok and not (reply.undecided and self._has_begun(before)):
            refused = f"the deployment service refused the package{_reason(reply)}"
            return _Attempt(problem=refused, again=reply.transient)
        return self._follow(before)

    def _send_package(self, package: bytes) -> _Reply:
        request = HttpRequest(
            "POST",
            "/api/publish",
            params={"RemoteBuild": "false", "Deployer": "pulumi"},
            headers={"Content-Type": "application/zip"},
            content=package,
        )
        return _exchange(self._scm, request)

    def _has_begun(self, before: _Deployment | None) -> bool:
        """Whether a deployment has begun although the answer to its package was lost."""
        return _is_new(_Deployment.of(self._latest_until(lambda found: _is_new(found, before), share=0.05)), before)

    def _follow(self, before: _Deployment | None) -> _Attempt:
        """Waits for the end of the deployment that came after `before`."""

        def ended(found: _Deployment | None) -> bool:
            return found is not None and _is_new(found, before) and found.status not in _IN_PROGRESS

        latest = self._latest_until(ended)
        deployment = _Deployment.of(latest)
        if deployment is None or not ended(deployment):
            return _Attempt(
                problem=f"no end of the deployment was seen within {self._timeout:.0f} seconds{_reason(latest)}"
            )
        if deployment.status == DeploymentStatus.SUCCESS:
            return _Attempt()
        log = self._log()
        ending = _ENDINGS.get(deployment.status, f"ended with the unknown status {deployment.status}")
        details = "; ".join(filter(None, (deployment.status_text, log)))
        problem = (
            f"the deployment {deployment.id} {ending}"
            + (f": {details}" if details else "")
            + f". Its log: {deployment.log_url or 'az functionapp log deployment show'}"
        )
        again = deployment.status == DeploymentStatus.FAILED and bool(_STORAGE_REFUSED.search(details))
        if again:
            problem += (
                ". The app's identity may not write to the deployment container: it needs Storage Blob Data Owner on"
                " the host's storage account, and a new role assignment can take ten minutes"
            )
        return _Attempt(problem=problem, again=again)

    def _log(self) -> str:
        """The last messages of the latest deployment's log: the service that keeps it may be recycled soon.

        https://github.com/Azure/azure-functions-core-tools/pull/3404
        """
        reply = _exchange(self._scm, HttpRequest("GET", "/api/deployments/latest/log"))
        messages = _messages(reply)
        return " | ".join(messages[-5:])[-1000:]

    def _latest(self) -> _Reply:
        return _exchange(self._scm, HttpRequest("GET", "/api/deployments/latest"))

    def _latest_until(self, done: Callable[[_Deployment | None], bool], *, share: float = 1) -> _Reply:
        return until(
            self._latest,
            lambda reply: done(_Deployment.of(reply)),
            seconds=self._timeout * share,
            first_wait=self._first_wait,
        )

    def _register(self, site_id: str) -> _Registration:
        version = {"api-version": _API_VERSION}
        sync = HttpRequest("POST", f"{site_id}/host/default/sync", params=version)
        listing = HttpRequest("GET", f"{site_id}/functions", params=version)
        replies = [_exchange(self._management, request) for request in (sync, listing)]
        refusal = next((reply for reply in replies if not reply.ok), None)
        return _Registration(functions=_names(replies[1]), refusal=refusal)

    def _until[Answer](self, ask: Callable[[], Answer], done: Callable[[Answer], bool]) -> Answer:
        return until(ask, done, seconds=self._timeout, first_wait=self._first_wait)


def _exchange(send: Send, request: HttpRequest) -> _Reply:
    """Sends `request` once. A host name that does not exist yet, or a lost connection, is an answer as well."""
    try:
        response = send(request)
    except ServiceRequestError as error:
        return _Reply(status_code=0, summary=f"nothing could be sent: {error}")
    except ServiceResponseError as error:
        return _Reply(status_code=0, summary=f"the connection ended without an answer: {error}", undecided=True)
    try:
        content = response.json()
    except ValueError:  # an error page, or nothing at all
        content = None
    return _Reply(
        status_code=response.status_code,
        summary=describe(response),
        content=content,
        undecided=response.status_code in {500, 502, 504},
    )


def _is_new(deployment: _Deployment | None, before: _Deployment | None) -> bool:
    return deployment is not None and (before is None or deployment.id != before.id)


def _names(reply: _Reply) -> list[str]:
    match reply.content:
        case {"value": [*items]} if reply.ok:
            return sorted(str(item["properties"]["name"]) for item in items)
        case _:
            return []


def _messages(reply: _Reply) -> list[str]:
    match reply.content:
        case [*entries] if reply.ok:
            return [str(entry["message"]) for entry in entries]
        case _:
            return []


def _reason(reply: _Reply, actions: str = _PUBLISH_ACTIONS) -> str:
    """What the service answered and, when it refused the deployer, which right that lacks."""
    if not reply.unauthorized:
        return f": {reply.summary}"
    return f": {reply.summary}. The deployer needs {actions} on the app, and a new role can take ten minutes"


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
        sentences.append(f"Azure's last refusal{_reason(found.refusal, _REGISTRATION_ACTIONS)}")
    sentences.append(
        "Check the app's traces in Application Insights for errors of the host's start, that host.json declares an"
        " extensionBundle, and that the package holds its dependencies"
    )
    return ". ".join([*sentences, _SAFE])
