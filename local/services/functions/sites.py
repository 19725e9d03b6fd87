"""Function apps: the deployment of packages, and a host process for each app that has one."""

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

from local.faults import Faults
from local.gateway.backend import StorageBackend
from local.home import Home, Ports, identity, network
from local.identity import Identities
from local.resources import Resource, Resources
from local.services import process
from local.services.functions.deployments import DEPLOYMENT_FAULTS, DeploymentStatus, PackageDeployment
from local.services.functions.packages import PackageError, Packages
from local.virtual_networks import network_of

_log = logging.getLogger("local.sites")
# The function of an instance that has not loaded the app's package:
# https://github.com/Azure/azure-functions-host/issues/11873
_PLACEHOLDER = "WarmUp"
_LONGEST_RESTART_SECONDS = 120


class SiteError(Exception):
    """The package cannot be run."""


class Site:
    """One app: its host process, restarted when it ends unasked, and its latest deployment.

    Its triggers are started only once they are synchronized: Azure does not scale an unsynchronized queue trigger from
    zero. That they are is kept in a file, because a new host process of the same package needs no new sync.
    """

    def __init__(self, resource: Resource, synchronized: Path) -> None:
        self.resource = resource
        # The functions that its host has found, while it runs.
        self.functions: list[str] = []
        self.synchronized = synchronized
        # Since the latest deployment no sync was requested; the first one finds no running instance.
        self.cold = False
        # Where its HTTP functions answer, while it runs.
        self.url: str | None = None
        self.latest: PackageDeployment | None = None
        self.child: process.Child | None = None
        self.watching: asyncio.Task[None] | None = None
        self.lock = asyncio.Lock()

    @property
    def listed(self) -> list[str]:
        """The functions that Azure Resource Manager lists; only a placeholder's until the triggers are synchronized."""
        return self.functions if self.synchronized.exists() or not self.functions else [_PLACEHOLDER]


