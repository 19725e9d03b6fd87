"""The stored JSON, as files: items of both Cosmos DB containers, messages of both queues, and published results.

Each file of `golden/` is what one scenario leaves behind. Another version of the code, clients and KQL queries read
this JSON, so a change of a file is a change of the contract. `python -m tests.functions.pipeline.test_golden_items`
writes the files anew.
"""

import asyncio
import json
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from classifier.adapters import image_headers
from classifier.adapters.cosmos import CosmosAnalysisCache, CosmosCheckpointStore, CosmosRecordRepository
from classifier.adapters.event_grid import EventGridResultPublisher
from classifier.analyzers import content_understanding, custom_vision, foundry_vision, image_analysis
from classifier.use_cases.reconcile import Reconciler
from common.domain.models import ImageInfo, Reason

from benchmarks.outages import VirtualTime
from tests.functions.pipeline.adapters.test_cosmos import Items, container
from tests.functions.pipeline.adapters.test_event_grid import Topic
from tests.support.fake_content_understanding import (
    ANALYZER,
    CONTENT_UNDERSTANDING,
    READ,
    TEXT,
    FakeContentUnderstanding,
    failed,
    succeeded,
)
from tests.support.fake_vision_service import (
    ADULT,
    ANSWER,
    CUSTOM,
    FOUNDRY,
    FOUNDRY_ANSWER,
    OPTIONS,
    PREDICTIONS,
    VECTOR,
    FakeVisionService,
    completion,
    create_azure_clients,
)
from tests.support.in_memory_services import InMemoryDeadLetterStore, InMemoryQueue, InMemoryServices, message

GOLDEN = Path(__file__).with_name("golden")
VISUAL_FEATURES = ("tags", "caption", "denseCaptions", "objects", "people", "read", "smartCrops")
FOUR_MEBIBYTES = 4_194_304
INVALID_IMAGE = {"error": {"code": "InvalidRequest", "message": "m", "innererror": {"code": "InvalidImageFormat"}}}


class Scenario:
    """The pipeline and reconcile with the adapters of Cosmos DB and Event Grid, and a clock that stands still."""

    def __init__(self) -> None:
        self.services = InMemoryServices()
        self.images = Items()
        self.analyses = Items()
        self.topic = Topic()
        # A fake of Azure AI Vision answers each request with the response of its path.
        self.vision: Any = FakeVisionService(
            analyze=[(200, ANSWER)], analyze32=[(200, ADULT)], vectorizeImage=[(200, VECTOR)]
        )
        self.analyzer: Any = image_analysis
        self.options: dict[str, Any] = OPTIONS
        self.features: tuple[str, ...] = VISUAL_FEATURES

    def upload(self, content: bytes | None = b"cat", *, name: str = "cat.png", size: int | None = None) -> None:
        self.services.upload(name, content, size=size)

    async def handle(self, text: str | None = None, *, attempt: int = 1, **changes: Any) -> None:
        """Deliver one message."""
        analyses = container(self.analyses)
        pipeline = self.services.pipeline(
            analyzer=self.analyzer.build(self.options, self.features, create_azure_clients(self.vision)),
            records=CosmosRecordRepository(container(self.images)),
            analyses=CosmosAnalysisCache(analyses, now=lambda: 1000.0, sleep=_no_pause),
            result_publisher=EventGridResultPublisher(self.topic),  # type: ignore[arg-type]
            **changes,
        )
        await pipeline.handle(message() if text is None else text, attempt=attempt)

    async def reconcile(self) -> None:
        """Run one round."""
        services = self.services
        reconciler = Reconciler(
            images=services,
            records=CosmosRecordRepository(container(self.images)),
            analyzer=services,
            dead_letters=InMemoryDeadLetterStore({"X/1.json": json.dumps([json.loads(message()), 7]).encode()}),
            queue=InMemoryQueue(services.run_step, services.queued_messages.append),
            poison_queue=InMemoryQueue(services.run_step, services.add_poison_message),
            checkpoints=CosmosCheckpointStore(container(self.analyses), lambda: "northeurope"),
            grace=timedelta(minutes=30),
            now=lambda: services.now,
        )
        await reconciler.run(services.now + timedelta(minutes=5))

    def stored(self) -> dict[str, Any]:
        """Return everything that left the code as JSON. The ETags of items are the service's."""
        return {
            "images": _items(self.images),
            "analyses": _items(self.analyses),
            "queue": [json.loads(text) for text, _ in self.services.queued_messages],
            "poison": self.services.poison_messages,
            "results": [_event_fields(event) for event in self.topic.sent],
        }


