"""Requests to Azurite under the names of the deployed storage accounts, signed with Azurite's keys."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from email.utils import formatdate

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from emulator.services.storage.azurite import AccountSlots, Azurite

_API_VERSION = "2025-11-05"
# Headers of one connection, and headers that this client sets: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
HOP_BY_HOP_HEADERS = frozenset(
    {"host", "connection", "transfer-encoding", "keep-alive", "expect", "accept-encoding", "authorization"}
)


class AzuriteClient:
    """Sends requests to Azurite as the owner of a storage account."""

    def __init__(self, azurite: Azurite, slots: AccountSlots, session: aiohttp.ClientSession) -> None:
        self._azurite = azurite
        self.slots = slots
        self._session = session

    def request(
        self,
        service: str,
        account: str,
        method: str,
        raw_path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        body: bytes | AsyncIterable[bytes] | None = None,
    ) -> aiohttp.client._RequestContextManager:  # pyright: ignore[reportPrivateUsage] (aiohttp names its type so)
        """Send a request; to be used with `async with`.

        Args:
            service: `blob` or `queue`.
            account: Name of the deployed storage account.
            method: HTTP method.
            raw_path: Percent-encoded path after the account.
            query: Query parameters.
            headers: Headers of the original request; hop-by-hop headers are dropped.
            body: The body, whole or as a stream.
        """
        slot = self.slots.slot_of(account)
        request_headers = CIMultiDict(headers)
        for name in [*request_headers]:
            if name.lower() in HOP_BY_HOP_HEADERS:
                request_headers.popall(name, None)
        request_headers.setdefault("x-ms-date", formatdate(usegmt=True))
        request_headers.setdefault("x-ms-version", _API_VERSION)
        if isinstance(body, bytes) or body is None:
            request_headers["Content-Length"] = str(len(body or b""))
        path = f"/{slot}{raw_path}"
        request_headers["Authorization"] = self._signature(slot, method, path, query, request_headers)
        url = URL(self._azurite.urls[service] + path, encoded=True)
        if query:
            url = url.with_query([*query])
        return self._session.request(
            method,
            url,
            headers=request_headers,
            data=body or None,
            allow_redirects=False,
            skip_auto_headers=("User-Agent", "Content-Type", "Accept", "Accept-Encoding"),
        )

    def _signature(
        self, slot: str, method: str, path: str, query: Sequence[tuple[str, str]], headers: Mapping[str, str]
    ) -> str:
        """See https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key."""
        length = headers.get("Content-Length", "")
        standard_headers = [
            headers.get("Content-Encoding", ""),
            headers.get("Content-Language", ""),
            "" if length == "0" else length,
            headers.get("Content-MD5", ""),
            headers.get("Content-Type", ""),
            "",  # Date: x-ms-date is always there instead
            headers.get("If-Modified-Since", ""),
            headers.get("If-Match", ""),
            headers.get("If-None-Match", ""),
            headers.get("If-Unmodified-Since", ""),
            headers.get("Range", ""),
        ]
        # Sorted by name; a sort of the lines would be another one, as ":" sorts after "-".
        storage_headers = sorted(
            (name.lower(), value.strip()) for name, value in headers.items() if name.lower().startswith("x-ms-")
        )
        parameters: dict[str, list[str]] = {}
        for name, value in query:
            parameters.setdefault(name.lower(), []).append(value)
        resource = f"/{slot}{path}"
        for name, values in sorted(parameters.items()):
            resource += f"\n{name}:{','.join(sorted(values))}"
        storage_header_lines = [f"{name}:{value}" for name, value in storage_headers]
        text = "\n".join([method, *standard_headers, *storage_header_lines, resource])
        digest = hmac.new(self._azurite.keys[slot], text.encode(), hashlib.sha256).digest()
        return f"SharedKey {slot}:{base64.b64encode(digest).decode()}"
