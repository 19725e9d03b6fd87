"""Results: the Event Grid topic on which every finished image is announced; whoever wants to know subscribes."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import eventgrid

from infra.components.network import Door
from infra.components.resource_group import Place
from infra.core.rbac import Scope
from infra.monitoring.diagnostics import Source


class ResultsTopic(pulumi.ComponentResource):
    """A custom topic that takes CloudEvents, from Entra identities only.

    https://learn.microsoft.com/azure/event-grid/custom-topics
    """

    topic: eventgrid.Topic
    scope: Scope

    def __init__(self, name: str, *, place: Place, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("image-pipeline:results:ResultsTopic", name, {}, opts)
        self._label = name
        self.topic = eventgrid.Topic(
            name,
            topic_name=place.names.world("evgt"),
            resource_group_name=place.resource_group_name,
            location=place.location,
            input_schema=eventgrid.InputSchema.CLOUD_EVENT_SCHEMA_V1_0,
            disable_local_auth=True,
            minimum_tls_version_allowed=eventgrid.TlsVersion.TLS_VERSION_1_2,
            public_network_access=place.public_network_access,
            # So that subscriptions can deliver to their destinations by identity.
            identity=eventgrid.IdentityInfoArgs(type=eventgrid.IdentityType.SYSTEM_ASSIGNED),
            tags=place.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.scope = Scope(name=name, id=self.topic.id)
        self.register_outputs({"endpoint": self.topic.endpoint})

    @property
    def doors(self) -> list[Door]:
        """What is to be reached privately in a private place."""
        return [Door(name=self._label, id=self.topic.id, group="topic")]

    @property
    def sources(self) -> list[Source]:
        """Whose logs and metrics are kept."""
        logs = ("DeliveryFailures", "PublishFailures")
        return [Source(name=self._label, id=self.topic.id, logs=logs, metrics=True)]
