"""What every analyser is given to work with."""

from dataclasses import dataclass
from typing import Any

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.pipeline.transport import AsyncHttpTransport


@dataclass(frozen=True, kw_only=True)
class World:
    """The app's identity, and its connections."""

    credential: AsyncTokenCredential
    transport: AsyncHttpTransport[Any, Any]
