"""The queue of the shadow: what is trouble there does not reach the queue of the images."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import storage

from infra.components.storage import create_queue
from infra.core.context import DeploymentContext, Scope


class ShadowQueue(pulumi.ComponentResource):
    """The queue of the images that a successor analyzes as well, and its poison queue.

    Args:
        name: Logical name, and name of the queue.
        context: Where the component deploys.
        account: The storage account of the images, whose private endpoint serves this queue too.
    """

    queue: storage.Queue
    poison_queue: storage.Queue
    scope: Scope
    poison_scope: Scope

    def __init__(
        self,
        name: str,
        *,
        context: DeploymentContext,
        account: storage.StorageAccount,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:index:ShadowQueue", name, {}, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        self.queue = create_queue(f"{name}-queue", queue_name=name, account=account, context=context, opts=child_opts)
        self.scope = Scope(name=f"{name}-queue", id=self.queue.id)
        # The host adds `-poison` to the queue's name (`ImageStorage.poison_queue`).
        self.poison_queue = create_queue(
            f"{name}-poison-queue", queue_name=f"{name}-poison", account=account, context=context, opts=child_opts
        )
        self.poison_scope = Scope(name=f"{name}-poison-queue", id=self.poison_queue.id)
        self.register_outputs({"queue": self.queue.name})
