"""Ports of reconcile; the other interfaces that the use cases need are in `ports`.

Every method may raise RetryLaterError and ConfigurationError (`errors`).
"""

from collections.abc import AsyncIterator
from typing import Protocol

from common.domain.models import Versioned

from classifier.domain.watermark import Watermark


class DeadLetterStore(Protocol):
    """The dead letters: blobs with events that Event Grid could not deliver, each a JSON list of events."""

    def names(self) -> AsyncIterator[str]:
        """List the names of all dead letters."""
        ...

    async def read(self, name: str) -> bytes:
        """Return the content of a dead letter; empty if it does not exist any more."""
        ...

    async def delete(self, name: str) -> None:
        """Delete a dead letter. Does nothing if it does not exist any more."""
        ...


class CheckpointStore(Protocol):
    """The checkpoint of reconcile, between its runs."""

    @property
    def write_region(self) -> str:
        """The region that the database was written in at the last request; a failover changes it."""
        ...

    async def load(self) -> Versioned[Watermark] | None:
        """Return the checkpoint, or None if there is none yet."""
        ...

    async def store(self, value: Watermark, previous: Versioned[Watermark] | None) -> Versioned[Watermark]:
        """Store a checkpoint.

        Args:
            value: the new checkpoint.
            previous: the checkpoint that it replaces, as it was loaded; None if there is none yet.

        Raises:
            ConcurrencyError: the stored checkpoint is not `previous`.
        """
        ...
