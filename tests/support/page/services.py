"""In-memory services of the gallery: filters, searches and counts of real records, and uploads that are processed."""

import dataclasses
import itertools
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jwt
from classifier.analyzers.response_mapping import VISUAL_FEATURES, map_findings
from common.domain.errors import AuthorizationError
from common.domain.models import Analysis, ImageFormat, ImageInfo, Reason
from common.domain.principal import AppRole, Principal
from common.domain.queries import RecordFilter, SortOrder
from common.domain.query_results import Match, MatchPage, NamedCount, RecordCounts, RecordPage
from common.domain.record import ImageRecord, RecordStatus
from common.domain.record_fields import AnalyzerInfo
from common.domain.record_id import record_id
from image_api.domain.configuration import ClientConfiguration, upload_limits
from image_api.domain.matching import word_matches
from image_api.http.page import Page, load_page_files
from image_api.use_cases.application import Application
from image_api.use_cases.uploads import random_suffix
from msgspec.structs import replace

from tests.support.in_memory_api import NOW, PAGE_FOLDER, InMemoryApi, create_record, summary
from tests.support.page.identities import TOKEN_KEY

# Responses of Image Analysis to photos that installed packages have, with captions as a person would write them.
_ANALYSES: dict[str, Any] = json.loads((Path(__file__).with_name("photos.json")).read_text())
_PACKAGES = {"china.jpg": "sklearn.datasets.images", "flower.jpg": "sklearn.datasets.images"}
PHOTOS = tuple(_ANALYSES)


def photo_path(name: str) -> Path:
    """Return the path of a photo of `PHOTOS`."""
    return Path(str(files(_PACKAGES.get(name, "skimage.data")) / name))


def create_photo_record(name: str, *, photo: str, processed_at: datetime) -> ImageRecord:
    """Return the record of a blob whose content is one of `PHOTOS`."""
    response = _ANALYSES[photo]
    path = photo_path(photo)
    analysis = Analysis(
        analyzer="image-analysis",
        api_version="2024-02-01",
        model_version="2023-10-01",
        findings=map_findings(response, VISUAL_FEATURES),
    )
    image_format = ImageFormat.JPEG if path.suffix == ".jpg" else ImageFormat.PNG
    image = ImageInfo(**response["metadata"], format=image_format)
    record = create_empty_record(name, RecordStatus.CLASSIFIED, processed_at, size_bytes=path.stat().st_size)
    analyzer = AnalyzerInfo(
        name=analysis.analyzer,
        api_version=analysis.api_version,
        model_version=analysis.model_version,
        features=VISUAL_FEATURES,
        fingerprint="fingerprint",
        cached=False,
    )
    record = replace(record, image=image, analyzer=analyzer).with_analysis(analysis, min_confidence=0.5)
    # `find_similar` compares no embeddings; it only needs one to be there.
    return replace(record, vector=(1.0,))


def create_empty_record(
    name: str,
    status: RecordStatus,
    processed_at: datetime,
    *,
    reason: Reason | None = None,
    size_bytes: int = 3,
    content_type: str = "image/png",
) -> ImageRecord:
    """Return the record of a blob in which nothing was found."""
    record = create_record(name, tags=(), caption=None, status=status, processed_at=processed_at)
    created_at = (processed_at - timedelta(seconds=4)).isoformat()
    blob = replace(record.blob, content_type=content_type, size_bytes=size_bytes, created_at=created_at)
    return replace(record, reason=reason, blob=blob, image=None, tags=None)