class Sites:
    """All deployed function apps."""

    def __init__(
        self,
        home: Home,
        ports: Ports,
        *,
        resources: Resources,
        identities: Identities,
        backend: StorageBackend,
        faults: Faults,
        worker_library: Path,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._home = home
        self._ports = ports
        self._resources = resources
        self._identities = identities
        self._packages = Packages(resources, backend)
        self._faults = faults
        self._worker_library = worker_library
        self._sleep = sleep
        self._sites: dict[str, Site] = {}
        self._deploying: set[asyncio.Task[None]] = set()

    def get(self, resource_id: str) -> Site | None:
        """The app with this ARM id."""
        return self._sites.get(resource_id.lower())

    def of_host(self, host: str) -> Site | None:
        """The app whose host name, or whose deployment service's, this is."""
        resource = self._resources.named("web:WebApp", host.partition(".")[0])
        return self.get(resource.id) if resource else None

    async def apply(self, resource: Resource) -> None:
        """Brings an app in line with its settings: it is (re)started if it has a package."""
        marker = self._home.apps / f"{resource.name}.synchronized"
        site = self._sites.setdefault(resource.id.lower(), Site(resource, marker))
        async with site.lock:
            site.resource = resource
            await self._stop(site)
            try:
                package = await self._packages.stored(site.resource)
                if package is not None:
                    await self._run(site, package)
            except (PackageError, SiteError) as error:
                # As on Azure, an app that cannot start is still deployed; whoever lists its functions finds none.
                _log.error("%s: %s", resource.name, error)

    async def remove(self, resource: Resource) -> None:
        """Stops an app for good."""
        site = self._sites.pop(resource.id.lower(), None)
        if site is not None:
            async with site.lock:
                await self._stop(site)
            site.synchronized.unlink(missing_ok=True)
        shutil.rmtree(self._home.apps / resource.name, ignore_errors=True)

    async def stop(self) -> None:
        """Stops every app."""
        await asyncio.gather(*(self._stop(site) for site in self._sites.values()))

    def publish(self, site: Site, package: bytes) -> PackageDeployment:
        """Begins a deployment and gives it; no other deployment of the app may be in progress."""
        deployment = PackageDeployment(id=str(uuid.uuid4()))
        site.latest = deployment
        task = asyncio.create_task(self._deploy(site, package, deployment))
        self._deploying.add(task)
        task.add_done_callback(self._deploying.discard)
        return deployment

    @staticmethod
    def synchronize(site: Site) -> bool:
        """Starts the app's triggers and lists its functions; False while there is no running host to do it.

        The first sync after a deployment always finds none: on Azure an instance starts because of it.
        """
        deploying = site.latest is not None and not site.latest.complete
        if deploying or site.child is None:
            return False
        if site.cold:
            site.cold = False
            return False
        site.synchronized.touch()
        site.child.signal(signal.SIGUSR1)
        return True

    async def _deploy(self, site: Site, package: bytes, deployment: PackageDeployment) -> None:
        fault = next((status for name, status in DEPLOYMENT_FAULTS.items() if self._faults.strikes(name)), None)
        if fault in {DeploymentStatus.CANCELLED, DeploymentStatus.CONFLICT}:
            deployment.end(fault, f"Deployment was cancelled for deployment {deployment.id}.")
            return
        async with site.lock:
            try:
                if not zipfile.is_zipfile(io.BytesIO(package)):
                    raise SiteError("the package is not a zip file")
                await self._packages.store(site.resource, package)
                deployment.log.append("[Kudu-UploadPackageStep] completed. Uploaded package to storage successfully.")
                await self._stop(site)
                site.synchronized.unlink(missing_ok=True)
                site.cold = True
                stored = await self._packages.stored(site.resource)
                assert stored is not None
                await self._run(site, stored)
            except (PackageError, SiteError) as error:
                _log.error("%s: %s", site.resource.name, error)
                deployment.end(DeploymentStatus.FAILED, str(error))
                return
        if fault is None:
            deployment.end(DeploymentStatus.SUCCESS)
        else:
            # https://github.com/Azure/azure-cli/issues/33184
            restarted = (
                f"[KuduSpecializer] Kudu has been restarted after package deployed for deployment {deployment.id}."
            )
            deployment.end(fault, restarted)

    async def _run(self, site: Site, package: bytes) -> None:
        """Starts the host on an unzipped `package`. Raises SiteError."""
        digest = hashlib.sha256(package).hexdigest()[:16]
        folder = self._home.apps / site.resource.name / digest
        if not folder.exists():
            shutil.rmtree(folder.parent, ignore_errors=True)
            temporary = folder.with_suffix(".new")
            with zipfile.ZipFile(io.BytesIO(package)) as archive:
                await asyncio.to_thread(archive.extractall, temporary)
            temporary.rename(folder)
        command = [sys.executable, "-m", "local.services.functions.host", str(folder), str(self._worker_library)]
        try:
            site.child, said = await process.start(
                f"functions-{site.resource.name}",
                command,
                log=self._home.logs / "functions.log",
                ready={"line": r"^(?:READY|FAILED) (.*)$"},
                environment=self._environment(site),
                folder=Path(__file__).parents[3],
            )
        except process.ProcessError as error:
            raise SiteError(str(error)) from error
        answer: dict[str, Any] | str = json.loads(said["line"])
        if isinstance(answer, str):
            await self._stop(site)
            raise SiteError(answer)
        site.functions, site.url = answer["functions"], answer["url"]
        if site.synchronized.exists():
            site.child.signal(signal.SIGUSR1)
        site.watching = asyncio.create_task(self._restart_when_ended(site, site.child, package))

    async def _restart_when_ended(self, site: Site, child: process.Child, package: bytes) -> None:
        """Starts the host again when it has ended, until it runs.

        A host that does not start is tried again after 1, 2, 4 … 120 seconds, as on Azure: the services that it needs
        at its start may have an outage (WebJobsScriptHostService.cs and Utility.cs in Azure/azure-functions-host).
        """
        code = await child.ended
        _log.error("%s ended with %s; starting it again", child.name, code)
        for attempt in itertools.count():
            await self._sleep(min(_LONGEST_RESTART_SECONDS, 2**attempt))
            async with site.lock:
                try:
                    await self._run(site, package)
                except SiteError as error:
                    _log.error("%s does not start again: %s", child.name, error)
                else:
                    return

    async def _stop(self, site: Site) -> None:
        # A restart stops what it could not start, and goes on.
        if site.watching is not None and site.watching is not asyncio.current_task():
            site.watching.cancel()
            site.watching = None
        if site.child is not None:
            await site.child.stop()
            site.child = None
        site.functions, site.url = [], None

    def _environment(self, site: Site) -> Mapping[str, str]:
        settings = {item["name"]: item["value"] for item in site.resource.inputs["siteConfig"]["appSettings"]}
        secret = self._identities.site_secret(site.resource.id)
        return {
            **settings,
            **network(self._home, self._ports, _virtual_network(site.resource)),
            **identity(self._ports, secret),
            "WEBSITE_SITE_NAME": site.resource.name,
            "PYTHONDONTWRITEBYTECODE": "1",
        }


def _virtual_network(site: Resource) -> str | None:
    """The name of the network that an app is integrated with."""
    subnet_id: str | None = site.inputs.get("virtualNetworkSubnetId")
    return network_of(subnet_id).rpartition("/")[2] if subnet_id else None
