"""Function apps: the deployment of packages, and a host process for each app with a package."""

import asyncio
import hashlib
import io
import itertools
import json
import logging
import shutil
import signal
import sys
import uuid
import zipfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from emulator.core import process
from emulator.core.faults import Faults, FaultsError
from emulator.core.identity import Identities
from emulator.core.resource_store import Resource, ResourceStore
from emulator.core.state_directory import Ports, StateDirectory, identity_environment, network_environment
from emulator.core.virtual_networks import network_of
from emulator.services.functions.deployments import DEPLOYMENT_FAULTS, DeploymentStatus, PackageDeployment
from emulator.services.functions.function_app_instance import FunctionAppInstance
from emulator.services.functions.packages import PackageError, Packages
from emulator.services.storage.azurite_client import AzuriteClient

_log = logging.getLogger("emulator.function_apps")
_ROOT = Path(__file__).parents[3]
_MAX_RESTART_DELAY_SECONDS = 120


class FunctionAppError(Exception):
    """The package cannot be run."""


class FunctionApps:
    """All deployed function apps."""

    def __init__(
        self,
        state_directory: StateDirectory,
        ports: Ports,
        *,
        resources: ResourceStore,
        identities: Identities,
        azurite_client: AzuriteClient,
        faults: Faults,
        worker_library: Path,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._state_directory = state_directory
        self._ports = ports
        self._resources = resources
        self._identities = identities
        self._packages = Packages(resources, azurite_client)
        self._faults = faults
        self._worker_library = worker_library
        self._sleep = sleep
        self._apps: dict[str, FunctionAppInstance] = {}
        self._deployment_tasks: set[asyncio.Task[None]] = set()

    def get(self, resource_id: str) -> FunctionAppInstance | None:
        """The app with this ARM id, or None."""
        return self._apps.get(resource_id.lower())

    def find_by_host(self, host: str) -> FunctionAppInstance | None:
        """The app with this host name, or whose deployment service has it; or None."""
        resource = self._resources.find_by_name("web:WebApp", host.partition(".")[0])
        if resource is None:
            return None
        return self.get(resource.id)

    async def apply(self, resource: Resource) -> None:
        """Create or update an app, and (re)start its host if the app has a package."""
        marker = self._state_directory.apps / f"{resource.name}.synchronized"
        app = self._apps.setdefault(resource.id.lower(), FunctionAppInstance(resource, marker))
        async with app.lock:
            app.resource = resource
            await self._stop(app)
            try:
                package = await self._packages.read(app.resource)
                if package is not None:
                    await self._start(app, package)
            except (PackageError, FunctionAppError) as error:
                # As on Azure, an app that cannot start is still deployed, and has no functions.
                _log.error("%s: %s", resource.name, error)

    async def remove(self, resource: Resource) -> None:
        """Stop an app and delete its files."""
        app = self._apps.pop(resource.id.lower(), None)
        if app is not None:
            async with app.lock:
                await self._stop(app)
            app.synchronized.unlink(missing_ok=True)
        shutil.rmtree(self._state_directory.apps / resource.name, ignore_errors=True)

    async def stop(self) -> None:
        """Stop the hosts of all apps."""
        await asyncio.gather(*(self._stop(app) for app in self._apps.values()))

    def deploy(self, app: FunctionAppInstance, package: bytes) -> PackageDeployment:
        """Start a deployment and return it. No other deployment of the app may be in progress."""
        deployment = PackageDeployment(id=str(uuid.uuid4()))
        app.latest_deployment = deployment
        task = asyncio.create_task(self._deploy(app, package, deployment))
        self._deployment_tasks.add(task)
        task.add_done_callback(self._deployment_tasks.discard)
        return deployment

    @staticmethod
    def synchronize(app: FunctionAppInstance) -> bool:
        """Start the app's triggers; return False if no host runs that could do it.

        The first sync after a deployment always finds no host: on Azure it makes an instance start.
        """
        is_deploying = app.latest_deployment is not None and not app.latest_deployment.complete
        if is_deploying or app.host_process is None:
            return False
        if app.is_cold:
            app.is_cold = False
            return False
        app.synchronized.touch()
        app.host_process.signal(signal.SIGUSR1)
        return True

    async def _deploy(self, app: FunctionAppInstance, package: bytes, deployment: PackageDeployment) -> None:
        try:
            fault = self._deployment_fault()
        except FaultsError as error:
            _log.error("%s: %s", app.resource.name, error)
            deployment.end(DeploymentStatus.FAILED, str(error))
            return
        if fault is DeploymentStatus.CANCELLED or fault is DeploymentStatus.CONFLICT:
            deployment.end(fault, f"Deployment was cancelled for deployment {deployment.id}.")
            return
        async with app.lock:
            try:
                if not zipfile.is_zipfile(io.BytesIO(package)):
                    raise FunctionAppError("the package is not a zip file")
                await self._packages.write(app.resource, package)
                deployment.log.append("[Kudu-UploadPackageStep] completed. Uploaded package to storage successfully.")
                await self._stop(app)
                app.synchronized.unlink(missing_ok=True)
                app.is_cold = True
                stored_package = await self._packages.read(app.resource)
                assert stored_package is not None
                await self._start(app, stored_package)
            except (PackageError, FunctionAppError) as error:
                _log.error("%s: %s", app.resource.name, error)
                deployment.end(DeploymentStatus.FAILED, str(error))
                return
        if fault is None:
            deployment.end(DeploymentStatus.SUCCESS)
        else:
            # https://github.com/Azure/azure-cli/issues/33184
            message = (
                f"[KuduSpecializer] Kudu has been restarted after package deployed for deployment {deployment.id}."
            )
            deployment.end(fault, message)

    def _deployment_fault(self) -> DeploymentStatus | None:
        """The status that a fault makes the deployment end with, or None."""
        for name, status in DEPLOYMENT_FAULTS.items():
            if self._faults.should_fail(name):
                return status
        return None

    async def _start(self, app: FunctionAppInstance, package: bytes) -> None:
        """Unzips a package, and starts the app's host on it. Raises FunctionAppError."""
        folder = await self._unzip(app, package)
        command = [sys.executable, "-m", "emulator.services.functions.host", str(folder), str(self._worker_library)]
        try:
            app.host_process, output = await process.start(
                f"functions-{app.resource.name}",
                command,
                log=self._state_directory.logs / "functions.log",
                ready={"line": r"^(?:READY|FAILED) (.*)$"},
                environment=self._environment(app),
                folder=_ROOT,
            )
        except process.ProcessError as error:
            raise FunctionAppError(str(error)) from error
        result: dict[str, Any] | str = json.loads(output["line"])
        if isinstance(result, str):
            await self._stop(app)
            raise FunctionAppError(result)
        app.functions = result["functions"]
        app.url = result["url"]
        if app.synchronized.exists():
            app.host_process.signal(signal.SIGUSR1)
        app.watch_task = asyncio.create_task(self._restart_when_ended(app, app.host_process, package))

    async def _unzip(self, app: FunctionAppInstance, package: bytes) -> Path:
        digest = hashlib.sha256(package).hexdigest()[:16]
        folder = self._state_directory.apps / app.resource.name / digest
        if not folder.exists():
            shutil.rmtree(folder.parent, ignore_errors=True)
            temporary = folder.with_suffix(".new")
            with zipfile.ZipFile(io.BytesIO(package)) as archive:
                await asyncio.to_thread(archive.extractall, temporary)
            temporary.rename(folder)
        return folder

    async def _restart_when_ended(
        self, app: FunctionAppInstance, host_process: process.ChildProcess, package: bytes
    ) -> None:
        """Start the host again when it has ended, until it runs.

        A host that does not start is tried again after 1, 2, 4 … 120 seconds, as on Azure: the services that it needs
        at its start may be unavailable (WebJobsScriptHostService.cs and Utility.cs in Azure/azure-functions-host).
        """
        code = await host_process.ended
        _log.error("%s ended with %s; starting it again", host_process.name, code)
        for attempt in itertools.count():
            await self._sleep(min(_MAX_RESTART_DELAY_SECONDS, 2**attempt))
            async with app.lock:
                try:
                    await self._start(app, package)
                except FunctionAppError as error:
                    _log.error("%s does not start again: %s", host_process.name, error)
                else:
                    return

    async def _stop(self, app: FunctionAppInstance) -> None:
        # The task that restarts the host stops what it could not start, and continues.
        if app.watch_task is not None and app.watch_task is not asyncio.current_task():
            app.watch_task.cancel()
            app.watch_task = None
        if app.host_process is not None:
            await app.host_process.stop()
            app.host_process = None
        app.functions = []
        app.url = None

    def _environment(self, app: FunctionAppInstance) -> Mapping[str, str]:
        settings = {item["name"]: item["value"] for item in app.resource.inputs["siteConfig"]["appSettings"]}
        secret = self._identities.app_secret(app.resource.id)
        return {
            **settings,
            **network_environment(self._state_directory, self._ports, _virtual_network(app.resource)),
            **identity_environment(self._ports, secret),
            "WEBSITE_SITE_NAME": app.resource.name,
            "PYTHONDONTWRITEBYTECODE": "1",
        }


def _virtual_network(app: Resource) -> str | None:
    """The name of the virtual network that an app is integrated with, or None."""
    subnet_id: str | None = app.inputs.get("virtualNetworkSubnetId")
    if not subnet_id:
        return None
    return network_of(subnet_id).rpartition("/")[2]
