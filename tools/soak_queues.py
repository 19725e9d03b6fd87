"""The queues of the soak test's stack: messages that are no events of ours go in, and only they may become poison."""

import base64
import binascii
import json
import subprocess
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import grpc
from azure.core.exceptions import AzureError
from azure.identity import DefaultAzureCredential
from azure.storage.queue import QueueClient
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage
_ROLES = {
    "Storage Queue Data Reader": "19e7f393-937e-4f77-808e-94535e297925",
    "Storage Queue Data Message Sender": "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
}
# https://learn.microsoft.com/rest/api/storageservices/peek-messages
_MOST_PEEKED = 32
_RETRY_SECONDS = 2.0


def _event(number: int, *, subject: str, event_type: str = "Microsoft.Storage.BlobCreated") -> str:
    return json.dumps(
        {
            "id": f"foreign-{number}",
            "eventType": event_type,
            "subject": subject,
            "eventTime": "2026-11-25T00:00:00Z",
            "data": {"url": "https://elsewhere.blob.core.windows.net/images/a.jpg"},
        }
    )


_OURS = "/blobServices/default/containers/images/blobs"
# Messages that are no event about one of our blobs. All different, so that each can be found again.
_TEXTS: Sequence[Callable[[int], str]] = (
    lambda number: f"no JSON {number}",
    lambda number: json.dumps([number]),
    lambda number: json.dumps({"number": number, "text": "\ud800"}),
    lambda number: _event(number, subject=f"{_OURS}/a/../{number}.jpg"),
    lambda number: _event(number, subject=f"{_OURS}/{number}.jpg"),
    lambda number: _event(number, subject=f"/resource/{number}", event_type="Microsoft.Resources.ResourceWriteSuccess"),
)


def foreign_messages(count: int) -> dict[str, str]:
    """So many messages that are no events of ours: the text of each, and the content to be sent.

    One in seven is not base64, which the Functions host itself moves to the poison queue.
    """
    found: dict[str, str] = {}
    for number in range(count):
        kind = number % (len(_TEXTS) + 1)
        if kind == len(_TEXTS):
            text = f"not base64: {number}"
            found[text] = text
        else:
            text = _TEXTS[kind](number)
            found[text] = base64.b64encode(text.encode()).decode()
    return found


class Queues:
    """The images queue and its poison queue, for the emulator's user, who is given the rights to look into them."""

    def __init__(self, home: Path) -> None:
        scopes = _queue_scopes()
        _assign_roles(home, list(scopes.values()))
        credential = DefaultAzureCredential()

        def client(name: str) -> QueueClient:
            account = scopes[name].split("/")[8]
            return QueueClient(f"https://{account}.queue.core.windows.net", name, credential=credential)

        self._images = client("images")
        self._poison = client("images-poison")

    def send(self, content: str) -> None:
        """Sends a message, however often that takes."""
        while True:
            try:
                self._images.send_message(content)
            except AzureError:
                time.sleep(_RETRY_SECONDS)
            else:
                return

    def is_drained(self) -> bool:
        """Whether the images queue has no message, those included that cannot be seen at the moment."""
        try:
            return not self._images.get_queue_properties().approximate_message_count
        except AzureError:
            return False

    def poison(self) -> list[str]:
        """The texts of the messages in the poison queue as they came, the first ones at least."""
        return [original_text(message.content) for message in self._poison.peek_messages(_MOST_PEEKED)]


def original_text(content: str) -> str:
    """The message that a poison message is about (functions/classifier/events.py)."""
    try:
        text = base64.b64decode(content, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return content
    value = json.loads(text)
    return value["message"] if isinstance(value, dict) and "poison" in value else text


def _queue_scopes() -> dict[str, str]:
    """The ARM ids of the stack's queues, by name."""
    command = ["pulumi", "stack", "export", "--stack", "soak", "--non-interactive"]
    exported = subprocess.run(command, capture_output=True, text=True, check=True)
    resources = json.loads(exported.stdout)["deployment"]["resources"]
    found = [resource["id"] for resource in resources if resource["type"] == "azure-native:storage:Queue"]
    return {scope.rsplit("/", 1)[1]: scope for scope in found}


def _assign_roles(home: Path, scopes: Sequence[str]) -> None:
    """Gives the emulator's user the roles, through the emulator's provider: no stack has a setting for it."""
    daemon = json.loads((home / "run/daemon.json").read_text())
    with grpc.insecure_channel(f"127.0.0.1:{daemon['ports']['provider']}") as channel:
        provider = provider_pb2_grpc.ResourceProviderStub(channel)
        client = provider.Invoke(provider_pb2.InvokeRequest(tok="azure-native:authorization:getClientConfig"))
        answer = json_format.MessageToDict(getattr(client, "return"))
        for scope in scopes:
            for role in _ROLES.values():
                definitions = (
                    f"/subscriptions/{answer['subscriptionId']}/providers/Microsoft.Authorization/roleDefinitions"
                )
                inputs = {
                    "scope": scope,
                    "roleAssignmentName": str(uuid.uuid4()),
                    "principalId": answer["objectId"],
                    "principalType": "User",
                    "roleDefinitionId": f"{definitions}/{role}",
                }
                request = provider_pb2.CreateRequest(
                    urn="urn:pulumi:soak::soak::azure-native:authorization:RoleAssignment::soak",
                    properties=json_format.ParseDict(inputs, struct_pb2.Struct()),
                )
                provider.Create(request)
