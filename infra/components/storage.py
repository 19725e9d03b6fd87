"""Storage: one account for the Functions host, one for the images, both without shared keys."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import storage

from infra.components.network import Door
from infra.components.resource_group import Place
from infra.core.rbac import Scope
from infra.monitoring.diagnostics import Source

# Long enough to find out why events could not be delivered, and to send them again.
_DEADLETTER_DAYS = 90
_SOFT_DELETE_DAYS = 14


def _account(
    name: str, purpose: str, place: Place, *, sku: storage.SkuName, opts: pulumi.ResourceOptions
) -> storage.StorageAccount:
    """An account that only Entra identities can use, over TLS 1.2, with nothing public.

    In a private place its public endpoint is off. Azure's trusted services still pass, which is how Event Grid
    delivers: "any resource instances and exceptions that you previously configured, including Allow Azure services on
    the trusted services list to access this storage account, will remain in effect"
    (https://learn.microsoft.com/azure/storage/common/storage-network-security-limitations).
    """
    action = storage.DefaultAction
    return storage.StorageAccount(
        f"{name}-account",
        account_name=place.names.storage(purpose),
        resource_group_name=place.resource_group_name,
        location=place.location,
        kind=storage.Kind.STORAGE_V2,
        sku=storage.SkuArgs(name=sku if place.zone_redundant else storage.SkuName.STANDARD_LRS),
        allow_shared_key_access=False,
        default_to_o_auth_authentication=True,
        allow_blob_public_access=False,
        allow_cross_tenant_replication=False,
        is_local_user_enabled=False,
        minimum_tls_version=storage.MinimumTlsVersion.TLS1_2,
        enable_https_traffic_only=True,
        public_network_access=place.public_network_access,
        network_rule_set=storage.NetworkRuleSetArgs(
            default_action=action.DENY if place.private else action.ALLOW, bypass=storage.Bypass.AZURE_SERVICES
        ),
        tags=place.tags,
        opts=opts,
    )


def _container(
    name: str, container: str, account: storage.StorageAccount, place: Place, *, opts: pulumi.ResourceOptions
) -> storage.BlobContainer:
    return storage.BlobContainer(
        name,
        container_name=container,
        account_name=account.name,
        resource_group_name=place.resource_group_name,
        public_access=storage.PublicAccess.NONE,
        opts=opts,
    )


def _queue(
    name: str, queue: str, account: storage.StorageAccount, place: Place, *, opts: pulumi.ResourceOptions
) -> storage.Queue:
    return storage.Queue(
        name, queue_name=queue, account_name=account.name, resource_group_name=place.resource_group_name, opts=opts
    )


def _logged(name: str, account: storage.StorageAccount, service: str, *, deletions: bool = True) -> Source:
    """Logs of one service: what is written, and with `deletions` what is deleted.

    Each logged request is a row that is paid for, and a diagnostic setting cannot sample. Reads are left out: they are
    most of the rows, and no alert, chart or audit needs them (docs/decisions/0032).
    """
    return Source(
        name=f"{name}-{service}",
        id=pulumi.Output.concat(account.id, f"/{service}Services/default"),
        logs=("StorageWrite", "StorageDelete") if deletions else ("StorageWrite",),
    )


class HostStorage(pulumi.ComponentResource):
    """The account of the Functions host: its state, and the container of the deployment package.

    It is apart from the images because the host must own every blob of its account.
    """

    account: storage.StorageAccount
    packages: storage.BlobContainer
    # The whole account: what the host's own role is defined for.
    scope: Scope

    def __init__(self, name: str, *, place: Place, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("image-pipeline:storage:HostStorage", name, {}, opts)
        self._label = name
        child = pulumi.ResourceOptions(parent=self)
        # Zone-redundant at best: all that is in it comes back with the next `pulumi up`.
        sku = storage.SkuName.STANDARD_ZRS
        self.account = _account(name, "host", place, sku=sku, opts=child)
        self.packages = _container(f"{name}-packages", "packages", self.account, place, opts=child)
        self.scope = Scope(name=f"{name}-account", id=self.account.id)
        self.register_outputs({"account": self.account.name})

    @property
    def doors(self) -> list[Door]:
        """What is to be reached privately in a private place."""
        return [Door(name=self._label, id=self.account.id, group="blob")]

    @property
    def sources(self) -> list[Source]:
        """Whose logs are kept."""
        return [_logged(self._label, self.account, "blob")]

    @property
    def blob_endpoint(self) -> pulumi.Output[str]:
        """The account's blob service URL, with a slash at its end."""
        return self.account.primary_endpoints.apply(lambda endpoints: endpoints.blob)

    @property
    def packages_url(self) -> pulumi.Output[str]:
        """The URL of the deployment package's container."""
        return pulumi.Output.concat(self.blob_endpoint, self.packages.name)


class ImageStorage(pulumi.ComponentResource):
    """The account of the images: where they land, the queue of their events, and what could not be delivered.

    Images, and the copies that `copies` makes room for, are deleted `retention_days` after they were last written, or
    kept when it is None.
    """

    account: storage.StorageAccount
    images: storage.BlobContainer
    deadletter: storage.BlobContainer
    # Copies of what was classified. No event tells of it: the route's prefix is that of the images.
    classified: storage.BlobContainer | None
    queue: storage.Queue
    poison: storage.Queue
    images_scope: Scope
    deadletter_scope: Scope
    queue_scope: Scope
    poison_scope: Scope

    def __init__(
        self,
        name: str,
        *,
        place: Place,
        retention_days: int | None = None,
        copies: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:storage:ImageStorage", name, {}, opts)
        self._label = name
        child = pulumi.ResourceOptions(parent=self)
        guarded = pulumi.ResourceOptions(parent=self, protect=place.protect_data)
        sku = storage.SkuName.STANDARD_GZRS
        self.account = _account(name, "data", place, sku=sku, opts=guarded)
        self.images = _container(f"{name}-container", "images", self.account, place, opts=guarded)
        self.deadletter = _container(f"{name}-deadletter", "deadletter", self.account, place, opts=child)
        self.classified = None
        if copies:
            self.classified = _container(f"{name}-classified", "classified", self.account, place, opts=guarded)
        self.queue = _queue(f"{name}-queue", "images", self.account, place, opts=child)
        # The host adds `-poison` to the queue's name, and would need the right to create queues if it were missing:
        # https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger#poison-messages
        self.poison = _queue(f"{name}-poison-queue", "images-poison", self.account, place, opts=child)
        self.images_scope = Scope(name=f"{name}-container", id=self.images.id)
        self.deadletter_scope = Scope(name=f"{name}-deadletter", id=self.deadletter.id)
        self.queue_scope = Scope(name=f"{name}-queue", id=self.queue.id)
        self.poison_scope = Scope(name=f"{name}-poison-queue", id=self.poison.id)
        self._expire(name, place, retention_days, child)
        if place.protect_data:
            kept = storage.DeleteRetentionPolicyArgs(enabled=True, days=_SOFT_DELETE_DAYS)
            storage.BlobServiceProperties(
                f"{name}-soft-delete",
                blob_services_name="default",
                account_name=self.account.name,
                resource_group_name=place.resource_group_name,
                delete_retention_policy=kept,
                container_delete_retention_policy=kept,
                opts=child,
            )
        self.register_outputs({"account": self.account.name})

    def _expire(self, name: str, place: Place, retention_days: int | None, opts: pulumi.ResourceOptions) -> None:
        days = {"deadletter": _DEADLETTER_DAYS}
        if retention_days:
            days |= dict.fromkeys(("images", "classified") if self.classified else ("images",), retention_days)
        storage.ManagementPolicy(
            f"{name}-lifecycle",
            management_policy_name="default",
            account_name=self.account.name,
            resource_group_name=place.resource_group_name,
            policy=storage.ManagementPolicySchemaArgs(
                rules=[
                    storage.ManagementPolicyRuleArgs(
                        name=f"expire-{container}",
                        type=storage.RuleType.LIFECYCLE,
                        enabled=True,
                        definition=storage.ManagementPolicyDefinitionArgs(
                            filters=storage.ManagementPolicyFilterArgs(
                                blob_types=["blockBlob"], prefix_match=[f"{container}/"]
                            ),
                            actions=storage.ManagementPolicyActionArgs(
                                base_blob=storage.ManagementPolicyBaseBlobArgs(
                                    delete=storage.DateAfterModificationArgs(days_after_modification_greater_than=days)
                                )
                            ),
                        ),
                    )
                    for container, days in sorted(days.items())
                ]
            ),
            opts=opts,
        )

    @property
    def copies_scopes(self) -> list[Scope]:
        """The container of the copies, if there is one."""
        if self.classified is None:
            return []
        return [Scope(name=f"{self._label}-classified", id=self.classified.id)]

    @property
    def doors(self) -> list[Door]:
        """What is to be reached privately in a private place."""
        return [Door(name=self._label, id=self.account.id, group=service) for service in ("blob", "queue")]

    @property
    def sources(self) -> list[Source]:
        """Whose logs are kept."""
        # A message is deleted for every image: a row for each would say nothing that the record does not say.
        return [
            _logged(self._label, self.account, "blob"),
            _logged(self._label, self.account, "queue", deletions=False),
        ]

    @property
    def blob_endpoint(self) -> pulumi.Output[str]:
        """The account's blob service URL, with a slash at its end."""
        return self.account.primary_endpoints.apply(lambda endpoints: endpoints.blob)

    @property
    def queue_endpoint(self) -> pulumi.Output[str]:
        """The account's queue service URL, with a slash at its end."""
        return self.account.primary_endpoints.apply(lambda endpoints: endpoints.queue)