async def _no_pause(_seconds: float) -> None:
    return


def _items(items: Items) -> list[dict[str, Any]]:
    return [{name: value for name, value in item.items() if name != "_etag"} for _, item in sorted(items.items.items())]


def _event_fields(event: Any) -> dict[str, Any]:
    fields = {name: value for name, value in vars(event).items() if name not in {"_kwargs", "extensions", "time"}}
    return fields | {"extensions": event.extensions, "time": event.time.isoformat()}


async def classified_with_every_visual_feature(scenario: Scenario) -> None:
    scenario.upload()
    await scenario.handle(attempt=2)


async def classified_with_safety_and_embeddings(scenario: Scenario) -> None:
    scenario.features = ("tags", "safety", "embeddings")
    scenario.upload()
    await scenario.handle()


async def classified_with_unknown_safety(scenario: Scenario) -> None:
    """A file that is too large for adult content detection."""
    scenario.features = ("tags", "safety")
    scenario.upload(bytes(FOUR_MEBIBYTES))
    await scenario.handle()


async def classified_from_cache(scenario: Scenario) -> None:
    """The same content under two names: one analysis, two records."""
    scenario.features = ("tags", "safety", "embeddings")
    scenario.upload()
    scenario.upload(name="folder/copy é.png")
    await scenario.handle()
    await scenario.handle(message("folder/copy é.png"))


async def classified_by_an_exclusive_classifier(scenario: Scenario) -> None:
    scenario.analyzer = custom_vision
    scenario.options = CUSTOM
    scenario.features = ("tags",)
    scenario.vision = FakeVisionService(analyze32=[(200, PREDICTIONS)])
    scenario.upload()
    await scenario.handle()


async def classified_by_an_object_detector(scenario: Scenario) -> None:
    scenario.analyzer = custom_vision
    scenario.options = CUSTOM | {"task": "detection"}
    scenario.features = ("tags", "objects")
    scenario.vision = FakeVisionService(analyze32=[(200, PREDICTIONS)])
    scenario.upload()
    await scenario.handle()


async def classified_by_a_vision_model(scenario: Scenario) -> None:
    """No confidences and no positions, a category out of a configured list, and every tag is a label."""
    scenario.analyzer = foundry_vision
    scenario.options = FOUNDRY
    scenario.features = ("tags", "caption", "read")
    scenario.vision = FakeVisionService(completions=[(200, completion(FOUNDRY_ANSWER))])
    scenario.upload()
    await scenario.handle(min_confidence=0.0)


async def rejected_by_a_content_filter(scenario: Scenario) -> None:
    scenario.analyzer = foundry_vision
    scenario.options = FOUNDRY
    scenario.features = ("tags", "caption", "read")
    filtered = completion(None, finish_reason="content_filter")
    scenario.vision = FakeVisionService(completions=[(200, filtered)])
    scenario.upload()
    await scenario.handle(min_confidence=0.0)


def _use_content_understanding(scenario: Scenario, service: FakeContentUnderstanding) -> None:
    scenario.analyzer = content_understanding
    scenario.options = CONTENT_UNDERSTANDING
    scenario.features = ("tags", "caption", "read")
    scenario.vision = service
    scenario.upload()


