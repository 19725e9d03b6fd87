"""What every client of an Azure service needs: the credential of the app's identity, and the HTTP transport."""

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

from common.domain import timeouts

# Clients with an explicit transport ignore timeouts of their own:
# https://github.com/Azure/azure-sdk-for-python/blob/main/sdk/core/azure-core/azure/core/_pipeline_client_async.py
_TIMEOUTS = {"connection_timeout": timeouts.CONNECTION_SECONDS, "read_timeout": timeouts.READ_SECONDS}


@dataclass(frozen=True, kw_only=True)
class AzureClients:
    """The credential and the transport that all clients of Azure services share."""

    credential: AsyncTokenCredential
    transport: AsyncHttpTransport[Any, Any]

    @property
    def client_options(self) -> dict[str, Any]:
        """Keyword arguments for the constructor of an SDK's client."""
        return {"credential": self.credential, "transport": self.transport}

    def policies(self, scope: str, **retry_options: Any) -> list[Any]:
        """Return the pipeline policies that a request needs, and no others: each costs time in every request.

        Args:
            scope: the scope of the access token.
            retry_options: keyword arguments of azure-core's `AsyncRetryPolicy`.
        """
        return [
            UserAgentPolicy(),
            AsyncRetryPolicy(**retry_options),
            AsyncBearerTokenCredentialPolicy(self.credential, scope),
        ]


def create_transport() -> AioHttpTransport:
    """Create one connection pool for all services, to be used in the event loop that is running now.

    The proxy is read from the environment once: aiohttp itself would read it, and a .netrc, at every request.
    """
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=ssl.create_default_context()),
        proxy=urllib.request.getproxies().get("https"),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    return AioHttpTransport(session=session, session_owner=False, **_TIMEOUTS)
