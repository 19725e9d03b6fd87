"""What a storage request is about to do: the operation, the scope it touches and the actions it needs.

The actions are those of https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory
(permissions for calling blob and queue data operations). An operation that is not listed here is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_QUEUES = "Microsoft.Storage/storageAccounts/queueServices/queues"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """`needs` lists alternatives; each is a set of actions that must all be allowed. `scope` is below the account."""

    name: str
    scope: str
    needs: tuple[frozenset[str], ...]
    container: str
    item: str


# Method, percent-encoded path behind the account, query, headers.
Reader = Callable[[str, str, Mapping[str, str], Mapping[str, str]], Operation]


class Unsupported(Exception):
    """The laptop does not do this; the text says what was asked."""


def blob(method: str, raw_path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Operation:
    """The blob operation behind a request. Raises Unsupported."""
    container, name = _split(raw_path)
    restype, comp = query.get("restype"), query.get("comp")
    scope = f"/blobServices/default/containers/{container}" if container else "/blobServices/default"
    if not container:
        key = (method, comp or restype)
        title, actions = _pick(_ACCOUNT, key, method, raw_path, query)
    elif not name:
        key = (method, comp or restype)
        title, actions = _pick(_CONTAINER, key, method, raw_path, query)
    else:
        title, actions = _pick(_BLOB, (method, comp), method, raw_path, query)
        if title == "PutBlob" and "x-ms-copy-source" in headers:
            raise Unsupported("copying blobs is not supported on the laptop")
        if title == "PutBlob" and headers.get("x-ms-blob-type") != "BlockBlob":
            raise Unsupported(f"the laptop supports block blobs only, not {headers.get('x-ms-blob-type')}")
        if "x-ms-tags" in headers:
            actions = tuple(choice | {f"{_BLOBS}/blobs/tags/write"} for choice in actions)
    return Operation(name=title, scope=scope, needs=actions, container=container, item=name)


def queue(method: str, raw_path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Operation:
    """The queue operation behind a request. Raises Unsupported."""
    name, rest = _split(raw_path)
    if not name:
        raise Unsupported(f"{method} {raw_path} {dict(query)} on the queue service")
    place = "message" if rest.startswith("messages/") else rest
    key = (method, place, query.get("comp") or ("peek" if query.get("peekonly") == "true" else None))
    title, actions = _pick(_QUEUE, key, method, raw_path, query)
    scope = f"/queueServices/default/queues/{name}"
    return Operation(name=title, scope=scope, needs=actions, container=name, item=rest)


def _split(raw_path: str) -> tuple[str, str]:
    container, _, name = raw_path.removeprefix("/").partition("/")
    return unquote(container), unquote(name)


_Entry = tuple[str, tuple[frozenset[str], ...]]


def _pick[Key](table: Mapping[Key, _Entry], key: Key, method: str, path: str, query: Mapping[str, str]) -> _Entry:
    if key not in table:
        raise Unsupported(f"{method} {path} {dict(query)}")
    return table[key]


def _one_of(*alternatives: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(alternative.split()) for alternative in alternatives)


_READ, _WRITE = f"{_BLOBS}/blobs/read", f"{_BLOBS}/blobs/write"
_DELETE = f"{_BLOBS}/blobs/delete"
_ACCOUNT: dict[tuple[str, str | None], _Entry] = {
    ("GET", "list"): ("ListContainers", _one_of(f"{_BLOBS}/read")),
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
    ("PUT", None): ("PutBlob", _one_of(_WRITE)),
    ("PUT", "block"): ("PutBlock", _one_of(_WRITE)),
    ("PUT", "blocklist"): ("PutBlockList", _one_of(_WRITE)),
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
