"""Function apps: the deployment of packages, and a host process for each app that has one."""

import asyncio
import hashlib
import io
import json
import logging
import shutil
import sys
import uuid
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local.authorization import Authorization
from local.gateway.backend import StorageBackend
from local.home import Home, Ports, identity, network
from local.identity import Identities
from local.resources import Resource, Resources
from local.services import process
from local.virtual_networks import has_private_path, is_closed, network_of

_log = logging.getLogger("local.sites")
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
# The file that the platform keeps the current package in:
# https://learn.microsoft.com/azure/azure-functions/functions-infrastructure-as-code#deployment-sources
_PACKAGE = "released-package.zip"
_BUSY, _FAILED, _SUCCEEDED = 1, 3, 4


class SiteError(Exception):
    """The package cannot be stored, read or run."""


class Site:
    """One app: its host process, restarted when it ends unasked, and its latest deployment."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.functions: list[str] = []
        # Where its HTTP functions answer, while it runs.
        self.url: str | None = None
        self.latest: dict[str, Any] | None = None
        self.child: process.Child | None = None
        self.watching: asyncio.Task[None] | None = None
        self.lock = asyncio.Lock()


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
        worker_library: Path,
    ) -> None:
        self._home = home
        self._ports = ports
        self._resources = resources
        self._authorization = Authorization(resources)
        self._identities = identities
        self._backend = backend
        self._worker_library = worker_library
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
        site = self._sites.setdefault(resource.id.lower(), Site(resource))
        async with site.lock:
            site.resource = resource
            await self._stop(site)
            try:
                package = await self._stored_package(site)
                if package is not None:
                    await self._run(site, package)
            except SiteError as error:
                # As on Azure, an app that cannot start is still deployed; whoever lists its functions finds none.
                _log.error("%s: %s", resource.name, error)

    async def remove(self, resource: Resource) -> None:
        """Stops an app for good."""
        site = self._sites.pop(resource.id.lower(), None)
        if site is not None:
            await self._stop(site)
        shutil.rmtree(self._home.apps / resource.name, ignore_errors=True)

    async def stop(self) -> None:
        """Stops every app."""
        await asyncio.gather(*(self._stop(site) for site in self._sites.values()))

    def publish(self, site: Site, package: bytes) -> str:
        """Begins a deployment and gives its id; `site.latest` tells what becomes of it."""
        deployment = str(uuid.uuid4())
        site.latest = {"id": deployment, "status": _BUSY, "status_text": "Building and Deploying", "complete": False}
        task = asyncio.create_task(self._deploy(site, package, deployment))
        self._deploying.add(task)
        task.add_done_callback(self._deploying.discard)
        return deployment

    async def _deploy(self, site: Site, package: bytes, deployment: str) -> None:
        result = {"id": deployment, "status": _SUCCEEDED, "status_text": "", "complete": True}
        async with site.lock:
            try:
                if not zipfile.is_zipfile(io.BytesIO(package)):
                    raise SiteError("the package is not a zip file")
                await self._store_package(site, package)
                await self._stop(site)
                stored = await self._stored_package(site)
                assert stored is not None
                await self._run(site, stored)
            except SiteError as error:
                _log.error("%s: %s", site.resource.name, error)
                result |= {"status": _FAILED, "status_text": str(error)}
        site.latest = result

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
        site.watching = asyncio.create_task(self._restart_when_ended(site, site.child, package))

    async def _restart_when_ended(self, site: Site, child: process.Child, package: bytes) -> None:
        code = await child.ended
        _log.error("%s ended with %s; starting it again", child.name, code)
        await asyncio.sleep(1)  # an app that ends at once must not keep a core busy
        site.watching = None
        async with site.lock:
            try:
                await self._run(site, package)
            except SiteError as error:
                _log.error("%s does not start again: %s", child.name, error)

    async def _stop(self, site: Site) -> None:
        if site.watching is not None:
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

    async def _store_package(self, site: Site, package: bytes) -> None:
        account, path, principal, scope = self._package_place(site)
        if not self._authorization.allows(principal, f"{_BLOBS}/write", scope):
            raise SiteError(f"403: the app's identity {principal} may not write the package to {scope}")
        headers = {"x-ms-blob-type": "BlockBlob", "Content-Type": "application/zip"}
        async with self._backend.request("blob", account, "PUT", path, headers=headers, body=package) as response:
            if response.status != 201:
                raise SiteError(f"the package was not stored: {response.status} {(await response.text())[:300]}")

    async def _stored_package(self, site: Site) -> bytes | None:
        account, path, principal, scope = self._package_place(site)
        if not self._authorization.allows(principal, f"{_BLOBS}/read", scope):
            raise SiteError(f"403: the app's identity {principal} may not read the package from {scope}")
        async with self._backend.request("blob", account, "GET", path) as response:
            return await response.read() if response.status == 200 else None

    def _package_place(self, site: Site) -> tuple[str, str, str, str]:
        """Account, path, the identity that reads and writes there, and the container's ARM id."""
        storage: dict[str, Any] = site.resource.inputs["functionAppConfig"]["deployment"]["storage"]
        url = urlsplit(storage["value"])
        account_name = (url.hostname or "").partition(".")[0]
        account = self._resources.named("storage:StorageAccount", account_name)
        identity_resource = self._resources.get(storage["authentication"]["userAssignedIdentityResourceId"])
        if account is None or identity_resource is None:
            raise SiteError(f"the deployment storage {storage['value']} or its identity does not exist")
        network_id = network_of(site.resource.inputs.get("virtualNetworkSubnetId") or "")
        if is_closed(account) and not has_private_path(self._resources, network_id, account, "blob"):
            raise SiteError(f"403 AuthorizationFailure: the app does not reach {storage['value']} through its network")
        container = url.path.strip("/")
        scope = f"{account.id}/blobServices/default/containers/{container}"
        return account.name, f"/{container}/{_PACKAGE}", identity_resource.outputs["principalId"], scope


def _virtual_network(site: Resource) -> str | None:
    """The name of the network that an app is integrated with."""
    subnet_id: str | None = site.inputs.get("virtualNetworkSubnetId")
    return network_of(subnet_id).rpartition("/")[2] if subnet_id else None
