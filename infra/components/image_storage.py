"""Storage account of the images: container, queue of events, dead letters."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_azure_native import storage

from infra.components.storage import create_container, create_queue, create_storage_account, storage_diagnostic_target
from infra.core.context import DeploymentContext, DiagnosticTarget, PrivateLinkTarget, Scope

# Long enough to find out why events could not be delivered, and to process their dead letters.
_DEAD_LETTER_DAYS = 90
_SOFT_DELETE_DAYS = 14
# How long a browser remembers the answer to a preflight request.
_CORS_SECONDS = 3600


class ImageStorage(pulumi.ComponentResource):
    """The storage account of the images: their container, the queue of their events, and dead letters.

    Args:
        name: Logical name.
        context: Where the component deploys.
        retention_days: Days after their last change that images and copies are deleted; None keeps them.
        copy_classified: Create the container for copies of classified images.
    """

    account: storage.StorageAccount
    images: storage.BlobContainer
    dead_letters: storage.BlobContainer
    # Copies of classified images. They raise no event: the event subscription's prefix is that of the images.
    copies: storage.BlobContainer | None
    queue: storage.Queue
    poison_queue: storage.Queue
    # The whole account, for what Azure has no narrower scope for.
    account_scope: Scope
    images_scope: Scope
    dead_letters_scope: Scope
    copies_scope: Scope | None
    queue_scope: Scope
    poison_queue_scope: Scope

    def __init__(
        self,
        name: str,
        *,
        context: DeploymentContext,
        retention_days: int | None = None,
        copy_classified: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:index:ImageStorage", name, {}, opts)
        self._label = name
        child_opts = pulumi.ResourceOptions(parent=self)
        protected_opts = pulumi.ResourceOptions(parent=self, protect=context.protect_data)
        self.account = create_storage_account(
            name,
            purpose="data",
            context=context,
            zone_redundant_sku=storage.SkuName.STANDARD_GZRS,
            opts=protected_opts,
        )
        self.account_scope = Scope(name=f"{name}-account", id=self.account.id)
        self.images = create_container(
            f"{name}-container",
            container_name="images",
            account=self.account,
            context=context,
            opts=protected_opts,
        )
        self.images_scope = Scope(name=f"{name}-container", id=self.images.id)
        self.dead_letters = create_container(
            f"{name}-deadletter",
            container_name="deadletter",
            account=self.account,
            context=context,
            opts=child_opts,
        )
        self.dead_letters_scope = Scope(name=f"{name}-deadletter", id=self.dead_letters.id)
        self.copies = None
        self.copies_scope = None
        if copy_classified:
            self.copies = create_container(
                f"{name}-classified",
                container_name="classified",
                account=self.account,
                context=context,
                opts=protected_opts,
            )
            self.copies_scope = Scope(name=f"{name}-classified", id=self.copies.id)
        self.queue = create_queue(
            f"{name}-queue",
            queue_name="images",
            account=self.account,
            context=context,
            opts=child_opts,
        )
        self.queue_scope = Scope(name=f"{name}-queue", id=self.queue.id)
        # The host adds `-poison` to the queue's name, and would need the right to create queues if it were missing:
        # https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger#poison-messages
        self.poison_queue = create_queue(
            f"{name}-poison-queue",
            queue_name="images-poison",
            account=self.account,
            context=context,
            opts=child_opts,
        )
        self.poison_queue_scope = Scope(name=f"{name}-poison-queue", id=self.poison_queue.id)
        self._create_lifecycle_policy(context, retention_days, child_opts)
        self._context = context
        self.register_outputs({"account": self.account.name})

    def _create_lifecycle_policy(
        self, context: DeploymentContext, retention_days: int | None, opts: pulumi.ResourceOptions
    ) -> None:
        retention = {"deadletter": _DEAD_LETTER_DAYS}
        if retention_days is not None:
            retention["images"] = retention_days
            if self.copies is not None:
                retention["classified"] = retention_days
        storage.ManagementPolicy(
            f"{self._label}-lifecycle",
            management_policy_name="default",
            account_name=self.account.name,
            resource_group_name=context.resource_group_name,
            policy=storage.ManagementPolicySchemaArgs(
                rules=[_expiry_rule(container, days) for container, days in sorted(retention.items())]
            ),
            opts=opts,
        )

    def create_blob_service_properties(self, *, allowed_origins: Sequence[pulumi.Input[str]] = ()) -> None:
        """Create what the account has only one of: soft delete, if data is protected, and CORS. Without both, nothing.

        A method, because one of the origins is known only after the app that serves its pages.

        Args:
            allowed_origins: Origins of web pages that may upload images, and read them by script.
        """
        if not (self._context.protect_data or allowed_origins):
            return
        retention_policy = None
        if self._context.protect_data:
            retention_policy = storage.DeleteRetentionPolicyArgs(enabled=True, days=_SOFT_DELETE_DAYS)
        cors = None
        if allowed_origins:
            # What an upload and a download with a signed address need, and no other method or header.
            rule = storage.CorsRuleArgs(
                allowed_origins=[*allowed_origins],
                allowed_methods=["PUT", "GET"],
                allowed_headers=["content-type", "x-ms-blob-type"],
                exposed_headers=["etag", "x-ms-error-code", "x-ms-request-id"],
                max_age_in_seconds=_CORS_SECONDS,
            )
            cors = storage.CorsRulesArgs(cors_rules=[rule])
        storage.BlobServiceProperties(
            f"{self._label}-blob-service",
            blob_services_name="default",
            account_name=self.account.name,
            resource_group_name=self._context.resource_group_name,
            delete_retention_policy=retention_policy,
            container_delete_retention_policy=retention_policy,
            cors=cors,
            # Its name in release 0.2.0, which had soft delete only.
            opts=pulumi.ResourceOptions(parent=self, aliases=[pulumi.Alias(name=f"{self._label}-soft-delete")]),
        )

    @property
    def private_link_targets(self) -> list[PrivateLinkTarget]:
        """What needs a private endpoint with private networking."""
        return [
            PrivateLinkTarget(name=self._label, resource_id=self.account.id, group_id="blob"),
            PrivateLinkTarget(name=self._label, resource_id=self.account.id, group_id="queue"),
        ]

    @property
    def diagnostic_targets(self) -> list[DiagnosticTarget]:
        """What needs a diagnostic setting."""
        return [
            storage_diagnostic_target(self._label, account=self.account, service="blob"),
            # A message is deleted for every image: a row for each would say nothing that the record does not say.
            storage_diagnostic_target(self._label, account=self.account, service="queue", log_deletions=False),
        ]

    @property
    def blob_endpoint(self) -> pulumi.Output[str]:
        """The account's blob service URL, with a slash at its end."""
        return self.account.primary_endpoints.apply(lambda endpoints: endpoints.blob)

    @property
    def queue_endpoint(self) -> pulumi.Output[str]:
        """The account's queue service URL, with a slash at its end."""
        return self.account.primary_endpoints.apply(lambda endpoints: endpoints.queue)


def _expiry_rule(container_name: str, days: int) -> storage.ManagementPolicyRuleArgs:
    """Delete the container's blobs `days` days after their last modification."""
    return storage.ManagementPolicyRuleArgs(
        name=f"expire-{container_name}",
        type=storage.RuleType.LIFECYCLE,
        enabled=True,
        definition=storage.ManagementPolicyDefinitionArgs(
            filters=storage.ManagementPolicyFilterArgs(
                blob_types=["blockBlob"],
                prefix_match=[f"{container_name}/"],
            ),
            actions=storage.ManagementPolicyActionArgs(
                base_blob=storage.ManagementPolicyBaseBlobArgs(
                    delete=storage.DateAfterModificationArgs(days_after_modification_greater_than=days)
                )
            ),
        ),
    )
