"""Validation of event subscriptions: whether the topic's identity may deliver."""

from emulator.core.authorization import Authorization
from emulator.core.resource_store import Properties, ResourceStore
from emulator.provider.errors import DeploymentError

_BLOB_WRITE = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"
_QUEUE_ADD = "Microsoft.Storage/storageAccounts/queueServices/queues/messages/add/action"


def check_delivery(inputs: Properties, resources: ResourceStore, pending: frozenset[str]) -> None:
    """Raise DeploymentError if the topic's identity lacks a role; Azure checks it when a subscription is saved.

    Role assignments in `pending` (ids in lower case) are not in effect yet. The text of Azure's error is not known:
    https://github.com/MicrosoftDocs/azure-docs/issues/98216.
    """
    authorization = Authorization(resources, pending=pending)
    topic = resources.find_by_name("eventgrid:SystemTopic", inputs["systemTopicName"])
    principal = topic.outputs["identity"]["principalId"] if topic else ""
    delivery = inputs["deliveryWithResourceIdentity"]["destination"]
    dead_letter = inputs["deadLetterWithResourceIdentity"]["deadLetterDestination"]
    queue = f"{delivery['resourceId']}/queueServices/default/queues/{delivery['queueName']}"
    container = f"{dead_letter['resourceId']}/blobServices/default/containers/{dead_letter['blobContainerName']}"
    for scope, action in ((queue, _QUEUE_ADD), (container, _BLOB_WRITE)):
        if resources.get(scope) is None:
            raise DeploymentError(f"ResourceNotFound: {scope} does not exist")
        if not authorization.allows(principal, action, scope):
            raise DeploymentError(
                f"Forbidden: the topic's identity {principal} does not have permission for {action} on {scope}, or its"
                " role assignment is not in effect yet: let the subscription depend on a delay after the assignment"
            )
