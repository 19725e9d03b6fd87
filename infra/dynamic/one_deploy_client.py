"""Deployment service: sends a package to an app's deployment service (SCM) and follows its deployment."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from azure.core.rest import HttpRequest

from infra.dynamic.arm_client import Send, until
from infra.dynamic.replies import Reply, exchange, reason

# https://github.com/projectkudu/kudu/wiki (Azure RBAC permissions)
_ACTIONS = "Microsoft.Web/sites/publish/Action"
# How the deployment service reports that the app's identity may not write to the deployment container:
# https://github.com/Azure/azure-dev/issues/8026, https://github.com/Azure/azure-functions-core-tools/issues/4346
_STORAGE_REFUSED = re.compile(r"403\s*\(This request is not authorized")


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
class _Deployment:
    """One deployment, as `/api/deployments/latest` describes it."""

    id: str
    status: int
    status_text: str
    log_url: str

    @staticmethod
    def of(reply: Reply) -> "_Deployment | None":
        """The deployment in `reply`; None when there is none."""
        match reply.content:
            case {"id": str(number), "status": int(status)} if reply.ok:
                text, log_url = reply.content.get("status_text"), reply.content.get("log_url")
                return _Deployment(id=number, status=status, status_text=text or "", log_url=log_url or "")
            case _:
                return None


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What became of one attempt to deploy: a problem, unless it succeeded, and whether another attempt may help."""

    problem: str = ""
    again: bool = False


class DeploymentService:
    """The deployment service of one app, reached with `send`; deployments are followed for `timeout_seconds`."""

    def __init__(self, send: Send, *, timeout_seconds: float, first_wait_seconds: float) -> None:
        self._send = send
        self._timeout = timeout_seconds
        self._first_wait = first_wait_seconds

    def deploy(self, package: bytes) -> Attempt:
        """Sends `package` once and waits for the end of its deployment."""
        latest = self._latest()
        if not latest.ok and latest.status_code != 404:
            return Attempt(problem=f"the deployment service did not answer{reason(latest, _ACTIONS)}", again=True)
        before = _Deployment.of(latest)
        reply = self._send_package(package)
        if reply.status_code == 409:
            # azure-cli ends here as well.
            busy = "another deployment of this app is in progress (wait for its end)"
            return Attempt(problem=f"{busy}{reason(reply, _ACTIONS)}")
        if not reply.ok and not (reply.undecided and self._has_begun(before)):
            refused = f"the deployment service refused the package{reason(reply, _ACTIONS)}"
            return Attempt(problem=refused, again=reply.transient)
        return self._follow(before)

    def _send_package(self, package: bytes) -> Reply:
        request = HttpRequest(
            "POST",
            "/api/publish",
            params={"RemoteBuild": "false", "Deployer": "pulumi"},
            headers={"Content-Type": "application/zip"},
            content=package,
        )
        return exchange(self._send, request)

    def _has_begun(self, before: _Deployment | None) -> bool:
        """Whether a deployment has begun although the answer to its package was lost."""
        return _is_new(_Deployment.of(self._latest_until(lambda found: _is_new(found, before), share=0.05)), before)

    def _follow(self, before: _Deployment | None) -> Attempt:
        """Waits for the end of the deployment that came after `before`."""

        def ended(found: _Deployment | None) -> bool:
            return found is not None and _is_new(found, before) and found.status not in _IN_PROGRESS

        latest = self._latest_until(ended)
        deployment = _Deployment.of(latest)
        if deployment is None or not ended(deployment):
            waited = f"no end of the deployment was seen within {self._timeout:.0f} seconds"
            return Attempt(problem=f"{waited}{reason(latest, _ACTIONS)}")
        if deployment.status == DeploymentStatus.SUCCESS:
            return Attempt()
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
        return Attempt(problem=problem, again=again)

    def _log(self) -> str:
        """The last messages of the latest deployment's log: the service that keeps it may be recycled soon.

        https://github.com/Azure/azure-functions-core-tools/pull/3404
        """
        reply = exchange(self._send, HttpRequest("GET", "/api/deployments/latest/log"))
        messages = _messages(reply)
        return " | ".join(messages[-5:])[-1000:]

    def _latest(self) -> Reply:
        return exchange(self._send, HttpRequest("GET", "/api/deployments/latest"))

    def _latest_until(self, done: Callable[[_Deployment | None], bool], *, share: float = 1) -> Reply:
        return until(
            self._latest,
            lambda reply: done(_Deployment.of(reply)),
            seconds=self._timeout * share,
            first_wait=self._first_wait,
        )


def _is_new(deployment: _Deployment | None, before: _Deployment | None) -> bool:
    return deployment is not None and (before is None or deployment.id != before.id)


def _messages(reply: Reply) -> list[str]:
    match reply.content:
        case [*entries] if reply.ok:
            return [str(entry["message"]) for entry in entries]
        case _:
            return []
