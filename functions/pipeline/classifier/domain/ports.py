"""Ports: the interfaces that the use cases need, besides those of `{queue,reconcile,shadow}_ports`.

Adapters and analyzers implement them.

Every method may raise RetryLaterError and ConfigurationError (`errors`), besides the errors that it names.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, runtime_checkable

from common.domain.image_limits import ImageLimits
from common.domain.models import Analysis, ImageInfo
from common.domain.record import ImageRecord, StoredRecord

from classifier.domain.models import AnalysisLease, Blob, BlobInfo, LongRunningOperation


class ImageStore(Protocol):
    """The images container."""

    @property
    def host(self) -> str:
        """The host name of the storage account's blob service, in lower case."""
        ...

    @property
    def container(self) -> str:
        """The name of the container."""
        ...

    @property
    def stamp(self) -> str:
        """The stamp that the storage account belongs to; empty for the first account."""
        ...

    async def read(self, name: str) -> Blob:
        """Read the current version of a blob, without its content if that exceeds the size limit or is unreadable.

        Raises:
            BlobNotFoundError: there is no such blob.
        """
        ...

    async def read_properties(self, name: str) -> Blob | None:
        """Return the current version of a blob without its content, or None if there is no such blob."""
        ...

    async def get_etag(self, name: str) -> str | None:
        """Return the current ETag of a blob, or None if there is no such blob."""
        ...

    async def delete(self, name: str) -> None:
        """Delete a blob. Does nothing if there is no such blob."""
        ...

    def list_pages(self, marker: str | None) -> AsyncIterator[tuple[list[BlobInfo], str | None]]:
        """List all blobs by name, page by page, each with the marker of the next page.

        Args:
            marker: the page to start from; None for the first page.
        """
        ...


class ImageHeaderReader(Protocol):
    """Reads the header of an image."""

    async def __call__(self, content: bytes) -> ImageInfo:
        """Return what the header declares, without decoding pixels.

        Raises:
            ImageRejectedError: the content is no image.
        """
        ...


class AnalyzerCall(Protocol):
    """One charged call of an analyzer. Its result is stored by itself, so that a later call's error loses no result."""

    @property
    def fingerprint(self) -> str:
        """Identifies the service, the API version and the request: equal fingerprints make equal results."""
        ...

    async def analyze(self, content: bytes, info: ImageInfo, *, paid: bool) -> Analysis:
        """Analyze an image.

        Args:
            content: the image.
            info: what its header declares.
            paid: whether another call for the same image was charged just now, which makes a longer wait worthwhile.

        Returns:
            The findings of this call alone.

        Raises:
            ImageRejectedError: the service will never accept the image.
            ConfigurationError: the service will accept no image.
            UnexpectedResponseError: the response cannot be read.
            RetryLaterError: a transient error.
        """
        ...


@runtime_checkable
class LongRunningCall(Protocol):
    """One charged call whose result is made by a long-running operation, and requested later, by any worker."""

    @property
    def fingerprint(self) -> str:
        """Identifies the service, the API version and the request: equal fingerprints make equal results."""
        ...

    async def start(self, content: bytes, info: ImageInfo, *, paid: bool) -> tuple[LongRunningOperation, float]:
        """Start the operation for an image; arguments and errors are those of `AnalyzerCall.analyze`.

        Returns the operation, and the seconds before which the service wants no request for its result.
        """
        ...

    async def get_result(self, operation: LongRunningOperation) -> Analysis:
        """Return the findings of this call alone.

        Raises:
            OperationRunningError: the operation is not finished.
            OperationLostError: the operation will have no result.
            AnalyzerConfigurationError: the operation failed for a reason that is the same for every image.
            ImageRejectedError, UnexpectedResponseError: as in `AnalyzerCall.analyze`.
        """
        ...


class Analyzer(Protocol):
    """Analyzes images with one service."""

    @property
    def fingerprint(self) -> str:
        """Identifies the service, the API version and the request: equal fingerprints make equal analyses."""
        ...

    @property
    def calls(self) -> Sequence[AnalyzerCall | LongRunningCall]:
        """The calls that an analysis consists of, at least one."""
        ...

    @property
    def features(self) -> tuple[str, ...]:
        """The features that an analysis has findings for."""
        ...

    @property
    def limits(self) -> ImageLimits:
        """The images that the analyzer accepts."""
        ...

    def check_capacity(self) -> None:
        """Check that a call can start soon.

        To be called immediately before a call whose result is not cached, and at no other time.

        Raises:
            RetryLaterError: the call would have to wait too long.
        """
        ...


class RecordRepository(Protocol):
    """The records, in the Cosmos DB container `images`."""

    async def get(self, record_id: str) -> StoredRecord | None:
        """Return the record and its ETag, or None if there is no item.

        The value is None if the stored item does not match the schema: the image has to be analyzed again.
        """
        ...

    async def put(self, record: ImageRecord, previous: StoredRecord | None) -> None:
        """Store a record.

        Args:
            record: the new record.
            previous: the record that it replaces, as it was read; None if there is none yet.

        Raises:
            ConcurrencyError: the stored record is not `previous`.
        """
        ...

    async def delete(self, record_id: str, previous: StoredRecord) -> None:
        """Delete a record, as it was read.

        Raises:
            ConcurrencyError: the stored record is not `previous`.
        """
        ...

    async def exists(self, record_id: str) -> bool:
        """Return whether there is a record. Unlike `get`, the answer never comes from a replica that lags behind."""
        ...


class AnalysisCache(Protocol):
    """The analyses, in the Cosmos DB container `analyses`. Losing an entry costs another analysis and no data."""

    async def get(self, key: str) -> Analysis | AnalysisLease | None:
        """Return the analysis under `key`, or the lease of a long-running operation that makes it, or None."""
        ...

    async def get_or_lease(self, key: str) -> Analysis | AnalysisLease:
        """Return the analysis under `key`, or the lease of an operation that makes it, or a new lease to make it.

        Raises:
            LeasedError: another worker holds the lease, and has started no operation.
        """
        ...

    async def store_operation(self, lease: AnalysisLease, operation: LongRunningOperation) -> None:
        """Store the operation that was started under a lease and count it, so that any worker may request its result.

        Raises:
            ConcurrencyError: the lease was lost.
        """
        ...

    async def store(self, lease: AnalysisLease, analysis: Analysis) -> None:
        """Store the analysis that was made under a lease. Does nothing if the lease was lost."""
        ...

    async def release(self, lease: AnalysisLease) -> None:
        """Release a lease, so that another one can be acquired at once. Does nothing if it was lost.

        The next lease has the same `started_operations`.
        """
        ...


class ImageCopyStore(Protocol):
    """Copies of the classified images, in a folder for each category."""

    async def save(self, path: str, blob: Blob) -> None:
        """Save a copy of a blob under `path`."""
        ...

    async def delete(self, path: str, etag: str) -> None:
        """Delete the copy under `path` if it is a copy of the blob's version `etag`."""
        ...


class ResultPublisher(Protocol):
    """Publishes the results of the pipeline to subscribers."""

    async def publish(self, record: ImageRecord) -> None:
        """Publish the status of a record. The event of the same result always has the same id."""
        ...
