"""The queues of the soak test: messages that are not events of the pipeline, which alone may become poison."""

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
_MAX_PEEKED = 32
_RETRY_SECONDS = 2.0


def _event(number: int, *, subject: str, event_type: str = "Microsoft.Storage.BlobCreated") -> str:
    return json.dumps(
        {
            "id": f"unrelated-{number}",
            "eventType": event_type,
            "subject": subject,
            "eventTime": "2026-11-25T00:00:00Z",
            "data": {"url": "https://elsewhere.blob.core.windows.net/images/a.jpg"},
        }
    )


_SUBJECT = "/blobServices/default/containers/images/blobs"
# Messages that are not events about blobs of the stack. All are different, so that each is recognized in the end.
_TEXTS: Sequence[Callable[[int], str]] = (
    lambda number: f"no JSON {number}",
    lambda number: json.dumps([number]),
    lambda number: json.dumps({"number": number, "text": "\ud800"}),
    lambda number: _event(number, subject=f"{_SUBJECT}/a/../{number}.jpg"),
    lambda number: _event(number, subject=f"{_SUBJECT}/{number}.jpg"),
    lambda number: _event(number, subject=f"/resource/{number}", event_type="Microsoft.Resources.ResourceWriteSuccess"),
)


def unrelated_messages(count: int) -> dict[str, str]:
    """`count` messages that are not events of the pipeline: the content to send by the text of the message.

    One in seven is not base64, which the Functions host itself moves to the poison queue.
    """
    contents: dict[str, str] = {}
    for number in range(count):
        kind = number % (len(_TEXTS) + 1)
        if kind == len(_TEXTS):
            text = f"not base64: {number}"
            contents[text] = text
        else:
            text = _TEXTS[kind](number)
            contents[text] = base64.b64encode(text.encode()).decode()
    return contents


class Queues:
    """The images queue and its poison queue; assigns the emulator's user the roles to send and to peek messages."""

    def __init__(self, state_directory: Path) -> None:
        scopes = _queue_scopes()
        _assign_roles(state_directory, list(scopes.values()))
        credential = DefaultAzureCredential()

        def create_client(name: str) -> QueueClient:
            account = scopes[name].split("/")[8]
            return QueueClient(f"https://{account}.queue.core.windows.net", name, credential=credential)

        self._images = create_client("images")
        self._poison = create_client("images-poison")

    def send(self, content: str) -> None:
        """Send a message, and try again until the queue accepts it."""
        while True:
            try:
                self._images.send_message(content)
            except AzureError:
                time.sleep(_RETRY_SECONDS)
            else:
                return

    def is_drained(self) -> bool:
        """Whether the images queue has no message, visible or not. False while the queue cannot be reached."""
        try:
            return not self._images.get_queue_properties().approximate_message_count
        except AzureError:
            return False

    def peek_poison_messages(self) -> list[str]:
        """The original texts of the first 32 messages in the poison queue."""
        return [original_text(message.content) for message in self._poison.peek_messages(_MAX_PEEKED)]


def original_text(content: str) -> str:
    """The text of the message that became this poison message (functions/pipeline/classifier/domain/events.py)."""
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
    scopes = [resource["id"] for resource in resources if resource["type"] == "azure-native:storage:Queue"]
    return {scope.rsplit("/", 1)[1]: scope for scope in scopes}


def _assign_roles(state_directory: Path, scopes: Sequence[str]) -> None:
    """Assign the emulator's user the roles, through the emulator's provider: no stack has a setting for it."""
    daemon = json.loads((state_directory / "run/daemon.json").read_text())
    with grpc.insecure_channel(f"127.0.0.1:{daemon['ports']['provider']}") as channel:
        provider = provider_pb2_grpc.ResourceProviderStub(channel)
        response = provider.Invoke(provider_pb2.InvokeRequest(tok="azure-native:authorization:getClientConfig"))
        client_config = json_format.MessageToDict(getattr(response, "return"))
        subscription = f"/subscriptions/{client_config['subscriptionId']}"
        definitions = f"{subscription}/providers/Microsoft.Authorization/roleDefinitions"
        for scope in scopes:
            for role in _ROLES.values():
                inputs = {
                    "scope": scope,
                    "roleAssignmentName": str(uuid.uuid4()),
                    "principalId": client_config["objectId"],
                    "principalType": "User",
                    "roleDefinitionId": f"{definitions}/{role}",
                }
                request = provider_pb2.CreateRequest(
                    urn="urn:pulumi:soak::soak::azure-native:authorization:RoleAssignment::soak",
                    properties=json_format.ParseDict(inputs, struct_pb2.Struct()),
                )
                provider.Create(request)