@dataclass
class PageServices(InMemoryApi):
    """The services behind the gallery; use it in the event loop of the server only.

    Attributes:
        blob_origin: Origin of the storage account.
        sign_in_origin: Origin of the OpenID provider.
        contents: The blobs, and their content types.
        are_results_held: Whether uploads stay in flight until `release_results`.
    """

    blob_origin: str = ""
    sign_in_origin: str = ""
    contents: dict[str, tuple[bytes, str]] = field(default_factory=dict[str, tuple[bytes, str]])
    are_results_held: bool = False
    burst: int = 10**9
    _newest_first: list[ImageRecord] | None = None
    _counts: RecordCounts | None = None

    def add_photo(self, name: str, *, photo: str, processed_at: datetime = NOW) -> ImageRecord:
        """Add a blob with the content of a photo, and its record."""
        path = photo_path(photo)
        self.contents[name] = (path.read_bytes(), f"image/{'jpeg' if path.suffix == '.jpg' else 'png'}")
        return self.add_record(create_photo_record(name, photo=photo, processed_at=processed_at))

    def add_record(self, record: ImageRecord) -> ImageRecord:
        """Add a record, or replace the one of the same blob."""
        self._newest_first = None
        self._counts = None
        return self.add(record, text=record.text)

    def add_library(self, count: int) -> None:
        """Add many images: the photos over and over, one a minute, with names and ids of their own."""
        photos = [self.add_photo(photo, photo=photo) for photo in PHOTOS]
        for number in range(count - len(photos)):
            photo = photos[number % len(photos)]
            name = f"library/{number:06}-{photo.blob.name}"
            processed_at = NOW - timedelta(minutes=number + 1)
            record = replace(
                photo,
                id=record_id("images", name),
                blob=replace(photo.blob, name=name),
                processed_at=processed_at.isoformat(),
            )
            self.contents[name] = self.contents[photo.blob.name]
            self.add_record(record)

    def store(self, name: str, content: bytes, content_type: str) -> None:
        """Store an upload, and process it unless results are held."""
        self.contents[name] = (content, content_type)
        self.blobs.add(name)
        if not self.are_results_held:
            self._process(name)

    def release_results(self) -> None:
        """Process what was uploaded meanwhile, and every later upload at once."""
        self.are_results_held = False
        for name in self.blobs - {record.blob.name for record in self.records.values()}:
            self._process(name)

    def _process(self, name: str) -> None:
        content, content_type = self.contents[name]
        self.now += timedelta(seconds=1)
        photo = next((photo for photo in PHOTOS if photo_path(photo).read_bytes() == content), None)
        if photo is not None:
            self.add_record(create_photo_record(name, photo=photo, processed_at=self.now))
            return
        reason = Reason(code="InvalidImage", sentence="The file cannot be decoded.", measured=None, limit=None)
        record = create_empty_record(
            name, RecordStatus.REJECTED, self.now, reason=reason, size_bytes=len(content), content_type=content_type
        )
        self.add_record(record)

    def application(self) -> Application:
        """Return the application with these services."""
        application = super().application()
        configuration = ClientConfiguration(
            authority=f"{self.sign_in_origin}/tenant",
            client_id="client",
            scope="client/.default",
            blob_origin=self.blob_origin,
            limits=upload_limits(self.limits),
            features=(*VISUAL_FEATURES, "embeddings") if self.embeddings else VISUAL_FEATURES,
        )
        return dataclasses.replace(
            application,
            uploads=dataclasses.replace(application.uploads, suffix=random_suffix),
            images=dataclasses.replace(application.images, deleter=self),
            configuration=configuration,
        )

    def load_page(self) -> Page:
        """Return the page, with the files and the policy that are deployed."""
        return Page(load_page_files(PAGE_FOLDER), blob_origin=self.blob_origin, sign_in_origin=self.sign_in_origin)

    async def authenticate(self, authorization: str | None) -> Principal:
        """Implements `Authenticator.authenticate` for tokens of the OpenID provider of the tests."""
        self._step("authenticate")
        try:
            claims = jwt.decode(
                (authorization or "").removeprefix("Bearer "), TOKEN_KEY, algorithms=["HS256"], audience="client"
            )
        except jwt.PyJWTError as error:
            raise AuthorizationError(401, "the request has no valid token") from error
        return Principal(object_id=claims["oid"], app_roles=frozenset(AppRole(role) for role in claims["roles"]))

    async def create_upload_url(self, name: str, *, now: datetime, expires_at: datetime) -> str:
        """Implements `ImageBlobs.create_upload_url`."""
        self._step("create_upload_url")
        return f"{self.blob_origin}/images/{quote(name)}?sp=c"

    async def create_read_url(self, name: str, content_type: str | None, *, now: datetime, expires_at: datetime) -> str:
        """Implements `ImageBlobs.create_read_url`."""
        self._step("create_read_url")
        return f"{self.blob_origin}/images/{quote(name)}?sp=r"

    async def delete(self, record_id: str, authorization: str) -> bool:
        """Implements `ImageDeleter.delete`; the record is removed at once."""
        self._step("delete")
        record = self.records.pop(record_id, None)
        if record is None:
            return False
        self._newest_first = None
        self._counts = None
        self.blobs.discard(record.blob.name)
        return True

    async def list_records(
        self, record_filter: RecordFilter, *, order: SortOrder, page_size: int, cursor: str | None
    ) -> RecordPage:
        """Implements `RecordQueries.list_records`; a cursor is the position after the last record."""
        self._step("list_records")
        start = int(cursor or 0)
        matching = self._filtered(record_filter, order)
        page = list(itertools.islice(matching, start, start + page_size))
        is_last = next(matching, None) is None
        return RecordPage(
            records=tuple(summary(record, record.text) for record in page),
            cursor=None if is_last else str(start + page_size),
            request_units=3.0,
        )

    async def search(
        self,
        record_filter: RecordFilter,
        *,
        words: Sequence[str],
        vector: Sequence[float] | None,
        page_size: int,
        cursor: str | None,
    ) -> MatchPage:
        """Implements `RecordQueries.search`: those with any of the words, those with most of them first."""
        self._step("search")
        start = int(cursor or 0)
        ranked: list[tuple[int, ImageRecord]] = []
        for record in self._filtered(record_filter, SortOrder.NEWEST):
            count = len(word_matches(summary(record, record.text), words))
            similarity = self.similarities.get(record.id, 0.0)
            if count or similarity:
                ranked.append((count, record))
        ranked.sort(key=lambda pair: -pair[0])
        page = ranked[start : start + page_size]
        return MatchPage(
            matches=tuple(
                Match(record=summary(record, record.text), similarity=self.similarities.get(record.id))
                for _, record in page
            ),
            cursor=str(start + page_size) if start + page_size < len(ranked) else None,
            request_units=3.0,
        )

    async def count(self, first_day: date, last_day: date) -> RecordCounts:
        """Implements `RecordQueries.count`, whose counts are stored in Azure, too."""
        self._step("count")
        if self._counts is None:
            self._counts = self._count(first_day, last_day)
        return self._counts

    def _count(self, first_day: date, last_day: date) -> RecordCounts:
        records = list(self.records.values())

        def named(names: Iterator[str]) -> tuple[NamedCount, ...]:
            return tuple(NamedCount(name=name, count=count) for name, count in Counter(names).most_common())

        return RecordCounts(
            first_day=first_day,
            last_day=last_day,
            counted_at=self.now,
            images=len(records),
            statuses=named(record.status.value for record in records),
            categories=named(record.category.name for record in records if record.category is not None),
            labels=named(label for record in records for label in record.labels),
            request_units=2.0,
        )

    def _filtered(self, record_filter: RecordFilter, order: SortOrder) -> Iterator[ImageRecord]:
        record_filter.check()
        if self._newest_first is None:
            self._newest_first = sorted(self.records.values(), key=lambda record: record.processed_at, reverse=True)
        records = self._newest_first if order is SortOrder.NEWEST else reversed(self._newest_first)
        return (record for record in records if _meets(record, record_filter))


def _meets(record: ImageRecord, record_filter: RecordFilter) -> bool:
    if not set(record_filter.labels) <= set(record.labels):
        return False
    if record_filter.min_confidence is not None:
        confidences = {tag.name: tag.confidence or 0 for tag in record.tags or ()}
        if any(confidences[label] < record_filter.min_confidence for label in record_filter.labels):
            return False
    if record_filter.category is not None and (
        record.category is None or record.category.name != record_filter.category
    ):
        return False
    if record_filter.status is not None and record.status is not record_filter.status:
        return False
    processed_at = datetime.fromisoformat(record.processed_at)
    if record_filter.start is not None and processed_at < record_filter.start:
        return False
    if record_filter.end is not None and processed_at >= record_filter.end:
        return False
    text = record.text.lower()
    return all(word in text for word in record_filter.words)
