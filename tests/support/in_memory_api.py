"""In-memory implementations of the API's ports, and a client that calls the functions as the Functions host does."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import azure.functions as func
from common.domain.errors import AuthorizationError, InvalidQueryError
from common.domain.findings import Caption, Tag
from common.domain.image_limits import IMAGE_ANALYSIS_LIMITS, ImageLimits
from common.domain.models import SCHEMA_VERSION, ImageFormat, ImageInfo, Versioned
from common.domain.principal import AppRole, Principal
from common.domain.queries import RecordFilter, SortOrder
from common.domain.query_results import Match, MatchPage, NamedCount, RecordCounts, RecordPage, RecordSummary
from common.domain.record import ImageRecord, RecordStatus, StoredRecord
from common.domain.record_fields import BlobProperties, Category, Timings
from common.domain.record_id import record_id
from image_api.domain.configuration import ClientConfiguration, upload_limits
from image_api.domain.rate_limits import RateLimits
from image_api.http.dispatcher import Dispatcher
from image_api.http.headers import CrossOriginPolicy
from image_api.http.page import Page, PageServer, load_page_files
from image_api.use_cases.application import Application
from image_api.use_cases.images import Images
from image_api.use_cases.search import Search
from image_api.use_cases.uploads import Uploads

PAGE_FOLDER = Path(__file__).resolve().parents[2] / "functions/api/page"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ORIGIN = "https://photos.contoso.com"
BLOB_HOST = "https://acct.blob.core.windows.net"
# The roles of the bearer token `Bearer <name>`.
TOKENS: Mapping[str, frozenset[str]] = {
    "reader": frozenset({AppRole.IMAGES_READ}),
    "uploader": frozenset({AppRole.IMAGES_READ, AppRole.IMAGES_UPLOAD}),
    "operator": frozenset({AppRole.IMAGES_READ, AppRole.IMAGES_DELETE, AppRole.PIPELINE_OPERATE}),
    "all": frozenset(AppRole),
    "guest": frozenset(),
}


def create_record(
    name: str,
    *,
    tags: Sequence[tuple[str, float]] = (("cat", 0.93), ("grass", 0.71)),
    caption: str | None = "a cat on the grass",
    text: str = "",
    status: RecordStatus = RecordStatus.CLASSIFIED,
    vector: tuple[float, ...] | None = None,
    processed_at: datetime = NOW,
) -> ImageRecord:
    """Return the record of an image whose tags are all labels."""
    all_tags = tuple(Tag(name=tag, confidence=confidence) for tag, confidence in tags)
    optional: dict[str, Any] = {} if vector is None else {"vector": vector}
    return ImageRecord(
        id=record_id("images", name),
        schema_version=SCHEMA_VERSION,
        status=status,
        reason=None,
        blob=BlobProperties(
            account="acct",
            container="images",
            name=name,
            etag="0x1",
            content_type="image/png",
            size_bytes=3,
            content_sha256="00",
            created_at=None,
        ),
        event_id="event-1",
        sequencer=None,
        image=ImageInfo(width=640, height=480, format=ImageFormat.PNG),
        labels=tuple(tag.name for tag in all_tags),
        category=Category(name=all_tags[0].name, confidence=all_tags[0].confidence) if all_tags else None,
        tags=all_tags,
        caption=Caption(text=caption, confidence=0.8) if caption is not None else None,
        dense_captions=None,
        objects=None,
        people=None,
        read=None,
        smart_crops=None,
        analyzer=None,
        copy_path=None,
        timings=Timings(queued_ms=1, analyze_ms=2, total_ms=3),
        attempts=1,
        processed_at=processed_at.isoformat(),
        text=text,
        **optional,
    )


def summary(record: ImageRecord, text: str = "") -> RecordSummary:
    """Return what lists have of a record."""
    return RecordSummary(
        id=record.id,
        status=record.status,
        reason=record.reason,
        container=record.blob.container,
        name=record.blob.name,
        etag=record.blob.etag,
        content_type=record.blob.content_type,
        image=record.image,
        labels=record.labels,
        category=record.category,
        tags=record.tags,
        caption=record.caption,
        text=text,
        processed_at=record.processed_at,
    )


@dataclass
class InMemoryApi:
    """The services behind the API; `failure` is raised by the operation that it is set for."""

    records: dict[str, ImageRecord] = field(default_factory=dict[str, ImageRecord])
    texts: dict[str, str] = field(default_factory=dict[str, str])
    similarities: dict[str, float] = field(default_factory=dict[str, float])
    blobs: set[str] = field(default_factory=set[str])
    failures: dict[str, Exception] = field(default_factory=dict[str, Exception])
    filters: list[RecordFilter] = field(default_factory=list[RecordFilter])
    deletions: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    embeddings: bool = True
    limits: ImageLimits = IMAGE_ANALYSIS_LIMITS
    burst: int = 1000
    now: datetime = NOW

    def add(self, record: ImageRecord, *, text: str = "", similarity: float | None = None) -> ImageRecord:
        """Add a record and its blob."""
        self.records[record.id] = record
        self.blobs.add(record.blob.name)
        self.texts[record.id] = text
        if similarity is not None:
            self.similarities[record.id] = similarity
        return record

    def application(self) -> Application:
        """Return the application with these services."""
        return Application(
            authenticator=self,
            rate_limits=RateLimits(per_second=10, burst=self.burst, clock=lambda: 0.0),
            uploads=Uploads(
                blobs=self,
                container="images",
                content_types=self.limits.media_types,
                now=lambda: self.now,
                suffix=lambda: "abcd1234",
            ),
            images=Images(records=self, blobs=self, deleter=Deleter(self), container="images", now=lambda: self.now),
            search=Search(
                queries=self,
                records=self,
                blobs=self,
                vectorizer=self if self.embeddings else None,
                min_similarity=0.25,
                now=lambda: self.now,
            ),
            configuration=ClientConfiguration(
                authority="https://login.microsoftonline.com/tenant",
                client_id="client",
                scope="client/.default",
                blob_origin=BLOB_HOST,
                limits=upload_limits(self.limits),
                features=("tags",),
            ),
        )

    def _step(self, operation: str) -> None:
        if operation in self.failures:
            raise self.failures[operation]

    def load_page(self) -> Page:
        """Return the page, with the files that are deployed."""
        self._step("load_page")
        files = load_page_files(PAGE_FOLDER)
        return Page(files, blob_origin=BLOB_HOST, sign_in_origin="https://login.microsoftonline.com")

    async def authenticate(self, authorization: str | None) -> Principal:
        """Implements `Authenticator.authenticate`: `Bearer <name>` is a token of that name in `TOKENS`."""
        self._step("authenticate")
        name = (authorization or "").removeprefix("Bearer ")
        if name not in TOKENS:
            raise AuthorizationError(401, "the request has no valid token")
        return Principal(object_id=f"id-of-{name}", app_roles=TOKENS[name])

    async def exists(self, name: str) -> bool:
        """Implements `ImageBlobs.exists`."""
        self._step("exists")
        return name in self.blobs

    async def create_upload_url(self, name: str, *, now: datetime, expires_at: datetime) -> str:
        """Implements `ImageBlobs.create_upload_url`."""
        self._step("create_upload_url")
        return f"{BLOB_HOST}/images/{quote(name)}?sp=c&se={expires_at.isoformat()}"

    async def create_read_url(self, name: str, content_type: str | None, *, now: datetime, expires_at: datetime) -> str:
        """Implements `ImageBlobs.create_read_url`."""
        self._step("create_read_url")
        return f"{BLOB_HOST}/images/{quote(name)}?sp=r&rsct={content_type}&se={expires_at.isoformat()}"

    async def get(self, record_id: str) -> StoredRecord | None:
        """Implements `RecordReader.get`."""
        self._step("get")
        record = self.records.get(record_id)
        return None if record is None else Versioned(record, f'"{record.blob.etag}"')

    async def vectorize(self, text: str) -> tuple[float, ...]:
        """Implements `TextVectorizer.vectorize`."""
        self._step("vectorize")
        return (float(len(text)),)

    def _matching(self, record_filter: RecordFilter) -> list[ImageRecord]:
        record_filter.check()
        self.filters.append(record_filter)
        matching = [record for record in self.records.values() if set(record_filter.labels) <= set(record.labels)]
        return sorted(matching, key=lambda record: record.processed_at, reverse=True)

    async def list_records(
        self, record_filter: RecordFilter, *, order: SortOrder, page_size: int, cursor: str | None
    ) -> RecordPage:
        """Implements `RecordQueries.list_records`; a cursor is a number."""
        self._step("list_records")
        matching = self._matching(record_filter)
        if order is SortOrder.OLDEST:
            matching.reverse()
        start = _read_cursor(cursor)
        page = matching[start : start + page_size]
        more = str(start + page_size) if start + page_size < len(matching) else None
        return RecordPage(
            records=tuple(summary(record, self.texts[record.id]) for record in page), cursor=more, request_units=3.0
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
        """Implements `RecordQueries.search`: every record matches, as Cosmos DB ranks them all."""
        self._step("search")
        _read_cursor(cursor)
        matching = self._matching(record_filter)
        matches = tuple(
            Match(
                record=summary(record, self.texts[record.id]),
                similarity=self.similarities.get(record.id, 0.0) if vector is not None else None,
            )
            for record in matching[:page_size]
        )
        return MatchPage(matches=matches, cursor="10" if len(matching) > page_size else None, request_units=3.0)

    async def find_similar(
        self, record_filter: RecordFilter, *, vector: Sequence[float], exclude_id: str | None, limit: int
    ) -> MatchPage:
        """Implements `RecordQueries.find_similar`."""
        self._step("find_similar")
        matching = [record for record in self._matching(record_filter) if record.id != exclude_id]
        matches = tuple(Match(record=summary(record), similarity=0.5) for record in matching[:limit])
        return MatchPage(matches=matches, cursor=None, request_units=3.0)

    async def count(self, first_day: date, last_day: date) -> RecordCounts:
        """Implements `RecordQueries.count`."""
        self._step("count")
        if first_day > last_day or last_day - first_day > timedelta(days=365):
            raise InvalidQueryError("the days are not in order")
        return RecordCounts(
            first_day=first_day,
            last_day=last_day,
            counted_at=self.now,
            images=3,
            statuses=(NamedCount(name="classified", count=2), NamedCount(name="rejected", count=1)),
            categories=(NamedCount(name="cat", count=2),),
            labels=(NamedCount(name="cat", count=2), NamedCount(name="grass", count=1)),
            request_units=2.0,
        )


class Deleter:
    """`ImageDeleter` for the in-memory services."""

    def __init__(self, api: InMemoryApi) -> None:
        self._api = api

    async def delete(self, record_id: str, authorization: str) -> bool:
        """Implements `ImageDeleter.delete`."""
        if "delete" in self._api.failures:
            raise self._api.failures["delete"]
        self._api.deletions.append((record_id, authorization))
        return record_id in self._api.records


def _read_cursor(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not re.fullmatch(r"[0-9]{1,6}", cursor):
        raise InvalidQueryError("the cursor is not one of this query")
    return int(cursor)


@dataclass(frozen=True)
class Answer:
    """A response of a function, as a client receives it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


