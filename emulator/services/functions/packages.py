"""Deployment packages of function apps, in the app's deployment container, with the rights of the app's identity."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from emulator.core.authorization import Authorization
from emulator.core.resource_store import Resource, ResourceStore
from emulator.core.virtual_networks import has_private_path, is_public_access_disabled, network_of
from emulator.services.storage.azurite_client import AzuriteClient

_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
# The blob in which the platform stores the current package:
# https://learn.microsoft.com/azure/azure-functions/functions-infrastructure-as-code#deployment-sources
_PACKAGE = "released-package.zip"
# Azure's message when the app's identity may not use the deployment container:
# https://github.com/Azure/azure-dev/issues/8026
_FORBIDDEN = (
    "InaccessibleStorageException: Failed to access storage account for deployment: Response status code does not"
    " indicate success: 403 (This request is not authorized to perform this operation using this permission.)"
)


class PackageError(Exception):
    """A package cannot be read or written."""


@dataclass(frozen=True, kw_only=True)
class _DeploymentStorage:
    """The deployment storage of an app: the package's account and path, the app's principal, the container's scope."""

    account: str
    path: str
    principal: str
    scope: str


class Packages:
    """The current package of every app."""

    def __init__(self, resources: ResourceStore, azurite_client: AzuriteClient) -> None:
        self._resources = resources
        self._authorization = Authorization(resources)
        self._azurite_client = azurite_client

    async def write(self, app: Resource, package: bytes) -> None:
        """Make `package` the app's current one. Raises PackageError."""
        storage = self._deployment_storage(app)
        if not self._authorization.allows(storage.principal, f"{_BLOBS}/write", storage.scope):
            raise PackageError(f"{_FORBIDDEN}: the app's identity {storage.principal} may not write to {storage.scope}")
        headers = {"x-ms-blob-type": "BlockBlob", "Content-Type": "application/zip"}
        async with self._azurite_client.request(
            "blob", storage.account, "PUT", storage.path, headers=headers, body=package
        ) as response:
            if response.status != 201:
                raise PackageError(f"the package was not stored: {response.status} {(await response.text())[:300]}")

    async def read(self, app: Resource) -> bytes | None:
        """The app's current package, or None. Raises PackageError."""
        storage = self._deployment_storage(app)
        if not self._authorization.allows(storage.principal, f"{_BLOBS}/read", storage.scope):
            raise PackageError(
                f"{_FORBIDDEN}: the app's identity {storage.principal} may not read from {storage.scope}"
            )
        async with self._azurite_client.request("blob", storage.account, "GET", storage.path) as response:
            if response.status != 200:
                return None
            return await response.read()

    def _deployment_storage(self, app: Resource) -> _DeploymentStorage:
        storage: dict[str, Any] = app.inputs["functionAppConfig"]["deployment"]["storage"]
        url = urlsplit(storage["value"])
        account_name = (url.hostname or "").partition(".")[0]
        account = self._resources.find_by_name("storage:StorageAccount", account_name)
        identity = self._resources.get(storage["authentication"]["userAssignedIdentityResourceId"])
        if account is None or identity is None:
            raise PackageError(f"the deployment storage {storage['value']} or its identity does not exist")
        network_id = network_of(app.inputs.get("virtualNetworkSubnetId") or "")
        if is_public_access_disabled(account) and not has_private_path(self._resources, network_id, account, "blob"):
            raise PackageError(
                f"403 AuthorizationFailure: the app does not reach {storage['value']} through its network"
            )
        container = url.path.strip("/")
        return _DeploymentStorage(
            account=account.name,
            path=f"/{container}/{_PACKAGE}",
            principal=identity.outputs["principalId"],
            scope=f"{account.id}/blobServices/default/containers/{container}",
        )
