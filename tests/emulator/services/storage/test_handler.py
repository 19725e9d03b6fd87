"""Requests to Blob and Queue Storage: tokens, roles, errors, and the events of new blobs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.core.faults import Faults
from emulator.core.identity import Identities
from emulator.gateway.router import Handler
from emulator.services.storage.handler import StorageHandler
from emulator.services.storage.user_delegation import UserDelegationKeys
from tests.emulator.conftest import ACCOUNT, CONTRIBUTOR, READER, SENDER, Deployment
from tests.emulator.support import Azurite, PublishedEvents, send_request

IMAGES = f"{ACCOUNT}/blobServices/default/containers/images"
BLOB_HOST, QUEUE_HOST = "stdata.blob.core.windows.net", "stdata.queue.core.windows.net"


@pytest.fixture
def azurite() -> Azurite:
    return Azurite()


@pytest.fixture
def events() -> PublishedEvents:
    return PublishedEvents()


@pytest.fixture
def storage(
    deployment: Deployment, identities: Identities, azurite: Azurite, events: PublishedEvents
) -> dict[str, Handler]:
    deployment.storage()
    common: dict[str, Any] = {
        "resources": deployment.resources,
        "identities": identities,
        "azurite_client": azurite,
        "publish_event": events.publish,
        "faults": Faults(Path("none")),
        "delegation_keys": UserDelegationKeys(b"secret"),
    }
    return {f"{kind}.core.windows.net": StorageHandler(kind, **common).handle for kind in ("blob", "queue")}


def test_a_reader_reads_and_does_not_write(
    storage: dict[str, Handler], deployment: Deployment, token: Callable[..., dict[str, str]]
) -> None:
    deployment.assign_role("alice", READER, IMAGES)
    assert send_request(storage, BLOB_HOST, "GET", "/images/a.png", headers=token("alice"))[::2] == (200, b"cat")
    status, headers, _ = send_request(
        storage, BLOB_HOST, "PUT", "/images/a.png", headers=token("alice") | {"x-ms-blob-type": "BlockBlob"}, data=b"x"
    )
    assert (status, headers["x-ms-error-code"]) == (403, "AuthorizationPermissionMismatch")
    assert send_request(storage, BLOB_HOST, "GET", "/deadletter/a.png", headers=token("alice"))[0] == 403


def test_a_new_blob_is_announced_and_a_refused_one_is_not(
    storage: dict[str, Handler], deployment: Deployment, token: Callable[..., dict[str, str]], events: PublishedEvents
) -> None:
    upload = {"x-ms-blob-type": "BlockBlob"}
    send_request(storage, BLOB_HOST, "PUT", "/images/a%20b.png", headers=token("alice") | upload, data=b"x")
    assert events.events == []
    deployment.assign_role("alice", CONTRIBUTOR, IMAGES)
    send_request(storage, BLOB_HOST, "PUT", "/images/a%20b.png", headers=token("alice") | upload, data=b"x")
    send_request(storage, BLOB_HOST, "PUT", "/images/a.png?comp=block&blockid=1", headers=token("alice"), data=b"x")
    send_request(storage, BLOB_HOST, "PUT", "/images/a.png?comp=metadata", headers=token("alice"))
    (event,) = events.events
    assert event.type == "Microsoft.Storage.BlobCreated"
    assert event.operation.item == "a b.png"
    assert event.data["eTag"] == "0x1"


@pytest.mark.parametrize(
    ("headers", "path", "status", "code"),
    [
        ({}, "/images/a", 401, "NoAuthenticationInformation"),
        ({"Authorization": "Bearer forged"}, "/images/a", 401, "InvalidAuthenticationInfo"),
        ({"Authorization": "SharedKey stdata:x"}, "/images/a", 403, "KeyBasedAuthenticationNotPermitted"),
        ({}, "/images/a?sv=1&sig=x", 403, "KeyBasedAuthenticationNotPermitted"),
    ],
)
def test_nobody_gets_in_without_a_token(
    storage: dict[str, Handler], azurite: Azurite, headers: dict[str, str], path: str, status: int, code: str
) -> None:
    answer = send_request(storage, BLOB_HOST, "GET", path, headers=headers)
    assert (answer[0], answer[1]["x-ms-error-code"]) == (status, code)
    assert azurite.requests == []


def test_a_token_for_another_audience_is_refused(
    storage: dict[str, Handler], deployment: Deployment, token: Callable[..., dict[str, str]]
) -> None:
    deployment.assign_role("alice", READER, IMAGES)
    wrong = token("alice", "https://management.azure.com")
    assert send_request(storage, BLOB_HOST, "GET", "/images/a.png", headers=wrong)[0] == 401
    own = token("alice", f"https://{BLOB_HOST}")
    assert send_request(storage, BLOB_HOST, "GET", "/images/a.png", headers=own)[0] == 200


def test_a_sender_sends_and_receives_nothing(
    storage: dict[str, Handler], deployment: Deployment, token: Callable[..., dict[str, str]]
) -> None:
    deployment.assign_role("topic", SENDER, f"{ACCOUNT}/queueServices/default/queues/images")
    assert send_request(storage, QUEUE_HOST, "POST", "/images/messages", headers=token("topic"), data=b"x")[0] == 201
    assert send_request(storage, QUEUE_HOST, "GET", "/images/messages", headers=token("topic"))[0] == 403


def test_what_storage_does_not_support_and_who_does_not_exist(
    storage: dict[str, Handler], token: Callable[..., dict[str, str]]
) -> None:
    answer = send_request(storage, BLOB_HOST, "PUT", "/images/a?comp=snapshot", headers=token("alice"))
    assert (answer[0], answer[1]["x-ms-error-code"]) == (501, "NotImplemented")
    assert send_request(storage, "other.blob.core.windows.net", "GET", "/images/a", headers=token("alice"))[0] == 404
