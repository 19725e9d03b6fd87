"""Image classifier: makes the record of the current version of a blob, or goes on with one that was started."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from common.domain.models import Analysis, ImageInfo, Tokens
from common.domain.record import ImageRecord, RecordStatus
from common.domain.record_fields import AnalyzerInfo, BlobProperties, milliseconds
from msgspec import UnsetType
from msgspec.structs import replace

from classifier.domain import image_checks
from classifier.domain.errors import ImageRejectedError, OperationRunningError
from classifier.domain.models import Blob
from classifier.domain.ports import AnalysisCache, Analyzer, ImageHeaderReader, ImageStore
from classifier.domain.records import create_record, describe_blob
from classifier.domain.resume import Resume
from classifier.domain.retries import Delivery
from classifier.use_cases.cached_analyzer import CachedAnalyzer


@dataclass(frozen=True, kw_only=True)
class Classification:
    """What became of an image.

    Attributes:
        blob: the current version of the blob, with its content if there are copies.
        record: its record.
        tokens: the tokens of its analysis, whenever it was made; None if it was rejected, or if they are unknown.
    """

    blob: Blob
    record: ImageRecord
    tokens: Tokens | None = None


class ImageClassifier:
    """Reads a blob and has its image analyzed. Writes nothing but analyses.

    While a long-running operation analyzes an image, no worker waits for it and none holds its content: the message is
    requeued with what the next delivery needs (`resume`).
    """

    def __init__(
        self,
        *,
        images: ImageStore,
        read_header: ImageHeaderReader,
        analyzer: Analyzer,
        analyses: AnalysisCache,
        has_copies: bool,
        min_confidence: float,
        time_limit: Callable[[float], AbstractAsyncContextManager[object]],
        now: Callable[[], datetime],
    ) -> None:
        self._images = images
        self._read_header = read_header
        self._analyzer = analyzer
        self._cached_analyzer = CachedAnalyzer(analyzer=analyzer, analyses=analyses, time_limit=time_limit)
        self._has_copies = has_copies
        self._min_confidence = min_confidence
        self._now = now

    async def classify(self, delivery: Delivery) -> Classification:
        """Return the record of the current version of the blob.

        Sets `etag` of the delivery, and `resume`.

        Raises:
            BlobNotFoundError: there is no such blob.
            OperationRunningError: the analyzer has not finished.
        """
        resumed = await self._resume(delivery)
        if resumed is not None:
            return resumed
        started = self._now()
        blob = await self._images.read(delivery.message.event.name)
        delivery.etag = blob.etag
        if delivery.resume is not None and delivery.resume.etag != blob.etag:
            delivery.resume = None
        return await self._analyze(delivery, blob, started)

    async def _resume(self, delivery: Delivery) -> Classification | None:
        """Return the record that is made from the operations that were started; None if that is impossible."""
        resume = delivery.resume
        if resume is None:
            return None
        name = delivery.message.event.name
        blob = await self._images.read_properties(name)
        if blob is None or blob.etag != resume.etag:
            return None
        delivery.etag = blob.etag
        properties = replace(describe_blob(delivery.message.event, blob), content_sha256=resume.sha256)
        analyzer = AnalyzerInfo.for_request(self._analyzer.features, self._analyzer.fingerprint)
        try:
            resumed = await self._cached_analyzer.resume(resume.sha256)
        except ImageRejectedError as rejection:
            record = self._rejected(
                delivery, properties, rejection, started=resume.started_at, image=resume.image, analyzer=analyzer
            )
            return Classification(blob=blob, record=record)
        if resumed is None:
            return None
        analysis, cached = resumed
        record = self._classified(
            delivery,
            properties,
            started=resume.started_at,
            analysis_started=resume.started_at,
            image=resume.image,
            analysis=analysis,
            cached=cached,
        )
        if self._has_copies:
            blob = await self._images.read(name)
            if blob.etag != resume.etag or blob.content is None:
                return None
        return Classification(blob=blob, record=record, tokens=_known(analysis.tokens))

    async def _analyze(self, delivery: Delivery, blob: Blob, started: datetime) -> Classification:
        """Return the record of one version of the blob, from its content."""
        properties = describe_blob(delivery.message.event, blob)
        image: ImageInfo | None = None
        # Without an analyzer, a rejection is final under every fingerprint: what no analyzer can take.
        analyzer: AnalyzerInfo | None = None
        try:
            content = image_checks.require_content(blob)
            image = await self._read_header(content)
            analyzer = AnalyzerInfo.for_request(self._analyzer.features, self._analyzer.fingerprint)
            image_checks.check_image(image, self._analyzer.limits)
            analysis_started = self._now()
            sha256 = cast("str", properties.content_sha256)  # not None, as there is content
            try:
                analysis, cached = await self._cached_analyzer.analyze(
                    sha256, content, image, has_waited=delivery.resume is not None
                )
            except OperationRunningError:
                delivery.resume = Resume(etag=blob.etag, sha256=sha256, image=image, started_at=started)
                raise
        except ImageRejectedError as rejection:
            record = self._rejected(delivery, properties, rejection, started=started, image=image, analyzer=analyzer)
            return Classification(blob=blob, record=record)
        record = self._classified(
            delivery,
            properties,
            started=started,
            analysis_started=analysis_started,
            image=image,
            analysis=analysis,
            cached=cached,
        )
        return Classification(blob=blob, record=record, tokens=_known(analysis.tokens))

    def _rejected(
        self,
        delivery: Delivery,
        properties: BlobProperties,
        rejection: ImageRejectedError,
        *,
        started: datetime,
        image: ImageInfo | None,
        analyzer: AnalyzerInfo | None,
    ) -> ImageRecord:
        return create_record(
            delivery.message,
            attempt=delivery.attempt,
            status=RecordStatus.REJECTED,
            blob=properties,
            started=started,
            finished=self._now(),
            reason=rejection.reason(),
            image=image,
            analyzer=analyzer,
        )

    def _classified(
        self,
        delivery: Delivery,
        properties: BlobProperties,
        *,
        started: datetime,
        analysis_started: datetime,
        image: ImageInfo,
        analysis: Analysis,
        cached: bool,
    ) -> ImageRecord:
        finished = self._now()
        request = AnalyzerInfo.for_request(self._analyzer.features, self._analyzer.fingerprint)
        record = create_record(
            delivery.message,
            attempt=delivery.attempt,
            status=RecordStatus.CLASSIFIED,
            blob=properties,
            started=started,
            finished=finished,
            analyze_ms=milliseconds(analysis_started, finished),
            image=image,
            analyzer=request.with_analysis(analysis, cached=cached),
        ).with_analysis(analysis, min_confidence=self._min_confidence)
        if not self._has_copies or record.category is None:
            return record
        return replace(record, copy_path=f"{record.category.name}/{delivery.message.event.name}")


def _known(tokens: Tokens | UnsetType) -> Tokens | None:
    return None if isinstance(tokens, UnsetType) else tokens
