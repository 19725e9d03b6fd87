"""Event Grid's check of an event subscription: may the topic's identity deliver?"""

from emulator.core.authorization import Authorization
from emulator.core.resource_store import Properties, Resources
from emulator.provider.errors import Refusal

_BLOB_WRITE = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"
_QUEUE_ADD = "Microsoft.Storage/storageAccounts/queueServices/queues/messages/add/action"


def check_delivery(given: Properties, resources: Resources, pending: frozenset[str]) -> None:
    """Raises Refusal when the topic's identity lacks a role that it will need; Azure checks it when one is saved.

    Role assignments in `pending` (ids in lower case) are not in effect yet. Azure's words are not known:
    https://github.com/MicrosoftDocs/azure-docs/issues/98216.
    """
    authorization = Authorization(resources, pending=pending)
    topic = resources.named("eventgrid:SystemTopic", given["systemTopicName"])
    principal = topic.outputs["identity"]["principalId"] if topic else ""
    delivery = given["deliveryWithResourceIdentity"]["destination"]
    dead = given["deadLetterWithResourceIdentity"]["deadLetterDestination"]
    queue = f"{delivery['resourceId']}/queueServices/default/queues/{delivery['queueName']}"
    container = f"{dead['resourceId']}/blobServices/default/containers/{dead['blobContainerName']}"
    for scope, action in ((queue, _QUEUE_ADD), (container, _BLOB_WRITE)):
        if resources.get(scope) is None:
            raise Refusal(f"ResourceNotFound: {scope} does not exist")
        if not authorization.allows(principal, action, scope):
            raise Refusal(
                f"Forbidden: the topic's identity {principal} does not have permission for {action} on {scope}, or its"
                " role assignment is not in effect yet: let the subscription depend on a delay behind the assignment"
            )
