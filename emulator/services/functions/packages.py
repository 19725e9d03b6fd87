"""Packages of function apps: stored in and read from an app's deployment container, with its identity's rights."""

from typing import Any
from urllib.parse import urlsplit

from emulator.core.authorization import Authorization
from emulator.core.resource_store import Resource, Resources
from emulator.core.virtual_networks import has_private_path, is_closed, network_of
from emulator.services.storage.azurite_client import StorageBackend

_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
# The file that the platform keeps the current package in:
# https://learn.microsoft.com/azure/azure-functions/functions-infrastructure-as-code#deployment-sources
_PACKAGE = "released-package.zip"
# How Azure words that the app's identity may not use the deployment container:
# https://github.com/Azure/azure-dev/issues/8026
_REFUSED = (
    "InaccessibleStorageException: Failed to access storage account for deployment: Response status code does not"
    " indicate success: 403 (This request is not authorized to perform this operation using this permission.)"
)


class PackageError(Exception):
    """A package cannot be stored or read."""


class Packages:
    """The current package of every app."""

    def __init__(self, resources: Resources, backend: StorageBackend) -> None:
        self._resources = resources
        self._authorization = Authorization(resources)
        self._backend = backend

    async def store(self, app: Resource, package: bytes) -> None:
        """Makes `package` the app's current one. Raises PackageError."""
        account, path, principal, scope = self._place(app)
        if not self._authorization.allows(principal, f"{_BLOBS}/write", scope):
            raise PackageError(f"{_REFUSED}: the app's identity {principal} may not write to {scope}")
        headers = {"x-ms-blob-type": "BlockBlob", "Content-Type": "application/zip"}
        async with self._backend.request("blob", account, "PUT", path, headers=headers, body=package) as response:
            if response.status != 201:
                raise PackageError(f"the package was not stored: {response.status} {(await response.text())[:300]}")

    async def stored(self, app: Resource) -> bytes | None:
        """The app's current package; None when there is none. Raises PackageError."""
        account, path, principal, scope = self._place(app)
        if not self._authorization.allows(principal, f"{_BLOBS}/read", scope):
            raise PackageError(f"{_REFUSED}: the app's identity {principal} may not read from {scope}")
        async with self._backend.request("blob", account, "GET", path) as response:
            return await response.read() if response.status == 200 else None

    def _place(self, app: Resource) -> tuple[str, str, str, str]:
        """Account, path, the identity that reads and writes there, and the container's ARM id."""
        storage: dict[str, Any] = app.inputs["functionAppConfig"]["deployment"]["storage"]
        url = urlsplit(storage["value"])
        account_name = (url.hostname or "").partition(".")[0]
        account = self._resources.named("storage:StorageAccount", account_name)
        identity = self._resources.get(storage["authentication"]["userAssignedIdentityResourceId"])
        if account is None or identity is None:
            raise PackageError(f"the deployment storage {storage['value']} or its identity does not exist")
        network_id = network_of(app.inputs.get("virtualNetworkSubnetId") or "")
        if is_closed(account) and not has_private_path(self._resources, network_id, account, "blob"):
            raise PackageError(
                f"403 AuthorizationFailure: the app does not reach {storage['value']} through its network"
            )
        container = url.path.strip("/")
        scope = f"{account.id}/blobServices/default/containers/{container}"
        return account.name, f"/{container}/{_PACKAGE}", identity.outputs["principalId"], scope
