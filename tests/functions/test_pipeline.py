"""The pipeline with plain objects behind its ports: every way that events can come."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from classifier import limits
from classifier.models import Analysis, Blob, EventError, ImageInfo
from classifier.pipeline import Pipeline
from classifier.ports import Gone, Superseded
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RECORD_FIELDS = {
    "id", "schemaVersion", "status", "reason", "blob", "sequencer", "image", "tags", "labels", "category", "caption",
    "denseCaptions", "objects", "people", "read", "smartCrops", "analyzer", "timings", "attempts", "processedAt",
}  # fmt: skip


def message(name: str = "cat.png", *, sequencer: str = "0001", etag: str = "e1", **changes: Any) -> str:
    event = {
        "eventType": "Microsoft.Storage.BlobCreated",
        "subject": f"/blobServices/default/containers/images/blobs/{name}",
        "eventTime": (NOW - timedelta(seconds=2)).isoformat(),
        "data": {"url": "https://acct.blob.core.windows.net/anything", "eTag": etag, "sequencer": sequencer},
    }
    return json.dumps(event | changes)


class World:
    """A container, an analyser and a database in memory."""

    account, container, identity = "acct", "images", "test/1"

    def __init__(self) -> None:
        self.blobs: dict[str, Blob] = {}
        self.records: dict[str, dict[str, Any]] = {}
        self.known: dict[str, Analysis] = {}
        self.analyzed: list[bytes] = []
        self.failure: Exception | None = None
        self.before_put: list[dict[str, Any]] = []
        self.upload("cat.png", b"cat", etag="e1")

    def upload(self, name: str, content: bytes | None, *, etag: str, size: int | None = None) -> None:
        size = len(content or b"") if size is None else size
        self.blobs[name] = Blob(content=content, size_bytes=size, etag=etag, content_type="image/png", created_at=NOW)

    def read(self, name: str, etag: str) -> Blob:
        if name not in self.blobs:
            raise Gone(name)
        if self.blobs[name].etag != etag:
            raise Superseded(name)
        return self.blobs[name]

    def inspect(self, content: bytes) -> ImageInfo:
        if content == b"text":
            raise limits.Rejected("NotAnImage", "no image")
        return ImageInfo(width=10 if content == b"tiny" else 640, height=480, format="PNG")

    def analyze(self, content: bytes, features: Any) -> Analysis:
        if self.failure:
            raise self.failure
        self.analyzed.append(content)
        tags = [{"name": "cat", "confidence": 0.9}, {"name": "sofa", "confidence": 0.4}]
        return Analysis(analyzer="test", api_version="1", model_version="m", findings={"tags": tags})

    def get(self, record_id: str) -> dict[str, Any] | None:
        return self.records.get(record_id)

    def put(self, record: dict[str, Any], replacing: dict[str, Any] | None) -> None:
        if self.before_put:
            overtaking = self.before_put.pop(0)
            self.records[overtaking["id"]] = overtaking
        if self.records.get(record["id"]) is not replacing:
            raise Superseded(record["id"])
        self.records[record["id"]] = dict(record)

    def pipeline(self) -> Pipeline:
        world = self

        class Analyses:
            def get(self, key: str) -> Analysis | None:
                return world.known.get(key)

            def put(self, key: str, analysis: Analysis) -> None:
                world.known.setdefault(key, analysis)

        return Pipeline(
            images=self, analyzer=self, records=self, analyses=Analyses(), features=["tags"], min_confidence=0.5,
            now=lambda: NOW,
        )  # fmt: skip

    @property
    def record(self) -> dict[str, Any]:
        (record,) = self.records.values()
        return record


@pytest.fixture
def world() -> World:
    return World()


def test_an_image_becomes_a_record(world: World) -> None:
    outcome = world.pipeline().classify(message(), attempt=2)
    assert (outcome.status, outcome.detail) == ("classified", "cat")
    record = world.record
    assert set(record) == RECORD_FIELDS
    assert record["id"] == outcome.record_id
    assert record["category"] == {"name": "cat", "confidence": 0.9}
    assert record["labels"] == ["cat"]
    assert record["image"] == {"width": 640, "height": 480, "format": "PNG"}
    assert record["blob"]["name"] == "cat.png"
    assert record["blob"]["sizeBytes"] == 3
    assert record["timings"] == {"queuedMs": 2000, "analyzeMs": 0, "totalMs": 2000}
    assert record["attempts"] == 2
    assert record["analyzer"]["cached"] is False


@pytest.mark.parametrize(
    ("content", "size", "code"),
    [
        (b"text", None, "NotAnImage"),
        (b"", None, "EmptyFile"),
        (b"tiny", None, "BadDimensions"),
        (None, 30_000_000, "TooLarge"),
    ],
)
def test_what_can_never_be_analysed_is_rejected_without_asking_the_analyser(
    world: World, content: bytes | None, size: int | None, code: str
) -> None:
    world.upload("cat.png", content, etag="e1", size=size)
    assert world.pipeline().classify(message(), attempt=1).status == "rejected"
    assert world.record["reason"]["code"] == code
    assert world.analyzed == []
    assert world.record["blob"]["sizeBytes"] == (size or len(content or b""))


def test_the_analysers_own_verdict_is_a_rejection_too(world: World) -> None:
    world.failure = limits.Rejected("InvalidImageFormat", "corrupt")
    assert world.pipeline().classify(message(), attempt=1).status == "rejected"
    assert world.record["image"]["format"] == "PNG"


def test_a_passing_trouble_is_raised_and_nothing_is_written(world: World) -> None:
    world.failure = ConnectionError("down")
    with pytest.raises(ConnectionError):
        world.pipeline().classify(message(), attempt=1)
    assert world.records == {}


def test_giving_up_leaves_a_record_that_says_why_and_a_later_success_replaces_it(world: World) -> None:
    pipeline = world.pipeline()
    assert pipeline.give_up(message(), attempt=5, error=ConnectionError("down\nlong trace")).status == "failed"
    assert world.record["reason"] == {"code": "ConnectionError", "sentence": "down"}
    assert set(world.record) == RECORD_FIELDS
    assert pipeline.classify(message(), attempt=1).status == "classified"
    assert world.record["status"] == "classified"


def test_giving_up_never_overwrites_what_was_classified(world: World) -> None:
    pipeline = world.pipeline()
    pipeline.classify(message(), attempt=1)
    assert pipeline.give_up(message(), attempt=5, error=ValueError("late")).status == "skipped"
    assert world.record["status"] == "classified"


def test_a_duplicate_event_is_not_paid_for(world: World) -> None:
    pipeline = world.pipeline()
    pipeline.classify(message(), attempt=1)
    assert pipeline.classify(message(), attempt=1).status == "skipped"
    assert len(world.analyzed) == 1


def test_the_same_content_under_another_name_is_not_paid_for(world: World) -> None:
    world.upload("copy.png", b"cat", etag="e2")
    pipeline = world.pipeline()
    pipeline.classify(message(), attempt=1)
    pipeline.classify(message("copy.png", etag="e2"), attempt=1)
    assert len(world.analyzed) == 1
    assert sorted(record["analyzer"]["cached"] for record in world.records.values()) == [False, True]


def test_an_old_event_does_not_touch_a_newer_record(world: World) -> None:
    world.upload("cat.png", b"new", etag="e2")
    pipeline = world.pipeline()
    pipeline.classify(message(sequencer="0002", etag="e2"), attempt=1)
    assert pipeline.classify(message(sequencer="0001"), attempt=1).status == "skipped"
    assert world.record["sequencer"] == "0002"


@pytest.mark.parametrize("left", ["changed", "deleted"])
def test_a_blob_that_changed_or_went_is_left_to_its_own_event(world: World, left: str) -> None:
    world.blobs.clear()
    if left == "changed":
        world.upload("cat.png", b"new", etag="e2")
    assert world.pipeline().classify(message(), attempt=1).status == "skipped"
    assert world.records == {}


def test_a_newer_record_that_appears_meanwhile_wins(world: World) -> None:
    pipeline = world.pipeline()
    outcome = pipeline.classify(message(), attempt=1)
    newer = world.record | {"sequencer": "0009", "labels": ["newer"]}
    world.records.clear()
    world.before_put = [newer]
    assert pipeline.classify(message(), attempt=1).status == "skipped"
    assert world.records[outcome.record_id]["labels"] == ["newer"]


def test_an_older_record_that_appears_meanwhile_is_replaced(world: World) -> None:
    pipeline = world.pipeline()
    outcome = pipeline.classify(message(), attempt=1)
    older = world.record | {"sequencer": "0000"}
    world.records.clear()
    world.before_put = [older]
    assert pipeline.classify(message(), attempt=1).status == "classified"
    assert world.records[outcome.record_id]["sequencer"] == "0001"


@given(st.permutations(["0001", "0002", "0003", "0003", "0002"]))
def test_whatever_the_order_the_newest_upload_has_the_last_word(order: list[str]) -> None:
    world = World()
    world.upload("cat.png", b"latest", etag="0003")
    pipeline = world.pipeline()
    for sequencer in order:
        pipeline.classify(message(sequencer=sequencer, etag=sequencer), attempt=1)
    assert world.record["sequencer"] == "0003"
    assert len(world.analyzed) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not json", "no Event Grid event"),
        ("[]", "no Event Grid event"),
        (message(eventType="Microsoft.Storage.BlobDeleted"), "eventType is 'Microsoft.Storage.BlobDeleted'"),
        (message(subject="/blobServices/default/containers/images"), "names no blob"),
        (message(subject="/blobServices/default/containers/secrets/blobs/a"), "not about"),
        (message(data={"url": "https://evil.example/a", "eTag": "e", "sequencer": "1"}), "not about"),
        (message(data={}), "no Event Grid event"),
    ],
)
def test_a_message_that_is_not_about_our_container_is_refused(world: World, text: str, said: str) -> None:
    with pytest.raises(EventError, match=said):
        world.pipeline().classify(text, attempt=1)
    assert world.records == {}


@given(st.text(min_size=1, max_size=200).filter(lambda name: not name.isspace()))
def test_any_name_gives_a_legal_and_stable_record_id(name: str) -> None:
    world = World()
    world.upload(name, b"cat", etag="e1")
    outcome = world.pipeline().classify(message(name), attempt=1)
    assert world.record["blob"]["name"] == name
    assert outcome.record_id.isalnum()
    assert len(outcome.record_id) == 52
