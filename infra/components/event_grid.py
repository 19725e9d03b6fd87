"""Events: what happens in the images container is announced, and reaches the queue."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_azure_native import authorization, eventgrid

from infra.components.resource_group import Place
from infra.components.storage import ImageStorage
from infra.core.error_hooks import error_hooks
from infra.core.known_errors import IDENTITY_REFUSED
from infra.core.rbac import Principal
from infra.monitoring.diagnostics import Source


class ImageTopic(pulumi.ComponentResource):
    """The Event Grid system topic of the images account, with an identity of its own.

    The identity is system-assigned: it is the only kind that still delivers when the account has a firewall
    (https://learn.microsoft.com/azure/event-grid/deliver-events-using-managed-identity).
    """

    topic: eventgrid.SystemTopic

    def __init__(
        self, name: str, *, place: Place, source: ImageStorage, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("image-pipeline:events:ImageTopic", name, {}, opts)
        self._label = name
        self.topic = eventgrid.SystemTopic(
            name,
            system_topic_name=place.names.local("egst"),
            resource_group_name=place.resource_group_name,
            location=place.location,
            source=source.account.id,
            topic_type="Microsoft.Storage.StorageAccounts",
            identity=eventgrid.IdentityInfoArgs(type=eventgrid.IdentityType.SYSTEM_ASSIGNED),
            tags=place.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"topic": self.topic.name})

    @property
    def sources(self) -> list[Source]:
        """Whose logs and metrics are kept."""
        return [Source(name=self._label, id=self.topic.id, logs=("DeliveryFailures",), metrics=True)]

    @property
    def principal(self) -> Principal:
        """The topic, as somebody to grant roles to."""
        return Principal(
            name=self._label,
            object_id=self.topic.identity.apply(_principal_id),
            kind=authorization.PrincipalType.SERVICE_PRINCIPAL,
        )


def _principal_id(identity: eventgrid.outputs.IdentityInfoResponse | None) -> str:
    if identity is None or identity.principal_id is None:
        raise ValueError("Event Grid gave the system topic no identity")
    return identity.principal_id


class ImageRoute(pulumi.ComponentResource):
    """The subscription that puts one message into the queue for every image created, overwritten or deleted.

    With `deletions_only`, for every image deleted: nothing else finds a record whose image is gone.

    Saving it makes Azure check that the topic's identity may write to the queue and to the dead-letter container,
    so it comes after the role assignments (https://github.com/MicrosoftDocs/azure-docs/issues/98216).
    """

    subscription: eventgrid.SystemTopicEventSubscription

    def __init__(
        self,
        name: str,
        *,
        place: Place,
        topic: ImageTopic,
        storage: ImageStorage,
        deletions_only: bool = False,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:events:ImageRoute", name, {}, opts)
        event_types = ["Microsoft.Storage.BlobDeleted"]
        if not deletions_only:
            event_types.insert(0, "Microsoft.Storage.BlobCreated")
        identity = eventgrid.EventSubscriptionIdentityArgs(type=eventgrid.EventSubscriptionIdentityType.SYSTEM_ASSIGNED)
        self.subscription = eventgrid.SystemTopicEventSubscription(
            name,
            event_subscription_name="images-to-queue",
            system_topic_name=topic.topic.name,
            resource_group_name=place.resource_group_name,
            event_delivery_schema=eventgrid.EventDeliverySchema.EVENT_GRID_SCHEMA,
            # `destination` stays unset: it excludes delivery by identity.
            delivery_with_resource_identity=eventgrid.DeliveryWithResourceIdentityArgs(
                identity=identity,
                destination=eventgrid.StorageQueueEventSubscriptionDestinationArgs(
                    endpoint_type="StorageQueue",
                    resource_id=storage.account.id,
                    queue_name=storage.queue.name,
                    # Never expire: seven days, the default, is less than a backlog behind 10 Vision calls/s can last.
                    queue_message_time_to_live_in_seconds=-1,
                ),
            ),
            dead_letter_with_resource_identity=eventgrid.DeadLetterWithResourceIdentityArgs(
                identity=identity,
                dead_letter_destination=eventgrid.StorageBlobDeadLetterDestinationArgs(
                    endpoint_type="StorageBlob",
                    resource_id=storage.account.id,
                    blob_container_name=storage.deadletter.name,
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
            # The most that Event Grid offers: https://learn.microsoft.com/azure/event-grid/delivery-and-retry
            retry_policy=eventgrid.RetryPolicyArgs(max_delivery_attempts=30, event_time_to_live_in_minutes=1440),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*after], hooks=error_hooks(name, IDENTITY_REFUSED)),
        )
        self.register_outputs({"subscription": self.subscription.name})
