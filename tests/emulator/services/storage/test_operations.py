"""Storage requests: what each is, what it touches, which actions it needs; anything else is refused."""

from collections.abc import Callable

import pytest

from emulator.services.storage import operations

BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
ADD = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action"
MESSAGES = "Microsoft.Storage/storageAccounts/queueServices/queues/messages"
BLOCK = {"x-ms-blob-type": "BlockBlob"}


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "name", "needs"),
    [
        ("GET", "/images/a%20b/c.png", {}, {}, "GetBlob", [{f"{BLOBS}/blobs/read"}]),
        ("PUT", "/images/c.png", {}, BLOCK, "PutBlob", [{f"{BLOBS}/blobs/write"}, {ADD}]),
        (
            "PUT",
            "/images/c.png",
            {},
            BLOCK | {"x-ms-tags": "a=b"},
            "PutBlob",
            [{f"{BLOBS}/blobs/write", f"{BLOBS}/blobs/tags/write"}, {ADD, f"{BLOBS}/blobs/tags/write"}],
        ),
        ("PUT", "/images/c.png", {"comp": "blocklist"}, {}, "PutBlockList", [{f"{BLOBS}/blobs/write"}, {ADD}]),
        ("DELETE", "/images/c.png", {}, {}, "DeleteBlob", [{f"{BLOBS}/blobs/delete"}]),
        ("GET", "/images", {"restype": "container", "comp": "list"}, {}, "ListBlobs", [{f"{BLOBS}/blobs/read"}]),
        ("GET", "/", {"comp": "list"}, {}, "ListContainers", [{f"{BLOBS}/read"}]),
    ],
)
def test_blob_requests(
    method: str, path: str, query: dict[str, str], headers: dict[str, str], name: str, needs: list[set[str]]
) -> None:
    operation = operations.read_blob_operation(method, path, query, headers)
    assert operation.name == name
    assert [set(choice) for choice in operation.alternatives] == needs


def test_a_blob_is_known_by_its_decoded_name() -> None:
    operation = operations.read_blob_operation("GET", "/images/a%20b/%23%25.png", {}, {})
    assert (operation.scope, operation.item) == ("/blobServices/default/containers/images", "a b/#%.png")


@pytest.mark.parametrize(
    ("method", "path", "query", "name", "needs"),
    [
        ("POST", "/images/messages", {}, "PutMessage", [{f"{MESSAGES}/add/action"}, {f"{MESSAGES}/write"}]),
        (
            "GET",
            "/images/messages",
            {"numofmessages": "8"},
            "GetMessages",
            [{f"{MESSAGES}/process/action"}, {f"{MESSAGES}/delete", f"{MESSAGES}/read"}],
        ),
        ("GET", "/images/messages", {"peekonly": "true"}, "PeekMessages", [{f"{MESSAGES}/read"}]),
        ("DELETE", "/images/messages/1", {}, "DeleteMessage", [{f"{MESSAGES}/process/action"}, {f"{MESSAGES}/delete"}]),
        ("PUT", "/images/messages/1", {}, "UpdateMessage", [{f"{MESSAGES}/write"}]),
        ("DELETE", "/images/messages", {}, "ClearMessages", [{f"{MESSAGES}/delete"}]),
    ],
)
def test_queue_requests(method: str, path: str, query: dict[str, str], name: str, needs: list[set[str]]) -> None:
    operation = operations.read_queue_operation(method, path, query, {})
    assert operation.name == name
    assert operation.scope == "/queueServices/default/queues/images"
    assert [set(choice) for choice in operation.alternatives] == needs


@pytest.mark.parametrize(
    ("read", "method", "path", "query", "headers"),
    [
        (operations.read_blob_operation, "PUT", "/images/a", {}, {"x-ms-blob-type": "PageBlob"}),
        (operations.read_blob_operation, "PUT", "/images/a", {}, {"x-ms-copy-source": "https://x"}),
        (operations.read_blob_operation, "PUT", "/images/a", {"comp": "snapshot"}, {}),
        (operations.read_blob_operation, "POST", "/", {"comp": "batch"}, {}),
        (operations.read_blob_operation, "GET", "/", {"restype": "service", "comp": "userdelegationkey"}, {}),
        (operations.read_queue_operation, "PUT", "/images", {"comp": "acl"}, {}),
        (operations.read_queue_operation, "GET", "/", {"comp": "list"}, {}),
    ],
)
def test_what_is_not_supported_is_refused(
    read: Callable[..., operations.Operation], method: str, path: str, query: dict[str, str], headers: dict[str, str]
) -> None:
    with pytest.raises(operations.UnsupportedOperationError):
        read(method, path, query, headers)
