"""An Event Grid subscription on the result topic of a deployed pipeline: results become messages of a queue.

Event Grid delivers with the topic's own identity, and the application that receives the messages has a role on the
queue. There is no key.
"""

import pulumi
from pulumi_azure_native import authorization, eventgrid, storage

import infra
from infra.components.storage import (
    create_container,
    create_queue,
    create_storage_account,
    storage_diagnostic_target,
)

config = pulumi.Config()
location = config.require("location")
names = infra.derive_names(prefix=config.require("namePrefix"))
tags = infra.derive_tags({})

resource_group = infra.ResourceGroup("resource-group", names=names, location=location, tags=tags)
context = infra.DeploymentContext(
    names=names,
    location=location,
    resource_group_name=resource_group.group.name,
    tags=tags,
)

# --- The queue of the results, and a container for results that could not be delivered
account = create_storage_account(
    "results",
    purpose="results",
    context=context,
    zone_redundant_sku=storage.SkuName.STANDARD_ZRS,
    opts=pulumi.ResourceOptions(),
)
queue = create_queue(
    "results-queue",
    queue_name="results",
    account=account,
    context=context,
    opts=pulumi.ResourceOptions(),
)
dead_letters = create_container(
    "results-deadletter",
    container_name="deadletter",
    account=account,
    context=context,
    opts=pulumi.ResourceOptions(),
)
queue_scope = infra.Scope(name="results-queue", id=queue.id)
dead_letters_scope = infra.Scope(name="results-deadletter", id=dead_letters.id)

# --- Access: the topic's identity delivers, the application receives
topic = eventgrid.get_topic_output(
    resource_group_name=config.require("topicResourceGroup"),
    topic_name=config.require("topicName"),
)
topic_principal = infra.Principal(
    name="result-topic",
    object_id=topic.identity.apply(lambda identity: identity.principal_id if identity else ""),
    principal_type=authorization.PrincipalType.SERVICE_PRINCIPAL,
)
topic_access = infra.RoleAssignments("topic-access", context=context, principal=topic_principal)
topic_access.assign(infra.BuiltInRole.STORAGE_QUEUE_DATA_MESSAGE_SENDER, queue_scope)
topic_access.assign(infra.BuiltInRole.STORAGE_BLOB_DATA_CONTRIBUTOR, dead_letters_scope)

consumer = infra.Principal(
    name="consumer",
    object_id=config.require("consumerObjectId"),
    principal_type=authorization.PrincipalType.SERVICE_PRINCIPAL,
)
consumer_access = infra.RoleAssignments("consumer-access", context=context, principal=consumer)
consumer_access.assign(infra.BuiltInRole.STORAGE_QUEUE_DATA_MESSAGE_PROCESSOR, queue_scope)

# Event Grid refuses a subscription whose identity may not write to the queue yet.
role_assignment_delay = infra.RoleAssignmentDelay(
    "role-assignment-delay",
    role_assignments=topic_access.assignments,
    seconds=config.require_int("rolePropagationSeconds"),
)

# --- Delivery
topic_identity = eventgrid.EventSubscriptionIdentityArgs(type=eventgrid.EventSubscriptionIdentityType.SYSTEM_ASSIGNED)
eventgrid.EventSubscription(
    "results-to-queue",
    event_subscription_name="results-to-queue",
    scope=topic.id,
    event_delivery_schema=eventgrid.EventDeliverySchema.CLOUD_EVENT_SCHEMA_V1_0,
    delivery_with_resource_identity=eventgrid.DeliveryWithResourceIdentityArgs(
        identity=topic_identity,
        destination=eventgrid.StorageQueueEventSubscriptionDestinationArgs(
            endpoint_type="StorageQueue",
            resource_id=account.id,
            queue_name=queue.name,
        ),
    ),
    dead_letter_with_resource_identity=eventgrid.DeadLetterWithResourceIdentityArgs(
        identity=topic_identity,
        dead_letter_destination=eventgrid.StorageBlobDeadLetterDestinationArgs(
            endpoint_type="StorageBlob",
            resource_id=account.id,
            blob_container_name=dead_letters.name,
        ),
    ),
    opts=pulumi.ResourceOptions(depends_on=[role_assignment_delay]),
)

# --- Logs of the queue and of the dead letters
telemetry = infra.Telemetry("telemetry", context=context, retention_days=30)
infra.DiagnosticSettings(
    "diagnostics",
    workspace_id=telemetry.workspace.id,
    targets=[
        storage_diagnostic_target("results", account=account, service="blob"),
        storage_diagnostic_target("results", account=account, service="queue", log_deletions=False),
    ],
)

pulumi.export("queueEndpoint", account.primary_endpoints.apply(lambda endpoints: endpoints.queue))
pulumi.export("queue", queue.name)
