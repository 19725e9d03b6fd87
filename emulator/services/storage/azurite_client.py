"""Requests to Azurite, signed with the key that only the gateway knows."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from email.utils import formatdate

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from emulator.services.storage.azurite import Azurite, Slots

_API_VERSION = "2025-11-05"
# Of one connection, or ours to set anew. https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
HOP = frozenset({"host", "connection", "transfer-encoding", "keep-alive", "expect", "accept-encoding", "authorization"})


class StorageBackend:
    """Azurite under the names of the deployed accounts."""

    def __init__(self, azurite: Azurite, slots: Slots, session: aiohttp.ClientSession) -> None:
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
        """Sends a request to `service` (`blob` or `queue`) as the account's owner; to be used with `async with`.

        `raw_path` is still percent-encoded, and starts behind the account.
        """
        slot = self.slots.of(account)
        sent = CIMultiDict(headers)
        for name in [name for name in sent if name.lower() in HOP]:
            del sent[name]
        sent.setdefault("x-ms-date", formatdate(usegmt=True))
        sent.setdefault("x-ms-version", _API_VERSION)
        if isinstance(body, bytes) or body is None:
            sent["Content-Length"] = str(len(body or b""))
        path = f"/{slot}{raw_path}"
        sent["Authorization"] = self._signature(slot, method, path, query, sent)
        url = URL(self._azurite.urls[service] + path, encoded=True)
        return self._session.request(
            method,
            url.with_query([*query]) if query else url,
            headers=sent,
            data=body or None,
            allow_redirects=False,
            skip_auto_headers=("User-Agent", "Content-Type", "Accept", "Accept-Encoding"),
        )

    def _signature(
        self, slot: str, method: str, path: str, query: Sequence[tuple[str, str]], headers: Mapping[str, str]
    ) -> str:
        """As in https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key."""
        length = headers.get("Content-Length", "")
        standard = [
            headers.get("Content-Encoding", ""),
            headers.get("Content-Language", ""),
            "" if length == "0" else length,
            headers.get("Content-MD5", ""),
            headers.get("Content-Type", ""),
            "",  # Date: x-ms-date is always there instead
            *(headers.get(f"If-{name}", "") for name in ("Modified-Since", "Match", "None-Match", "Unmodified-Since")),
            headers.get("Range", ""),
        ]
        own = sorted((name.lower(), value.strip()) for name, value in headers.items() if name.lower()[:5] == "x-ms-")
        parameters: dict[str, list[str]] = {}
        for name, value in query:
            parameters.setdefault(name.lower(), []).append(value)
        resource = f"/{slot}{path}" + "".join(
            f"\n{name}:{','.join(sorted(values))}" for name, values in sorted(parameters.items())
        )
        text = "\n".join([method, *standard, *(f"{name}:{value}" for name, value in own), resource])
        digest = hmac.new(self._azurite.keys[slot], text.encode(), hashlib.sha256).digest()
        return f"SharedKey {slot}:{base64.b64encode(digest).decode()}"
