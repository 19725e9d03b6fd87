"""What the pipeline needs of the world; `adapters` fills these in with Azure's SDKs, tests with plain objects."""

from collections.abc import Sequence
from typing import Any, Protocol

from classifier.models import Analysis, Blob, ImageInfo


class Gone(Exception):
    """The blob no longer exists."""


class Superseded(Exception):
    """The blob, or the record, has changed since it was last seen."""


class Images(Protocol):
    """The images container."""

    @property
    def account(self) -> str:
        """The storage account's name."""
        ...

    @property
    def container(self) -> str:
        """The container's name."""
        ...

    def read(self, name: str, etag: str) -> Blob:
        """The blob if it still has this ETag, without its content if that is over the size limit.

        Raises Gone or Superseded.
        """
        ...

    def inspect(self, content: bytes) -> ImageInfo:
        """What the header says; raises limits.Rejected when it is no image."""
        ...


class Analyzer(Protocol):
    """Something that looks at images."""

    @property
    def identity(self) -> str:
        """Which analyser, API and model answers, so that cached answers of another one are not used."""
        ...

    def analyze(self, content: bytes, features: Sequence[str]) -> Analysis:
        """What the image shows; raises limits.Rejected when the analyser will never accept it."""
        ...


class Records(Protocol):
    """The `images` container in Cosmos DB."""

    def get(self, record_id: str) -> dict[str, Any] | None:
        """The record, with its `_etag`, or None."""
        ...

    def put(self, record: dict[str, Any], replacing: dict[str, Any] | None) -> None:
        """Stores `record` in the place of exactly `replacing` (None: there is none yet). Raises Superseded."""
        ...


class Analyses(Protocol):
    """The `analyses` container in Cosmos DB: a cache, so losing an entry costs money and nothing else."""

    def get(self, key: str) -> Analysis | None:
        """The analysis stored under `key`, or None."""
        ...

    def put(self, key: str, analysis: Analysis) -> None:
        """Stores an analysis; one that is there already stays."""
        ...
