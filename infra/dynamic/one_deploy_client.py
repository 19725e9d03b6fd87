"""Client of an app's deployment service (SCM): sends a package and waits for the end of its deployment."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from azure.core.rest import HttpRequest

from infra.dynamic.arm_client import SendRequest, poll_until
from infra.dynamic.replies import Reply, failure_reason, send_once

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


# Of the timeout, for a deployment to appear whose package got no reply.
_SHARE_FOR_LOST_REPLY = 0.05
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
    """A deployment, as `/api/deployments/latest` describes it."""

    id: str
    status: int
    status_text: str
    log_url: str

    @staticmethod
    def from_reply(reply: Reply) -> "_Deployment | None":
        """The deployment in `reply`; None when there is none."""
        match reply.content:
            case {"id": str(number), "status": int(status)} if reply.ok:
                return _Deployment(
                    id=number,
                    status=status,
                    status_text=reply.content.get("status_text") or "",
                    log_url=reply.content.get("log_url") or "",
                )
            case _:
                return None


@dataclass(frozen=True, kw_only=True)
class DeploymentAttempt:
    """Result of one attempt to deploy.

    Attributes:
        problem: Why it failed; empty when it succeeded.
        retryable: Another attempt may succeed.
    """

    problem: str = ""
    retryable: bool = False


class OneDeployClient:
    """Client of the deployment service of one app.

    Args:
        send: Sends a request to the deployment service.
        timeout_seconds: How long the end of a deployment is waited for.
        first_wait_seconds: Seconds between the first two requests for its status.
    """

    def __init__(self, send: SendRequest, *, timeout_seconds: float, first_wait_seconds: float) -> None:
        self._send = send
        self._timeout = timeout_seconds
        self._first_wait = first_wait_seconds

    def deploy(self, package: bytes) -> DeploymentAttempt:
        """Send `package` once and wait for the end of its deployment."""
        latest = self._latest()
        if not latest.ok and latest.status_code != 404:
            return DeploymentAttempt(
                problem=f"the deployment service did not answer{failure_reason(latest, _ACTIONS)}",
                retryable=True,
            )
        previous = _Deployment.from_reply(latest)
        reply = self._send_package(package)
        if reply.status_code == 409:
            # azure-cli ends here as well.
            busy = "another deployment of this app is in progress (wait for its end)"
            return DeploymentAttempt(problem=f"{busy}{failure_reason(reply, _ACTIONS)}")
        if not reply.ok and not (reply.outcome_unknown and self._has_begun(previous)):
            problem = f"the deployment service refused the package{failure_reason(reply, _ACTIONS)}"
            return DeploymentAttempt(problem=problem, retryable=reply.transient)
        return self._wait_for_end(previous)

    def _send_package(self, package: bytes) -> Reply:
        request = HttpRequest(
            "POST",
            "/api/publish",
            params={"RemoteBuild": "false", "Deployer": "pulumi"},
            headers={"Content-Type": "application/zip"},
            content=package,
        )
        return send_once(self._send, request)

    def _has_begun(self, previous: _Deployment | None) -> bool:
        """Whether a deployment has begun although the reply to its package was lost."""
        latest = self._latest_until(
            lambda deployment: _is_new(deployment, previous),
            timeout_seconds=self._timeout * _SHARE_FOR_LOST_REPLY,
        )
        return _is_new(_Deployment.from_reply(latest), previous)

    def _wait_for_end(self, previous: _Deployment | None) -> DeploymentAttempt:
        """Wait for the end of the deployment that came after `previous`."""

        def has_ended(deployment: _Deployment | None) -> bool:
            return deployment is not None and _is_new(deployment, previous) and deployment.status not in _IN_PROGRESS

        latest = self._latest_until(has_ended, timeout_seconds=self._timeout)
        deployment = _Deployment.from_reply(latest)
        if deployment is None or not has_ended(deployment):
            waited = f"no end of the deployment was seen within {self._timeout:.0f} seconds"
            return DeploymentAttempt(problem=f"{waited}{failure_reason(latest, _ACTIONS)}")
        if deployment.status == DeploymentStatus.SUCCESS:
            return DeploymentAttempt()
        log = self._log()
        ending = _ENDINGS.get(deployment.status, f"ended with the unknown status {deployment.status}")
        details = "; ".join(filter(None, (deployment.status_text, log)))
        problem = (
            f"the deployment {deployment.id} {ending}"
            + (f": {details}" if details else "")
            + f". Its log: {deployment.log_url or 'az functionapp log deployment show'}"
        )
        storage_refused = deployment.status == DeploymentStatus.FAILED and bool(_STORAGE_REFUSED.search(details))
        if storage_refused:
            problem += (
                ". The app's identity may not write to the deployment container: it needs Storage Blob Data Owner on"
                " the host's storage account, and a new role assignment can take ten minutes"
            )
        return DeploymentAttempt(problem=problem, retryable=storage_refused)

    def _log(self) -> str:
        """The last messages of the latest deployment's log; the service that keeps it may be recycled soon.

        https://github.com/Azure/azure-functions-core-tools/pull/3404
        """
        reply = send_once(self._send, HttpRequest("GET", "/api/deployments/latest/log"))
        messages = _messages(reply)
        return " | ".join(messages[-5:])[-1000:]

    def _latest(self) -> Reply:
        return send_once(self._send, HttpRequest("GET", "/api/deployments/latest"))

    def _latest_until(self, is_done: Callable[[_Deployment | None], bool], *, timeout_seconds: float) -> Reply:
        return poll_until(
            self._latest,
            lambda reply: is_done(_Deployment.from_reply(reply)),
            timeout_seconds=timeout_seconds,
            first_wait_seconds=self._first_wait,
        )


def _is_new(deployment: _Deployment | None, previous: _Deployment | None) -> bool:
    return deployment is not None and (previous is None or deployment.id != previous.id)


def _messages(reply: Reply) -> list[str]:
    match reply.content:
        case [*entries] if reply.ok:
            return [str(entry["message"]) for entry in entries]
        case _:
            return []
