"""What the pipeline needs of the world; `adapters` and `analyzers` fill these in, tests with plain objects."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from classifier.models import Analysis, Blob, Claim, ImageInfo


class Gone(Exception):
    """The blob does not exist."""


class Superseded(Exception):
    """The record has changed since it was last seen."""


class Later(Exception):
    """Not now, through no fault of the image; after `seconds` it is worth another try."""

    def __init__(self, seconds: float, why: str) -> None:
        super().__init__(why)
        self.seconds = seconds


class Refused(Exception):
    """The analyser will not do what it was asked, whatever the image: it is set up wrongly. `code` is stable."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class NotAllowed(Exception):
    """The caller may not do this; `status` is 401 (no good token), 403 (somebody else's) or 503 (not checked)."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


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
        """The blob as it is now, without its content if that is over the size limit or unreadable. Raises Gone."""
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
        """What the header says, without decoding a pixel; raises limits.Rejected when it is no image."""
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
        """Raises Later when an analysis would have to wait for longer than is sensible."""
        ...

    async def analyze(self, content: bytes, info: ImageInfo) -> Analysis:
        """What the image shows.

        Raises limits.Rejected when it will never accept the image, Refused when it will accept none, and Later.
        """
        ...


class Records(Protocol):
    """The `images` container in Cosmos DB."""

    async def get(self, record_id: str) -> dict[str, Any] | None:
        """The record, with its `_etag`, or None."""
        ...

    async def put(self, record: dict[str, Any], replacing: dict[str, Any] | None) -> None:
        """Stores `record` in the place of exactly `replacing` (None: there is none yet). Raises Superseded."""
        ...

    async def delete(self, record: dict[str, Any]) -> None:
        """Removes exactly this record. Raises Superseded."""
        ...


class Analyses(Protocol):
    """The `analyses` container in Cosmos DB: a cache, so losing an entry costs money and nothing else."""

    async def begin(self, key: str) -> Analysis | Claim:
        """The analysis stored under `key`, or the right to make it. Raises Later when somebody else is making it."""
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