def _pattern_of(route: str) -> str:
    """The regular expression of a route: parameters for a segment, for the rest of the path, and for nothing."""
    pattern = re.escape(route).replace(re.escape("{ignored:maxlength(0)?}"), "")
    pattern = re.sub(r"\\\{\\\*(\w+)\\\}", r"(?P<\1>.*)", pattern)
    return re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", pattern)


class ApiClient:
    """Calls the functions of the API app in process, by the routes that they declare.

    Routes and parameters are matched, and queries are read, as the Functions host does it.
    """

    def __init__(self, api: InMemoryApi, *, origins: Sequence[str] = (ORIGIN,)) -> None:
        from image_api import triggers  # noqa: PLC0415 (the module registers the functions when it is imported)

        application = api.application()
        self._triggers = triggers
        self._dispatcher = Dispatcher(lambda: application, lambda: CrossOriginPolicy(origins), now=lambda: 0.0)
        self._page_server = PageServer(api.load_page)
        app = func.FunctionApp()
        app.register_functions(triggers.blueprint)
        self._routes: list[tuple[re.Pattern[str], set[str], Any]] = []
        for function in app.get_functions():
            trigger: Any = function.get_trigger()
            pattern = _pattern_of(trigger.route)
            methods = {method.value if hasattr(method, "value") else method for method in trigger.methods}
            self._routes.append((re.compile(f"/{pattern}"), methods, function.get_user_function()))

    async def send(
        self,
        method: str,
        url: str,
        *,
        token: str | None = "all",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        json_body: object = None,
    ) -> Answer:
        """Send a request; `url` begins with the path."""
        split = urlsplit(url)
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if json_body is not None:
            body = json.dumps(json_body).encode()
            sent.setdefault("Content-Type", "application/json")
        params: dict[str, str] = {}
        for name, value in parse_qsl(split.query, keep_blank_values=True):
            params[name] = f"{params[name]},{value}" if name in params else value
        for pattern, methods, function in self._routes:
            match = pattern.fullmatch(split.path)
            if match is not None and method in methods:
                request = func.HttpRequest(
                    method=method,
                    url=f"https://api.azurewebsites.net{url}",
                    headers=sent,
                    params=params,
                    route_params={name: unquote(value) for name, value in match.groupdict().items()},
                    body=body,
                )
                previous = (self._triggers.dispatcher, self._triggers.page_server)
                self._triggers.dispatcher = self._dispatcher
                self._triggers.page_server = self._page_server
                try:
                    response: func.HttpResponse = await function(request)
                finally:
                    self._triggers.dispatcher, self._triggers.page_server = previous
                received = dict(response.headers)
                received["Content-Type"] = response.mimetype
                return Answer(response.status_code, received, response.get_body())
        return Answer(404, {}, b"")
