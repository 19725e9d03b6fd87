"""The operation that a storage request asks for: its name, its scope, and the actions that it requires.

The actions are those of https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory
(permissions for calling blob and queue data operations). The service refuses operations that are not in these tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_QUEUES = "Microsoft.Storage/storageAccounts/queueServices/queues"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What a request asks for.

    Attributes:
        name: The operation's name in Storage's REST API, as events have it.
        scope: The ARM scope that it needs a role on, below the storage account.
        alternatives: Sets of actions; the caller needs all actions of one set.
        container: Name of the container or queue.
        item: Name of the blob, or the path of the message.
    """

    name: str
    scope: str
    alternatives: tuple[frozenset[str], ...]
    container: str
    item: str


class UnsupportedOperationError(Exception):
    """The emulator does not support this operation; the message describes it."""


def read_blob_operation(method: str, raw_path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Operation:
    """The blob operation that a request asks for; `raw_path` is percent-encoded and starts after the account.

    Raises UnsupportedOperationError.
    """
    container, name = _split(raw_path)
    comp = query.get("comp")
    scope = "/blobServices/default"
    if container:
        scope = f"{scope}/containers/{container}"
    if query.get("comp") == "userdelegationkey":
        # "the action must be scoped at the level of the storage account, the resource group, or the subscription":
        # https://learn.microsoft.com/rest/api/storageservices/get-user-delegation-key#permissions
        scope = ""
    if not container:
        title, actions = _look_up(_ACCOUNT, (method, comp or query.get("restype")), method, raw_path, query)
    elif not name:
        title, actions = _look_up(_CONTAINER, (method, comp or query.get("restype")), method, raw_path, query)
    else:
        title, actions = _look_up(_BLOB, (method, comp), method, raw_path, query)
        if title == "PutBlob" and "x-ms-copy-source" in headers:
            raise UnsupportedOperationError("the emulator does not copy blobs")
        if title == "PutBlob" and headers.get("x-ms-blob-type") != "BlockBlob":
            blob_type = headers.get("x-ms-blob-type")
            raise UnsupportedOperationError(f"the emulator supports block blobs only, not {blob_type}")
        if "x-ms-tags" in headers:
            actions = tuple(choice | {f"{_BLOBS}/blobs/tags/write"} for choice in actions)
    return Operation(name=title, scope=scope, alternatives=actions, container=container, item=name)


def read_queue_operation(method: str, raw_path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Operation:
    """The queue operation that a request asks for; the arguments are those of `read_blob_operation`.

    Raises UnsupportedOperationError.
    """
    del headers
    name, rest = _split(raw_path)
    if not name:
        raise UnsupportedOperationError(f"{method} {raw_path} {dict(query)} on the queue service")
    resource = "message" if rest.startswith("messages/") else rest
    variant = query.get("comp")
    if variant is None and query.get("peekonly") == "true":
        variant = "peek"
    title, actions = _look_up(_QUEUE, (method, resource, variant), method, raw_path, query)
    scope = f"/queueServices/default/queues/{name}"
    return Operation(name=title, scope=scope, alternatives=actions, container=name, item=rest)


def _split(raw_path: str) -> tuple[str, str]:
    container, _, name = raw_path.removeprefix("/").partition("/")
    return unquote(container), unquote(name)


_Entry = tuple[str, tuple[frozenset[str], ...]]


def _look_up[Key](table: Mapping[Key, _Entry], key: Key, method: str, path: str, query: Mapping[str, str]) -> _Entry:
    if key not in table:
        raise UnsupportedOperationError(f"{method} {path} {dict(query)}")
    return table[key]


def _one_of(*alternatives: str) -> tuple[frozenset[str], ...]:
    """Sets of actions; each argument has the actions of one set, separated by blanks."""
    return tuple(frozenset(alternative.split()) for alternative in alternatives)


_READ = f"{_BLOBS}/blobs/read"
_WRITE = f"{_BLOBS}/blobs/write"
_DELETE = f"{_BLOBS}/blobs/delete"
# Creates a blob, and overwrites none:
# https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory#permissions-for-blob-service-operations
ADD = f"{_BLOBS}/blobs/add/action"
_ACCOUNT: dict[tuple[str, str | None], _Entry] = {
    ("GET", "list"): ("ListContainers", _one_of(f"{_BLOBS}/read")),
    ("POST", "userdelegationkey"): (
        "GetUserDelegationKey",
        _one_of("Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action"),
    ),
}
_CONTAINER: dict[tuple[str, str | None], _Entry] = {
    ("GET", "list"): ("ListBlobs", _one_of(_READ)),
    ("GET", "container"): ("GetContainerProperties", _one_of(f"{_BLOBS}/read")),
    ("HEAD", "container"): ("GetContainerProperties", _one_of(f"{_BLOBS}/read")),
    ("PUT", "container"): ("CreateContainer", _one_of(f"{_BLOBS}/write")),
    ("DELETE", "container"): ("DeleteContainer", _one_of(f"{_BLOBS}/delete")),
}
_BLOB: dict[tuple[str, str | None], _Entry] = {
    ("GET", None): ("GetBlob", _one_of(_READ)),
    ("HEAD", None): ("GetBlobProperties", _one_of(_READ)),
    ("PUT", None): ("PutBlob", _one_of(_WRITE, ADD)),
    ("PUT", "block"): ("PutBlock", _one_of(_WRITE, ADD)),
    ("PUT", "blocklist"): ("PutBlockList", _one_of(_WRITE, ADD)),
    ("GET", "blocklist"): ("GetBlockList", _one_of(_READ)),
    ("PUT", "properties"): ("SetBlobProperties", _one_of(_WRITE)),
    ("PUT", "metadata"): ("SetBlobMetadata", _one_of(_WRITE)),
    ("GET", "metadata"): ("GetBlobMetadata", _one_of(_READ)),
    ("PUT", "lease"): ("LeaseBlob", _one_of(_WRITE)),
    ("GET", "tags"): ("GetBlobTags", _one_of(f"{_BLOBS}/blobs/tags/read")),
    ("PUT", "tags"): ("SetBlobTags", _one_of(f"{_BLOBS}/blobs/tags/write")),
    ("DELETE", None): ("DeleteBlob", _one_of(_DELETE)),
}
_MESSAGES = f"{_QUEUES}/messages"
_PROCESS = f"{_MESSAGES}/process/action"
_QUEUE: dict[tuple[str, str, str | None], _Entry] = {
    ("PUT", "", None): ("CreateQueue", _one_of(f"{_QUEUES}/write")),
    ("DELETE", "", None): ("DeleteQueue", _one_of(f"{_QUEUES}/delete")),
    ("GET", "", "metadata"): ("GetQueueMetadata", _one_of(f"{_QUEUES}/read")),
    ("HEAD", "", "metadata"): ("GetQueueMetadata", _one_of(f"{_QUEUES}/read")),
    ("POST", "messages", None): ("PutMessage", _one_of(f"{_MESSAGES}/add/action", f"{_MESSAGES}/write")),
    ("GET", "messages", None): ("GetMessages", _one_of(_PROCESS, f"{_MESSAGES}/delete {_MESSAGES}/read")),
    ("GET", "messages", "peek"): ("PeekMessages", _one_of(f"{_MESSAGES}/read")),
    ("DELETE", "messages", None): ("ClearMessages", _one_of(f"{_MESSAGES}/delete")),
    ("DELETE", "message", None): ("DeleteMessage", _one_of(_PROCESS, f"{_MESSAGES}/delete")),
    ("PUT", "message", None): ("UpdateMessage", _one_of(f"{_MESSAGES}/write")),
}
