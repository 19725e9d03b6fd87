"""The least of Blob Storage that the API needs: names of blobs, keys for signatures, and deletions."""

from collections.abc import Awaitable, Callable, Container
from datetime import UTC, datetime, timedelta

from aiohttp import web

PRINCIPAL = "api"
TENANT = "tenant-1"


def blob_handler(names: Container[str] = ()) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler of an account that has blobs of these names in a container.

    It gives user delegation keys, and has none of the ETags that an upload requires. A blob that is deleted stays, so
    that it can be deleted again.
    """

    async def answer(request: web.Request) -> web.Response:
        if request.query.get("comp") == "userdelegationkey":
            return _create_key()
        if request.method == "PUT":
            return web.Response(status=412, headers={"x-ms-error-code": "ConditionNotMet"})
        if request.path.split("/", maxsplit=2)[-1] not in names:
            return web.Response(status=404, headers={"x-ms-error-code": "BlobNotFound"})
        if request.method == "DELETE":
            return web.Response(status=202)
        return web.Response(headers={"ETag": '"0x1"', "Last-Modified": "Fri, 02 Jan 2026 03:04:05 GMT"})

    return answer


def _create_key() -> web.Response:
    """The response to Get User Delegation Key."""
    now = datetime.now(UTC)
    start, expiry = (f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in (now, now + timedelta(hours=2)))
    key = (
        f"<SignedOid>{PRINCIPAL}</SignedOid><SignedTid>{TENANT}</SignedTid><SignedStart>{start}</SignedStart>"
        f"<SignedExpiry>{expiry}</SignedExpiry><SignedService>b</SignedService>"
        "<SignedVersion>2025-11-05</SignedVersion><Value>c2VjcmV0</Value>"
    )
    return web.Response(
        text=f"<UserDelegationKey>{key}</UserDelegationKey>", content_type="application/xml", charset="utf-8"
    )