async def waiting_for_operations(scenario: Scenario) -> None:
    """Two leases with an operation each, and a message that goes on without the image."""
    _use_content_understanding(scenario, FakeContentUnderstanding())
    await scenario.handle()


async def classified_by_operations(scenario: Scenario) -> None:
    _use_content_understanding(scenario, FakeContentUnderstanding())
    await scenario.handle(image_copies=None)
    text, _ = scenario.services.queued_messages.pop()
    scenario.services.now += timedelta(seconds=25)
    await scenario.handle(text, image_copies=None, min_confidence=0.0)


async def rejected_by_the_content_filter_of_an_operation(scenario: Scenario) -> None:
    filtered = failed(code="InvalidRequest", innererror={"code": "HarmfulContentFiltered", "message": "Violence."})
    results = {ANALYZER: [(200, filtered, {})], READ: [(200, succeeded(TEXT), {})]}
    _use_content_understanding(scenario, FakeContentUnderstanding(results))
    await scenario.handle()
    text, _ = scenario.services.queued_messages.pop()
    await scenario.handle(text)


async def classified_without_a_label(scenario: Scenario) -> None:
    """No tag has the minimum confidence, so there is no category and no copy."""
    scenario.features = ("tags",)
    scenario.upload()
    await scenario.handle(min_confidence=0.95)


async def classified_without_copies(scenario: Scenario) -> None:
    scenario.features = ("tags",)
    scenario.upload()
    await scenario.handle(image_copies=None)


async def rejected_by_its_size(scenario: Scenario) -> None:
    scenario.upload(None, size=30_000_000)
    await scenario.handle()


async def rejected_by_its_dimensions(scenario: Scenario) -> None:
    scenario.upload(b"tiny")
    await scenario.handle()


async def rejected_by_its_format(scenario: Scenario) -> None:
    scenario.upload(b"a text, no image")

    async def read_header(content: bytes) -> ImageInfo:
        return image_headers._read(content)  # no thread: it would wait for real time

    await scenario.handle(read_header=read_header)


async def rejected_because_it_is_archived(scenario: Scenario) -> None:
    scenario.upload(None, size=7)
    reason = Reason(code="Archived", sentence="The blob is in the archive access tier.", measured=None, limit=None)
    scenario.services.blobs["cat.png"] = replace(scenario.services.blobs["cat.png"], rejection=reason)
    await scenario.handle()


async def rejected_by_the_analyzer(scenario: Scenario) -> None:
    scenario.vision = FakeVisionService(analyze=[(400, INVALID_IMAGE)])
    scenario.upload()
    await scenario.handle()


async def rejected_by_the_analyzers_own_limit(scenario: Scenario) -> None:
    scenario.analyzer = custom_vision
    scenario.options = CUSTOM
    scenario.features = ("tags",)
    scenario.upload(bytes(FOUR_MEBIBYTES + 1))
    await scenario.handle()


async def failed_with_an_unexpected_response(scenario: Scenario) -> None:
    """A failed record, a poison message and a result."""
    scenario.vision = FakeVisionService(analyze=[(400, {"error": {"code": "New", "message": "never heard of"}})])
    scenario.upload()
    await scenario.handle()


async def failed_at_its_deadline(scenario: Scenario) -> None:
    """The envelope of a message that was requeued three times, after two interruptions."""
    scenario.vision = FakeVisionService(analyze=[(429, {})])
    scenario.upload()
    deadline = scenario.services.now.isoformat()
    text = {"event": json.loads(message()), "putBacks": 3, "interruptions": 2, "deadline": deadline}
    await scenario.handle(json.dumps(text), attempt=2)


async def requeued(scenario: Scenario) -> None:
    scenario.vision = FakeVisionService(analyze=[(429, {})])
    scenario.upload()
    await scenario.handle(attempt=3)


async def poison(scenario: Scenario) -> None:
    await scenario.handle(message(eventType="Microsoft.Storage.BlobRenamed"))


