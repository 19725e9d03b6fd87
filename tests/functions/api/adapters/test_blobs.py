"""Signed URLs of single blobs: what they allow, how long a key is used, and which right is missing."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.exceptions import HttpResponseError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import UserDelegationKey
from common.domain.errors import ConfigurationError, RetryLaterError
from image_api.adapters.blobs import SignedImageBlobs
from image_api.domain.errors import MissingRightError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EXPIRY = NOW + timedelta(minutes=15)


def failure(status: int, code: str = "", error_type: type[HttpResponseError] = HttpResponseError) -> HttpResponseError:
    response = SimpleNamespace(status_code=status, headers={}, reason=code)
    error = error_type(message=code, response=response)  # type: ignore[arg-type]
    error.error_code = code  # type: ignore[attr-defined]
    return error


class BlobService:
    """The SDK's client, as far as it is used; `answers` by operation are raised or returned."""

    url = "https://acct.blob.core.windows.net/"
    container_name = "images"

    def __init__(self, **answers: Any) -> None:
        self.answers = {"upload": failure(412, "ConditionNotMet", ResourceModifiedError)} | answers
        self.keys: list[tuple[datetime, datetime]] = []
        self.uploads: list[dict[str, Any]] = []

    def get_container_client(self, name: str) -> "BlobService":
        assert name == "images"
        return self

    def get_blob_client(self, _name: str) -> "BlobService":
        return self

    def _answer(self, operation: str) -> None:
        if isinstance(error := self.answers.get(operation), Exception):
            raise error

    async def get_blob_properties(self) -> None:
        self._answer("properties")

    async def upload_blob(self, content: bytes, **options: Any) -> None:
        self.uploads.append({"content": content, **options})
        self._answer("upload")

    async def get_user_delegation_key(self, start: datetime, expiry: datetime) -> UserDelegationKey:
        self._answer("key")
        self.keys.append((start, expiry))
        key = UserDelegationKey()
        key.signed_oid, key.signed_tid, key.signed_service, key.signed_version = "api", "tenant", "b", "2025-11-05"
        key.signed_start, key.signed_expiry = start.isoformat(), expiry.isoformat()
        key.value = "c2VjcmV0"
        return key


def run[Result](service: BlobService, use: Callable[[SignedImageBlobs], Awaitable[Result]]) -> Result:
    async def call() -> Result:
        return await use(SignedImageBlobs(service, "images"))  # type: ignore[arg-type]

    return asyncio.run(call())


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_an_upload_is_a_signature_to_create_one_blob_by_https() -> None:
    url = run(BlobService(), lambda blobs: blobs.create_upload_url("a b/é%.png", now=NOW, expires_at=EXPIRY))
    assert url.startswith("https://acct.blob.core.windows.net/images/a%20b/%C3%A9%25.png?")
    signed = query(url)
    names = ("sp", "sr", "spr", "se", "skoid")
    assert [signed[name] for name in names] == ["c", "b", "https", "2026-01-02T03:19:05Z", "api"]


def test_the_right_to_create_is_checked_without_creating_anything() -> None:
    service = BlobService()
    run(service, lambda blobs: blobs.create_upload_url("a.png", now=NOW, expires_at=EXPIRY))
    (upload,) = service.uploads
    assert (upload["content"], upload["etag"], upload["match_condition"].name) == (b"", '"0x0"', "IfNotModified")


@pytest.mark.parametrize(
    ("stored", "content_type", "disposition"),
    [
        ("image/png", "image/png", "inline"),
        ("text/html", "application/octet-stream", "attachment"),
        ("image/svg+xml", "application/octet-stream", "attachment"),
        (None, "application/octet-stream", "attachment"),
    ],
)
def test_what_is_no_image_is_answered_as_a_download(stored: str | None, content_type: str, disposition: str) -> None:
    url = run(BlobService(), lambda blobs: blobs.create_read_url("a", stored, now=NOW, expires_at=EXPIRY))
    signed = query(url)
    assert [signed[name] for name in ("sp", "rsct", "rscd")] == ["r", content_type, disposition]


def test_a_key_is_used_for_an_hour() -> None:
    service = BlobService()

    async def use(blobs: SignedImageBlobs) -> None:
        for minutes in (0, 30, 59, 60):
            now = NOW + timedelta(minutes=minutes)
            await blobs.create_read_url("a", None, now=now, expires_at=now + timedelta(minutes=15))

    run(service, use)
    hour = timedelta(hours=1)
    skew = timedelta(minutes=5)
    assert service.keys == [(NOW - skew, NOW + 2 * hour), (NOW + hour - skew, NOW + 3 * hour)]


DENIED = failure(403, "AuthorizationPermissionMismatch")


@pytest.mark.parametrize(
    ("operation", "right"),
    [
        ("properties", "containers/blobs/read"),
        ("upload", "containers/blobs/add/action"),
        ("key", "blobServices/generateUserDelegationKey/action"),
    ],
)
def test_a_missing_right_is_named(operation: str, right: str) -> None:
    async def use(blobs: SignedImageBlobs) -> None:
        if operation == "properties":
            await blobs.exists("a")
        else:
            await blobs.create_upload_url("a", now=NOW, expires_at=EXPIRY)

    with pytest.raises(MissingRightError) as error:
        run(BlobService(**{operation: DENIED}), use)
    assert error.value.right == f"Microsoft.Storage/storageAccounts/{right}".replace(
        "storageAccounts/containers", "storageAccounts/blobServices/containers"
    )


def test_a_blob_exists_or_not() -> None:
    missing = failure(404, "BlobNotFound", ResourceNotFoundError)
    assert run(BlobService(), lambda blobs: blobs.exists("a"))
    assert not run(BlobService(properties=missing), lambda blobs: blobs.exists("a"))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (failure(404, "ContainerNotFound", ResourceNotFoundError), ConfigurationError),
        (failure(503, "ServerBusy"), RetryLaterError),
    ],
)
def test_a_missing_container_is_no_missing_blob(error: Exception, expected: type[Exception]) -> None:
    with pytest.raises(expected):
        run(BlobService(properties=error), lambda blobs: blobs.exists("a"))
    with pytest.raises(expected):
        run(BlobService(upload=error), lambda blobs: blobs.create_upload_url("a", now=NOW, expires_at=EXPIRY))
