"""What every client of Azure's services is given: the app's identity, and its connections."""

import ssl
import urllib.request
from dataclasses import dataclass
from typing import Any

import aiohttp
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.pipeline.policies import (
    AsyncBearerTokenCredentialPolicy,
    AsyncRetryPolicy,
    UserAgentPolicy,
)
from azure.core.pipeline.transport import AioHttpTransport, AsyncHttpTransport

from classifier.domain import timeouts

# Clients that are given a transport ignore timeouts of their own:
# https://github.com/Azure/azure-sdk-for-python/blob/main/sdk/core/azure-core/azure/core/_pipeline_client_async.py
_TIMEOUTS = {"connection_timeout": timeouts.CONNECTION_SECONDS, "read_timeout": timeouts.READ_SECONDS}


@dataclass(frozen=True, kw_only=True)
class World:
    """The app's identity, and its connections."""

    credential: AsyncTokenCredential
    transport: AsyncHttpTransport[Any, Any]

    @property
    def client(self) -> dict[str, Any]:
        """What an SDK's client needs of it."""
        return {"credential": self.credential, "transport": self.transport}

    def policies(self, scope: str, **retrying: Any) -> list[Any]:
        """Those policies that a request needs, and no others: each costs every request a little.

        `retrying` is azure-core's retry policy's.
        """
        return [
            UserAgentPolicy(),
            AsyncRetryPolicy(**retrying),
            AsyncBearerTokenCredentialPolicy(self.credential, scope),
        ]


def connections() -> AioHttpTransport:
    """One pool of connections for all services; to be made in the loop that it is used in.

    What the environment says of proxies is asked once: aiohttp alone would ask it, and a .netrc, at every request.
    """
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=ssl.create_default_context()),
        proxy=urllib.request.getproxies().get("https"),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    return AioHttpTransport(session=session, session_owner=False, **_TIMEOUTS)
