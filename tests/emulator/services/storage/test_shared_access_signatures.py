"""User delegation keys and the signatures made with them, by Azure's SDK: what they allow, and what is refused."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree as ET

import pytest
from azure.storage.blob import UserDelegationKey, generate_blob_sas, generate_container_sas

from emulator.core.faults import Faults
from emulator.core.identity import TENANT_ID, Identities
from emulator.gateway.router import Handler
from emulator.services.storage.handler import StorageHandler
from emulator.services.storage.user_delegation import UserDelegationKeys
from tests.emulator.conftest import ACCOUNT, CONTRIBUTOR, READER, Deployment
from tests.emulator.support import Answer, Azurite, PublishedEvents, send_request

HOST = "stdata.blob.core.windows.net"
IMAGES = f"{ACCOUNT}/blobServices/default/containers/images"
DELEGATOR = "db58b8e5-c6ad-4a2a-8342-4190687cbf4a"
ADD = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action"
# When this module was imported, which may be an hour before its tests run: what must be valid then lasts for a day.
NOW = datetime.now(UTC).replace(microsecond=0)
UPLOAD = {"x-ms-blob-type": "BlockBlob"}


class Storage:
    """The emulated blob service, with the principal `api` that may create keys."""

    def __init__(self, deployment: Deployment, identities: Identities, token: Callable[..., dict[str, str]]) -> None:
        deployment.storage()
        self.deployment = deployment
        self.token = token
        self.azurite = Azurite()
        self.events = PublishedEvents()
        handler = StorageHandler(
            "blob",
            resources=deployment.resources,
            identities=identities,
            azurite_client=self.azurite,  # type: ignore[arg-type]
            publish_event=self.events.publish,
            faults=Faults(Path("none")),
            delegation_keys=UserDelegationKeys(b"secret"),
        )
        self.handlers: dict[str, Handler] = {"blob.core.windows.net": handler.handle}

    def send(self, method: str, path: str, **options: Any) -> Answer:
        return send_request(self.handlers, HOST, method, path, **options)

    def request_key(self, start: datetime, expiry: datetime, principal: str = "api") -> Answer:
        body = (
            f"<KeyInfo><Start>{start:%Y-%m-%dT%H:%M:%SZ}</Start><Expiry>{expiry:%Y-%m-%dT%H:%M:%SZ}</Expiry></KeyInfo>"
        )
        path = "/?restype=service&comp=userdelegationkey"
        return self.send("POST", path, headers=self.token(principal), data=body.encode())

    def key(self, *, start: datetime = NOW - timedelta(minutes=5), expiry: datetime = NOW + timedelta(days=2)) -> Any:
        status, _, body = self.request_key(start, expiry)
        assert status == 200
        texts = {element.tag: element.text for element in ET.fromstring(body)}
        key = UserDelegationKey()
        key.signed_oid, key.signed_tid = texts["SignedOid"], texts["SignedTid"]
        key.signed_start, key.signed_expiry = texts["SignedStart"], texts["SignedExpiry"]
        key.signed_service, key.signed_version = texts["SignedService"], texts["SignedVersion"]
        key.value = texts["Value"]
        return key

    def sign(self, permission: str, *, blob: Any = "cat.png", key: Any = None, **options: Any) -> str:
        options = {"expiry": NOW + timedelta(days=1), "protocol": "https"} | options
        return generate_blob_sas(
            "stdata", "images", blob, user_delegation_key=key or self.key(), permission=permission, **options
        )


@pytest.fixture
def storage(deployment: Deployment, identities: Identities, token: Callable[..., dict[str, str]]) -> Storage:
    storage = Storage(deployment, identities, token)
    deployment.assign_role("api", DELEGATOR, ACCOUNT)
    deployment.assign_role("api", READER, IMAGES)
    deployment.assign_role("api", deployment.role("creator", ADD), IMAGES)
    storage.azurite.missing |= {"/images/cat.png", "/images/a%20b/%C3%A9.png"}
    return storage


def code(answer: Answer) -> tuple[int, str]:
    return answer[0], answer[1]["x-ms-error-code"]


def test_a_key_is_for_its_principal_and_times_and_always_the_same(storage: Storage) -> None:
    key = storage.key()
    assert (key.signed_oid, key.signed_tid, key.signed_service) == ("api", TENANT_ID, "b")
    assert key.signed_start == f"{NOW - timedelta(minutes=5):%Y-%m-%dT%H:%M:%SZ}"
    assert key.value == storage.key().value
    assert key.value != storage.key(expiry=NOW + timedelta(days=3)).value


@pytest.mark.parametrize(
    ("start", "expiry"),
    [
        (timedelta(0), timedelta(days=8)),
        (timedelta(days=1), timedelta(days=1)),
        (timedelta(hours=-2), timedelta(hours=-1)),
    ],
)
def test_a_key_expires_within_seven_days(storage: Storage, start: timedelta, expiry: timedelta) -> None:
    assert code(storage.request_key(NOW + start, NOW + expiry)) == (400, "InvalidXmlNodeValue")


@pytest.mark.parametrize(
    ("body", "status"), [(b"", 400), (b"<KeyInfo>", 400), (b"<KeyInfo/>", 501), (b"<A><Start/></A>", 501)]
)
def test_a_request_for_a_key_has_two_times(storage: Storage, body: bytes, status: int) -> None:
    path = "/?restype=service&comp=userdelegationkey"
    assert storage.send("POST", path, headers=storage.token("api"), data=body)[0] == status


def test_a_key_needs_the_right_at_the_account(storage: Storage) -> None:
    storage.deployment.assign_role("bob", READER, IMAGES)
    answer = storage.request_key(NOW, NOW + timedelta(days=1), "bob")
    assert code(answer) == (403, "AuthorizationPermissionMismatch")


def test_a_signature_to_create_creates_one_blob(storage: Storage) -> None:
    assert storage.send("PUT", f"/images/cat.png?{storage.sign('c')}", headers=UPLOAD, data=b"x")[0] == 201
    assert storage.azurite.requests[-2:][0] == ("PUT", "/images/cat.png", [])
    (event,) = storage.events.events
    assert (event.type, event.operation.item) == ("Microsoft.Storage.BlobCreated", "cat.png")


def test_a_name_is_signed_as_it_is_stored(storage: Storage) -> None:
    signature = storage.sign("c", blob="a b/é.png")
    assert storage.send("PUT", f"/images/a%20b/%C3%A9.png?{signature}", headers=UPLOAD, data=b"x")[0] == 201


def test_a_signature_to_create_overwrites_nothing(storage: Storage) -> None:
    storage.azurite.missing.clear()
    answer = storage.send("PUT", f"/images/cat.png?{storage.sign('c')}", headers=UPLOAD, data=b"x")
    assert code(answer) == (403, "UnauthorizedBlobOverwrite")
    assert storage.events.events == []


def test_two_uploads_at_once_do_not_overwrite_each_other(storage: Storage) -> None:
    """The blob that was missing a moment ago may exist now: Azurite compares again."""
    recorded: list[list[tuple[str, str]]] = []
    request = storage.azurite.request

    def record(*arguments: Any, **options: Any) -> Any:
        recorded.append([*options.get("headers", ())])
        return request(*arguments, **options)

    storage.azurite.request = record  # type: ignore[method-assign]
    storage.send("PUT", f"/images/cat.png?{storage.sign('c')}", headers=UPLOAD, data=b"x")
    assert ("If-None-Match", "*") in recorded[1]


@pytest.mark.parametrize(
    ("permission", "method", "path"),
    [
        ("c", "GET", "/images/cat.png"),
        ("c", "HEAD", "/images/cat.png"),
        ("c", "DELETE", "/images/cat.png"),
        ("c", "PUT", "/images/cat.png?comp=metadata"),
        ("r", "PUT", "/images/cat.png"),
        ("r", "DELETE", "/images/cat.png"),
        ("r", "GET", "/images/cat.png?comp=tags"),
    ],
)
def test_a_signature_allows_its_permissions_only(storage: Storage, permission: str, method: str, path: str) -> None:
    separator = "&" if "?" in path else "?"
    answer = storage.send(method, f"{path}{separator}{storage.sign(permission)}", headers=UPLOAD)
    assert code(answer) == (403, "AuthorizationPermissionMismatch")


@pytest.mark.parametrize("path", ["/images/dog.png", "/images/a/cat.png", "/deadletter/cat.png", "/images/CAT.png"])
def test_a_signature_is_for_one_blob(storage: Storage, path: str) -> None:
    signature = storage.sign("c")
    assert code(storage.send("PUT", f"{path}?{signature}", headers=UPLOAD)) == (403, "AuthenticationFailed")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sp", "cw"),
        ("se", "2099-01-01T00:00:00Z"),
        ("spr", "https,http"),
        ("sr", "c"),
        ("skoid", "admin"),
        ("ske", "2099-01-01T00:00:00Z"),
        ("sig", "AAAA"),
        ("rsct", "text/html"),
    ],
)
def test_a_signature_that_was_changed_is_refused(storage: Storage, name: str, value: str) -> None:
    query = dict(parse_qsl(storage.sign("c"))) | {name: value}
    answer = storage.send("PUT", f"/images/cat.png?{urlencode(query)}", headers=UPLOAD)
    assert code(answer) == (403, "AuthenticationFailed")
    assert storage.azurite.requests == []


@pytest.mark.parametrize("name", ["sp", "se", "sr", "sv", "sktid", "skt", "ske", "sks", "skv"])
def test_a_signature_with_a_field_missing_is_refused(storage: Storage, name: str) -> None:
    query = dict(parse_qsl(storage.sign("c")))
    del query[name]
    assert code(storage.send("PUT", f"/images/cat.png?{urlencode(query)}")) == (403, "AuthenticationFailed")


@pytest.mark.parametrize(
    "times",
    [
        {"expiry": NOW - timedelta(seconds=1)},
        {"start": NOW + timedelta(hours=12)},
    ],
)
def test_a_signature_is_valid_in_its_time_only(storage: Storage, times: dict[str, datetime]) -> None:
    answer = storage.send("PUT", f"/images/cat.png?{storage.sign('c', **times)}", headers=UPLOAD)
    assert code(answer) == (403, "AuthenticationFailed")
    assert b"Signature not valid in the specified time frame" in answer[2]


def test_a_signature_expires_with_its_key(storage: Storage) -> None:
    key = storage.key(start=NOW - timedelta(hours=1), expiry=NOW + timedelta(days=1))
    key.signed_expiry = f"{NOW - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
    answer = storage.send("PUT", f"/images/cat.png?{storage.sign('c', key=key)}", headers=UPLOAD)
    assert code(answer) == (403, "AuthenticationFailed")


def test_a_signature_allows_no_more_than_the_roles_of_its_principal(storage: Storage) -> None:
    assert code(storage.send("DELETE", f"/images/cat.png?{storage.sign('d')}")) == (
        403,
        "AuthorizationPermissionMismatch",
    )
    storage.azurite.missing.clear()
    answer = storage.send("PUT", f"/images/cat.png?{storage.sign('w')}", headers=UPLOAD)
    assert code(answer) == (403, "AuthorizationPermissionMismatch")
    storage.deployment.assign_role("api", CONTRIBUTOR, IMAGES)
    assert storage.send("PUT", f"/images/cat.png?{storage.sign('w')}", headers=UPLOAD)[0] == 201
    assert storage.send("DELETE", f"/images/cat.png?{storage.sign('d')}")[0] == 202


def test_a_role_that_is_taken_away_ends_the_signatures(storage: Storage) -> None:
    signature = storage.sign("r")
    assert storage.send("GET", f"/images/cat.png?{signature}")[::2] == (200, b"cat")
    for assignment in storage.deployment.resources.of_type("authorization:RoleAssignment"):
        storage.deployment.resources.remove(assignment.id)
    assert code(storage.send("GET", f"/images/cat.png?{signature}")) == (403, "AuthorizationPermissionMismatch")


def test_a_signature_sets_headers_of_the_response(storage: Storage) -> None:
    signature = storage.sign("r", content_type="application/octet-stream", content_disposition="attachment")
    status, headers, _ = storage.send("GET", f"/images/cat.png?{signature}")
    assert (status, headers["Content-Type"], headers["Content-Disposition"]) == (
        200,
        "application/octet-stream",
        "attachment",
    )


def test_a_signature_for_a_container_lists_it(storage: Storage) -> None:
    signature = generate_container_sas(
        "stdata",
        "images",
        user_delegation_key=storage.key(),
        permission="l",
        expiry=NOW + timedelta(days=1),
    )
    assert storage.send("GET", f"/images?restype=container&comp=list&{signature}")[0] == 200


@pytest.mark.parametrize(
    ("options", "name"),
    [({"ip": "1.2.3.4"}, "sip"), ({"encryption_scope": "s"}, "ses"), ({"request_headers": {"a": "b"}}, "srh")],
)
def test_what_the_emulator_does_not_support_in_a_signature_is_refused(
    storage: Storage, options: dict[str, Any], name: str
) -> None:
    answer = storage.send("PUT", f"/images/cat.png?{storage.sign('c', **options)}", headers=UPLOAD)
    assert code(answer) == (501, "NotImplemented")
    assert name.encode() in answer[2]


def test_the_right_to_create_does_not_overwrite_with_a_token(storage: Storage) -> None:
    headers = storage.token("api") | UPLOAD
    assert storage.send("PUT", "/images/cat.png", headers=headers, data=b"x")[0] == 201
    storage.azurite.missing.clear()
    answer = storage.send("PUT", "/images/cat.png", headers=headers, data=b"x")
    assert code(answer) == (403, "AuthorizationPermissionMismatch")
