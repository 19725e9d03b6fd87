"""Event Grid: the topic and subscription that put blob events into the queue, and the topic of results."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import authorization, eventgrid

from infra.components.image_storage import ImageStorage
from infra.core.context import DeploymentContext, DiagnosticTarget, Principal, PrivateLinkTarget, Scope
from infra.core.error_hooks import error_hooks
from infra.core.known_errors import IDENTITY_REFUSED
from infra.core.options import inherited_dependencies


class BlobEventTopic(pulumi.ComponentResource):
    """The Event Grid system topic of a storage account, with an identity of its own.

    The identity is system-assigned: it is the only kind that still delivers when the account has a firewall
    (https://learn.microsoft.com/azure/event-grid/deliver-events-using-managed-identity).
    """

    topic: eventgrid.SystemTopic
    # The topic's identity, as a role assignee.
    principal: Principal

    def __init__(
        self,
        name: str,
        *,
        context: DeploymentContext,
        storage_account_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:index:BlobEventTopic", name, {}, opts)
        self._label = name
        self.topic = eventgrid.SystemTopic(
            name,
            system_topic_name=context.names.resource_name("egst"),
            resource_group_name=context.resource_group_name,
            location=context.location,
            source=storage_account_id,
            topic_type="Microsoft.Storage.StorageAccounts",
            identity=eventgrid.IdentityInfoArgs(type=eventgrid.IdentityType.SYSTEM_ASSIGNED),
            tags=context.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.principal = Principal(
            name=name,
            object_id=self.topic.identity.apply(_principal_id),
            principal_type=authorization.PrincipalType.SERVICE_PRINCIPAL,
        )
        self.register_outputs({"topic": self.topic.name})

    @property
    def diagnostic_targets(self) -> list[DiagnosticTarget]:
        """What needs a diagnostic setting."""
        return [
            DiagnosticTarget(
                name=self._label,
                resource_id=self.topic.id,
                log_categories=("DeliveryFailures",),
                metrics=True,
            )
        ]


def _principal_id(identity: eventgrid.outputs.IdentityInfoResponse | None) -> str:
    if identity is None or identity.principal_id is None:
        raise ValueError("Event Grid created the system topic without an identity")
    return identity.principal_id


class BlobEventSubscription(pulumi.ComponentResource):
    """The event subscription that puts a message into the queue for every image created, overwritten or deleted.

    When it is saved, Event Grid checks that the topic's identity may write to the queue and to the dead-letter
    container (https://github.com/MicrosoftDocs/azure-docs/issues/98216); so let it depend on the delay behind the
    identity's role assignments, by `opts`.

    Args:
        name: Logical name.
        context: Where the component deploys.
        topic: Where the events come from.
        storage: The queue and the dead-letter container, and the container whose events are delivered.
        deletions_only: Deliver only deletions, as in scheduled mode: nothing else removes the record of a deleted
            image.
    """

    subscription: eventgrid.SystemTopicEventSubscription

    def __init__(
        self,
        name: str,
        *,
        context: DeploymentContext,
        topic: BlobEventTopic,
        storage: ImageStorage,
        deletions_only: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:index:BlobEventSubscription", name, {}, opts)
        event_types = ["Microsoft.Storage.BlobDeleted"]
        if not deletions_only:
            event_types.insert(0, "Microsoft.Storage.BlobCreated")
        identity = eventgrid.EventSubscriptionIdentityArgs(type=eventgrid.EventSubscriptionIdentityType.SYSTEM_ASSIGNED)
        self.subscription = eventgrid.SystemTopicEventSubscription(
            name,
            event_subscription_name="images-to-queue",
            system_topic_name=topic.topic.name,
            resource_group_name=context.resource_group_name,
            event_delivery_schema=eventgrid.EventDeliverySchema.EVENT_GRID_SCHEMA,
            # `destination` stays unset: it excludes delivery by identity.
            delivery_with_resource_identity=eventgrid.DeliveryWithResourceIdentityArgs(
                identity=identity,
                destination=eventgrid.StorageQueueEventSubscriptionDestinationArgs(
                    endpoint_type="StorageQueue",
                    resource_id=storage.account.id,
                    queue_name=storage.queue.name,
                    # Never expire: a backlog at 10 Vision calls per second can last longer than the default of 7 days.
                    queue_message_time_to_live_in_seconds=-1,
                ),
            ),
            dead_letter_with_resource_identity=eventgrid.DeadLetterWithResourceIdentityArgs(
                identity=identity,
                dead_letter_destination=eventgrid.StorageBlobDeadLetterDestinationArgs(
                    endpoint_type="StorageBlob",
                    resource_id=storage.account.id,
                    blob_container_name=storage.dead_letters.name,
                ),
            ),
            # Dead letters are blobs of the same account: without the prefix each would raise an event of its own.
            filter=eventgrid.EventSubscriptionFilterArgs(
                included_event_types=event_types,
                subject_begins_with=pulumi.Output.concat(
                    "/blobServices/default/containers/", storage.images.name, "/blobs/"
                ),
                is_subject_case_sensitive=True,
            ),
            # The maximum of both: https://learn.microsoft.com/azure/event-grid/delivery-and-retry
            retry_policy=eventgrid.RetryPolicyArgs(max_delivery_attempts=30, event_time_to_live_in_minutes=1440),
            opts=pulumi.ResourceOptions.merge(
                pulumi.ResourceOptions(parent=self, hooks=error_hooks(name, IDENTITY_REFUSED)),
                inherited_dependencies(opts),
            ),
        )
        self.register_outputs({"subscription": self.subscription.name})


class ResultTopic(pulumi.ComponentResource):
    """The Event Grid custom topic on which the pipeline publishes results as CloudEvents; Entra identities only.

    https://learn.microsoft.com/azure/event-grid/custom-topics
    """

    topic: eventgrid.Topic
    scope: Scope

    def __init__(
        self,
        name: str,
        *,
        context: DeploymentContext,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:index:ResultTopic", name, {}, opts)
        self._label = name
        self.topic = eventgrid.Topic(
            name,
            topic_name=context.names.global_name("evgt"),
            resource_group_name=context.resource_group_name,
            location=context.location,
            input_schema=eventgrid.InputSchema.CLOUD_EVENT_SCHEMA_V1_0,
            disable_local_auth=True,
            minimum_tls_version_allowed=eventgrid.TlsVersion.TLS_VERSION_1_2,
            public_network_access=context.public_network_access,
            # So that subscriptions can deliver to their destinations by identity.
            identity=eventgrid.IdentityInfoArgs(type=eventgrid.IdentityType.SYSTEM_ASSIGNED),
            tags=context.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.scope = Scope(name=name, id=self.topic.id)
        self.register_outputs({"endpoint": self.topic.endpoint})

    @property
    def private_link_targets(self) -> list[PrivateLinkTarget]:
        """What needs a private endpoint with private networking."""
        return [PrivateLinkTarget(name=self._label, resource_id=self.topic.id, group_id="topic")]

    @property
    def diagnostic_targets(self) -> list[DiagnosticTarget]:
        """What needs a diagnostic setting."""
        return [
            DiagnosticTarget(
                name=self._label,
                resource_id=self.topic.id,
                log_categories=("DeliveryFailures", "PublishFailures"),
                metrics=True,
            )
        ]