async def removed(scenario: Scenario) -> None:
    """The record of a deleted blob is removed; its analysis stays until its time to live ends."""
    scenario.features = ("tags",)
    scenario.upload()
    await scenario.handle()
    del scenario.services.blobs["cat.png"]
    await scenario.handle(message(kind="BlobDeleted"))


async def leased(scenario: Scenario) -> None:
    """A worker that ends during an analysis leaves its lease."""
    scenario.upload()

    async def end(*_: Any, **__: Any) -> None:
        raise asyncio.CancelledError

    async def keep(*_: Any, **__: Any) -> None:
        return

    scenario.vision.send = end  # type: ignore[method-assign]
    scenario.analyses.delete_item = keep  # type: ignore[method-assign,assignment]
    with pytest.raises(asyncio.CancelledError):
        await scenario.handle()


async def reconciled(scenario: Scenario) -> None:
    """Three blobs without records, one event in a dead letter, and the checkpoint of the round."""
    for number in range(3):
        scenario.upload(name=f"{number}.png")
    scenario.services.now += timedelta(hours=1)
    await scenario.reconcile()


SCENARIOS: dict[str, Callable[[Scenario], Coroutine[Any, Any, None]]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        classified_with_every_visual_feature,
        classified_with_safety_and_embeddings,
        classified_with_unknown_safety,
        classified_from_cache,
        classified_by_an_exclusive_classifier,
        classified_by_an_object_detector,
        classified_by_a_vision_model,
        rejected_by_a_content_filter,
        waiting_for_operations,
        classified_by_operations,
        rejected_by_the_content_filter_of_an_operation,
        classified_without_a_label,
        classified_without_copies,
        rejected_by_its_size,
        rejected_by_its_dimensions,
        rejected_by_its_format,
        rejected_because_it_is_archived,
        rejected_by_the_analyzer,
        rejected_by_the_analyzers_own_limit,
        failed_with_an_unexpected_response,
        failed_at_its_deadline,
        requeued,
        poison,
        removed,
        leased,
        reconciled,
    )
}


def golden_text(name: str) -> str:
    """Run a scenario, and return what it stored as the text of its file."""
    scenario = Scenario()
    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        runner.run(SCENARIOS[name](scenario))
    return json.dumps(scenario.stored(), sort_keys=True, indent=2) + "\n"


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_stored_json_is_the_same(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    fixed = uuid.UUID("5b0f6c1e-2c0b-4a53-9d39-6f9a1f6d9c11")
    monkeypatch.setattr(uuid, "uuid4", lambda: fixed)
    assert golden_text(name) == (GOLDEN / f"{name}.json").read_text()


def test_every_file_belongs_to_a_scenario() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == {*SCENARIOS}


def test_the_scenarios_have_every_status_and_every_finding() -> None:
    """Without this, a scenario that ends early would be compared with nothing."""
    files = [json.loads(path.read_text()) for path in sorted(GOLDEN.glob("*.json"))]
    records = [record for file in files for record in file["images"]]
    assert {record["status"] for record in records} == {"classified", "rejected", "failed"}
    for field in (*VISUAL_FEATURES, "adult", "vector", "category", "reason", "image", "analyzer", "copy"):
        assert any(record.get(field) for record in records), field
    analyses = [item for file in files for item in file["analyses"]]
    assert {len(item.get("findings", {})) for item in analyses} >= {0, 1, 2, 7}
    assert {item.get("exclusive") for item in analyses} == {True, False, None}
    assert any("watermark" in item for item in analyses)
    assert any("claimedUntil" in item for item in analyses)


if __name__ == "__main__":
    uuid.uuid4 = lambda: uuid.UUID("5b0f6c1e-2c0b-4a53-9d39-6f9a1f6d9c11")
    for scenario_name in SCENARIOS:
        (GOLDEN / f"{scenario_name}.json").write_text(golden_text(scenario_name))
