"""Storage: one account for the Functions host, one for the images, both without shared keys."""

import pulumi
from pulumi_azure_native import storage

from infra.foundation import Place
from infra.roles import Scope


def _account(purpose: str, place: Place, parent: pulumi.Resource) -> storage.StorageAccount:
    """An account that only Entra identities can use, over TLS 1.2, with nothing public."""
    return storage.StorageAccount(
        f"{purpose}-account",
        account_name=place.names.storage(purpose),
        resource_group_name=place.resource_group_name,
        location=place.location,
        kind=storage.Kind.STORAGE_V2,
        sku=storage.SkuArgs(name=storage.SkuName.STANDARD_LRS),
        allow_shared_key_access=False,
        default_to_o_auth_authentication=True,
        allow_blob_public_access=False,
        allow_cross_tenant_replication=False,
        is_local_user_enabled=False,
        minimum_tls_version=storage.MinimumTlsVersion.TLS1_2,
        enable_https_traffic_only=True,
        tags=place.tags,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _container(
    name: str, account: storage.StorageAccount, place: Place, parent: pulumi.Resource
) -> storage.BlobContainer:
    return storage.BlobContainer(
        f"{name}-container",
        container_name=name,
        account_name=account.name,
        resource_group_name=place.resource_group_name,
        public_access=storage.PublicAccess.NONE,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _queue(name: str, account: storage.StorageAccount, place: Place, parent: pulumi.Resource) -> storage.Queue:
    return storage.Queue(
        f"{name}-queue",
        queue_name=name,
        account_name=account.name,
        resource_group_name=place.resource_group_name,
        opts=pulumi.ResourceOptions(parent=parent),
    )


class HostStorage(pulumi.ComponentResource):
    """The account of the Functions host: its state, and the container of the deployment package.

    It is apart from the images because the host must own every blob of its account.
    """

    account: storage.StorageAccount
    packages: storage.BlobContainer

    def __init__(self, name: str, *, place: Place, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("image-pipeline:storage:HostStorage", name, {}, opts)
        self.account = _account("host", place, self)
        self.packages = _container("packages", self.account, place, self)
        self.register_outputs({"account": self.account.name})

    @property
    def blob_endpoint(self) -> pulumi.Output[str]:
        """The account's blob service URL, with a slash at its end."""
        return self.account.primary_endpoints.apply(lambda endpoints: endpoints.blob)

    @property
    def packages_url(self) -> pulumi.Output[str]:
        """The URL of the deployment package's container."""
        return pulumi.Output.concat(self.blob_endpoint, self.packages.name)

    @property
    def scope(self) -> Scope:
        """The whole account: what the host's own role is defined for."""
        return Scope(name="host-account", id=self.account.id)


class ImageStorage(pulumi.ComponentResource):
    """The account of the images: where they land, the queue of their events, and what could not be delivered."""

    account: storage.StorageAccount
    images: storage.BlobContainer
    deadletter: storage.BlobContainer
    queue: storage.Queue
    poison: storage.Queue

    def __init__(self, name: str, *, place: Place, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("image-pipeline:storage:ImageStorage", name, {}, opts)
        self.account = _account("data", place, self)
        self.images = _container("images", self.account, place, self)
        self.deadletter = _container("deadletter", self.account, place, self)
        self.queue = _queue("images", self.account, place, self)
        # The host adds `-poison` to the queue's name, and would need the right to create queues if it were missing:
        # https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger#poison-messages
        self.poison = _queue("images-poison", self.account, place, self)
        self.register_outputs({"account": self.account.name})

    @property
    def blob_endpoint(self) -> pulumi.Output[str]:
        """The account's blob service URL, with a slash at its end."""
        return self.account.primary_endpoints.apply(lambda endpoints: endpoints.blob)

    @property
    def queue_endpoint(self) -> pulumi.Output[str]:
        """The account's queue service URL, with a slash at its end."""
        return self.account.primary_endpoints.apply(lambda endpoints: endpoints.queue)

    @property
    def images_scope(self) -> Scope:
        """The container where images land."""
        return Scope(name="images-container", id=self.images.id)

    @property
    def deadletter_scope(self) -> Scope:
        """The container of events that could not be delivered."""
        return Scope(name="deadletter-container", id=self.deadletter.id)

    @property
    def queue_scope(self) -> Scope:
        """The queue that the function is triggered by."""
        return Scope(name="images-queue", id=self.queue.id)

    @property
    def poison_scope(self) -> Scope:
        """The queue of messages that failed too often."""
        return Scope(name="poison-queue", id=self.poison.id)
