"""Deployments of packages to function apps, in the form of the deployment service (SCM)."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class DeploymentStatus(IntEnum):
    """https://github.com/dotnet/sdk (Publish/Tasks, DeploymentStatus)."""

    CANCELLED = -1
    PENDING = 0
    BUILDING = 1
    DEPLOYING = 2
    FAILED = 3
    SUCCESS = 4
    CONFLICT = 5
    PARTIAL_SUCCESS = 6


# Faults of a deployment by the status that it then ends with: see `emulator.core.faults`.
DEPLOYMENT_FAULTS = {
    "deploymentCancelled": DeploymentStatus.CANCELLED,
    "deploymentConflict": DeploymentStatus.CONFLICT,
    "deploymentPartialSuccess": DeploymentStatus.PARTIAL_SUCCESS,
}


@dataclass(kw_only=True)
class PackageDeployment:
    """One deployment and its log."""

    id: str
    status: DeploymentStatus = DeploymentStatus.BUILDING
    status_text: str = "Building and Deploying"
    log: list[str] = field(default_factory=list[str])

    @property
    def complete(self) -> bool:
        """Whether the deployment has ended."""
        return self.status not in {DeploymentStatus.PENDING, DeploymentStatus.BUILDING, DeploymentStatus.DEPLOYING}

    def end(self, status: DeploymentStatus, text: str = "") -> None:
        """Record how the deployment ended."""
        self.log.append(text or "Finished deployment pipeline.")
        self.status = status
        self.status_text = text

    def description(self, scm_host: str) -> dict[str, Any]:
        """The answer to `GET /api/deployments/latest`.

        https://github.com/projectkudu/kudu/wiki/REST-API#deployment
        """
        return {
            "id": self.id,
            "status": int(self.status),
            "status_text": self.status_text,
            "complete": self.complete,
            "log_url": f"https://{scm_host}/api/deployments/latest/log",
        }

    def entries(self) -> list[dict[str, Any]]:
        """The answer to `GET /api/deployments/latest/log`, without times."""
        return [{"id": self.id, "message": message, "type": 0} for message in self.log]
