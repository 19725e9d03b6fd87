"""What the pipeline needs of the world; `adapters` and `analyzers` fill these in, tests with plain objects.

Every method may raise RetryLaterError and ConfigurationError (`errors`) besides what it names.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from classifier.domain.models import Analysis, Blob, Claim, ImageInfo


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A blob in a listing; `etag` is without quotes."""

    name: str
    etag: str
    modified: datetime


class Images(Protocol):
    """The images container."""

    @property
    def host(self) -> str:
        """The host name of the storage account's blob service, in lower case."""
        ...

    @property
    def container(self) -> str:
        """The container's name."""
        ...

    async def read(self, name: str) -> Blob:
        """The blob as it is now, without its content if that is over the size limit or unreadable.

        Raises:
            BlobNotFoundError: there is no such blob.
        """
        ...

    async def etag(self, name: str) -> str | None:
        """The ETag that the blob has now, or None when there is no blob."""
        ...

    def pages(self, marker: str | None) -> AsyncIterator[tuple[list[Listed], str | None]]:
        """All blobs by name, from `marker` on (None: from the start), page by page with the marker of the next."""
        ...


class Headers(Protocol):
    """Reads image headers."""

    async def __call__(self, content: bytes) -> ImageInfo:
        """What the header says, without decoding a pixel; raises ImageRejectedError when it is no image."""
        ...


class Analyzer(Protocol):
    """Something that looks at images."""

    @property
    def identity(self) -> str:
        """Who answers, and what was asked: analyses with equal identities can stand in for each other."""
        ...

    @property
    def features(self) -> tuple[str, ...]:
        """What an analysis holds."""
        ...

    def ready(self) -> None:
        """Raises RetryLaterError when an analysis would have to wait for longer than is sensible.

        To be asked just before an analysis, and for nothing else: what needs none must not wait.
        """
        ...

    async def analyze(self, content: bytes, info: ImageInfo) -> Analysis:
        """What the image shows.

        Raises ImageRejectedError when it will never accept the image, ConfigurationError when it will accept none,
        UnexpectedResponseError when its answer cannot be read, and RetryLaterError.
        """
        ...


class Records(Protocol):
    """The `images` container in Cosmos DB."""

    async def get(self, record_id: str) -> dict[str, Any] | None:
        """The record, with its `_etag`, or None."""
        ...

    async def put(self, record: dict[str, Any], replacing: dict[str, Any] | None) -> None:
        """Stores `record` in the place of exactly `replacing` (None: there is none yet). Raises ConcurrencyError."""
        ...

    async def delete(self, record: dict[str, Any]) -> None:
        """Removes exactly this record. Raises ConcurrencyError."""
        ...

    async def exists(self, record_id: str) -> bool:
        """Whether there is a record; unlike `get`, never answered from a replica that lags behind."""
        ...


class Analyses(Protocol):
    """The `analyses` container in Cosmos DB: a cache, so losing an entry costs money and nothing else."""

    async def get(self, key: str) -> Analysis | None:
        """The analysis stored under `key`, or None."""
        ...

    async def begin(self, key: str) -> Analysis | Claim:
        """The analysis stored under `key`, or the right to make it.

        Raises LeasedError until when another worker's right to make it holds.
        """
        ...

    async def finish(self, claim: Claim, analysis: Analysis) -> None:
        """Stores what came of a claim; nothing happens when the claim was lost."""
        ...

    async def release(self, claim: Claim) -> None:
        """Gives a claim back; nothing happens when it was lost."""
        ...


class Queue(Protocol):
    """A queue to write to."""

    async def send(self, text: str, *, delay_seconds: float = 0) -> None:
        """Puts a message into the queue, to be seen after a delay."""
        ...


class Gallery(Protocol):
    """Where copies of classified images lie, in a folder for each category."""

    async def keep(self, path: str, blob: Blob) -> None:
        """Stores a copy under `path`."""
        ...

    async def discard(self, path: str, etag: str) -> None:
        """Removes the copy under `path` if it is that of the blob's version `etag`."""
        ...


class Announcer(Protocol):
    """Tells others what became of an image."""

    async def announce(self, record: dict[str, Any]) -> None:
        """Publishes the record's status; the same record always under the same event id."""
        ...
