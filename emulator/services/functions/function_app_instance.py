"""The state of one function app."""

import asyncio
from pathlib import Path

from emulator.core import process
from emulator.core.resource_store import Resource
from emulator.services.functions.deployments import PackageDeployment

# The function of an instance that has not loaded the app's package:
# https://github.com/Azure/azure-functions-host/issues/11873
_PLACEHOLDER = "WarmUp"


class FunctionAppInstance:
    """One app: its host process, which is restarted when it ends by itself, and its latest deployment.

    Its triggers start when they are synchronized: Azure does not scale an unsynchronized queue trigger from zero. A
    file records the synchronization, because a new host process of the same package needs no new one.
    """

    def __init__(self, resource: Resource, synchronized: Path) -> None:
        self.resource = resource
        self.synchronized = synchronized
        # The functions that the host has loaded; empty while it does not run.
        self.functions: list[str] = []
        # The URL of the HTTP triggers; None while the host does not run.
        self.url: str | None = None
        # No trigger sync was requested since the latest deployment; the first one finds no running instance.
        self.is_cold = False
        self.latest_deployment: PackageDeployment | None = None
        self.host_process: process.ChildProcess | None = None
        self.watch_task: asyncio.Task[None] | None = None
        self.lock = asyncio.Lock()

    @property
    def listed_functions(self) -> list[str]:
        """The functions that Azure Resource Manager lists: a placeholder until the triggers are synchronized."""
        if self.functions and not self.synchronized.exists():
            return [_PLACEHOLDER]
        return self.functions
