"""Data types of the pipeline."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from common.domain.models import Reason
from msgspec import Struct


@dataclass(frozen=True, kw_only=True)
class Blob:
    """One version of an image blob.

    Attributes:
        content: the content after its Content-Encoding was decoded. None if it is larger than the analyzer accepts, or
            if it can never be read; `rejection` then says why.
        size_bytes: the size of the blob as stored.
        etag: without quotes.
        content_type: the blob's Content-Type.
        created_at: when the blob was created.
        rejection: why the content can never be read, or None.
    """

    content: bytes | None
    size_bytes: int
    etag: str
    content_type: str
    created_at: datetime | None
    rejection: Reason | None = None

    @property
    def sha256(self) -> str | None:
        """The hash of the content, in hexadecimal; None if there is no content."""
        return None if self.content is None else hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, kw_only=True)
class BlobInfo:
    """A blob in a listing; `etag` is without quotes."""

    name: str
    etag: str
    last_modified: datetime


class LongRunningOperation(Struct, frozen=True, kw_only=True):
    """An analysis that the service makes after it has answered the request for it.

    Attributes:
        account: the account that has the operation and its result.
        id: the id that the service has given it.
    """

    account: str
    id: str


@dataclass(frozen=True, kw_only=True)
class AnalysisLease:
    """The exclusive right to make the analysis `key`, until it is stored or released, or the lease expires.

    The right to start it, that is: the result of a long-running operation may be requested by any worker.

    Attributes:
        key: identifies content and request.
        etag: the version of the lease's item in Cosmos DB.
        operation: the operation that makes the analysis; None before it was started, and of calls that have none.
        operation_age_seconds: how long ago the operation was started.
        started_operations: how many operations were started for the analysis, under this lease and earlier ones.
    """

    key: str
    etag: str
    operation: LongRunningOperation | None = None
    operation_age_seconds: float = 0.0
    started_operations: int = 0
