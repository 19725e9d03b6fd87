"""The adapters against fakes of the services: requests as they should be, refusals in the ports' words."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Self

import pytest
from azure.core.exceptions import HttpResponseError, ResourceModifiedError, ResourceNotFoundError
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)
from classifier.adapters.blobs import BlobGallery, BlobImages
from classifier.adapters.cosmos import CLAIM_SECONDS, CosmosAnalyses, CosmosMemory, CosmosRecords
from classifier.adapters.results import event
from classifier.adapters.wiring import BUDGET_SECONDS
from classifier.limits import MAX_BYTES
from classifier.measures import measured
from classifier.models import Analysis, Blob, Claim
from classifier.ports import Gone, Later, Superseded

ANALYSIS = Analysis(analyzer="a", api_version="1", model_version="m", findings={"tags": []})
BLOB = Blob(content=b"cat", size_bytes=3, etag="e1", content_type="image/png", created_at=None)


class Answer:
    """A response of the blob service; what is not read is not fetched."""

    def __init__(self, status: int = 200, content: bytes = b"", size: int | None = None) -> None:
        self.status_code, self.reason, self.content_type = status, "", "text/plain"
        self.headers = {
            "Content-Length": str(len(content) if size is None else size), "ETag": '"e1"', "Content-Type": "image/png",
            "x-ms-creation-time": "Fri, 02 Jan 2026 03:04:05 GMT",
        }  # fmt: skip
        self._content = content
        self.was_read = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def read(self) -> bytes:
        self.was_read = True
        return self._content

    def text(self) -> str:
        return self._content.decode()


class Blobs:
    """Stands where the reader's pipeline would."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str]] = []

    async def send_request(self, request: Any, **_: Any) -> Answer:
        self.asked.append((request.method, request.url))
        return self.answer


class Container:
    """Stands where a blob container's client would."""

    url, container_name = "https://ACCT.blob.core.windows.net/images", "images"

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[tuple[Any, ...]] = []

    def get_blob_client(self, name: str) -> "Container":
        self.calls.append(("client", name))
        return self

    def __getattr__(self, name: str) -> Any:
        async def call(*positional: Any, **named: Any) -> Any:
            self.calls.append((name, *positional, named))
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        return call


def images(answer: Answer) -> tuple[BlobImages, Blobs]:
    blobs = Blobs(answer)
    return BlobImages(Container(None), blobs), blobs  # type: ignore[arg-type]


def test_a_blob_is_read_as_it_is_now() -> None:
    port, blobs = images(Answer(content=b"cat"))
    assert (port.host, port.container) == ("acct.blob.core.windows.net", "images")
    blob = asyncio.run(port.read("a b/é#?%.png"))
    assert blob == replace(BLOB, created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert blobs.asked == [("GET", f"{Container.url}/a%20b/%C3%A9%23%3F%25.png")]
    assert asyncio.run(port.etag("a.png")) == "e1"
    assert blobs.asked[1] == ("HEAD", f"{Container.url}/a.png")


def test_a_blob_that_is_too_large_is_not_fetched() -> None:
    answer = Answer(size=MAX_BYTES + 1)
    port, _ = images(answer)
    blob = asyncio.run(port.read("big.png"))
    assert (blob.content, blob.size_bytes, answer.was_read) == (None, MAX_BYTES + 1, False)


def test_a_blob_that_is_gone_is_gone() -> None:
    port, _ = images(Answer(404))
    with pytest.raises(Gone):
        asyncio.run(port.read("a.png"))
    assert asyncio.run(port.etag("a.png")) is None


@pytest.mark.parametrize("status", [403, 409, 500])
def test_any_other_answer_is_a_trouble_and_never_taken_for_a_blob(status: int) -> None:
    port, _ = images(Answer(status, b"no"))
    with pytest.raises(HttpResponseError):
        asyncio.run(port.read("a.png"))
    with pytest.raises(HttpResponseError):
        asyncio.run(port.etag("a.png"))


@pytest.mark.parametrize(("source", "deleted"), [("e1", True), ("e2", False)])
def test_a_copy_is_removed_only_if_it_is_that_versions(source: str, *, deleted: bool) -> None:
    client = Container(type("P", (), {"metadata": {"sourceetag": source}, "etag": '"c9"'}))
    asyncio.run(BlobGallery(client).discard("cat/a.png", "e1"))  # type: ignore[arg-type]
    deletions = [named for name, *_, named in client.calls if name == "delete_blob"]
    assert [named["etag"] for named in deletions] == (['"c9"'] if deleted else [])


@pytest.mark.parametrize("error", [ResourceNotFoundError(), ResourceModifiedError()])
def test_a_copy_that_is_gone_or_newer_is_left(error: Exception) -> None:
    asyncio.run(BlobGallery(Container(error)).discard("cat/a.png", "e1"))  # type: ignore[arg-type]


def test_a_copy_says_which_version_it_is() -> None:
    client = Container(None)
    asyncio.run(BlobGallery(client).keep("cat/a.png", BLOB))  # type: ignore[arg-type]
    ((name, path, content, named),) = client.calls
    assert (name, path, content) == ("upload_blob", "cat/a.png", b"cat")
    assert (named["metadata"], named["overwrite"]) == ({"sourceetag": "e1"}, True)


class Items:
    """A Cosmos DB container in memory, with ETags, and with charges."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.writes = 0

    def _store(self, item: dict[str, Any], hook: Any) -> dict[str, Any]:
        self.writes += 1
        self.items[item["id"]] = item | {"_etag": str(self.writes)}
        hook({"x-ms-request-charge": "7.5"}, None)
        return self.items[item["id"]]

    def _match(self, item_id: str, etag: str) -> None:
        if item_id not in self.items:
            raise CosmosResourceNotFoundError
        if self.items[item_id]["_etag"] != etag:
            raise CosmosAccessConditionFailedError

    async def read_item(self, item_id: str, partition_key: str, response_hook: Any) -> dict[str, Any]:
        assert partition_key == item_id
        response_hook({}, None)
        if item_id not in self.items:
            raise CosmosResourceNotFoundError
        return self.items[item_id]

    async def create_item(self, item: dict[str, Any], response_hook: Any) -> dict[str, Any]:
        if item["id"] in self.items:
            raise CosmosResourceExistsError
        return self._store(item, response_hook)

    async def replace_item(self, item_id: str, item: dict[str, Any], *, etag: str, response_hook: Any, **_: Any) -> Any:
        self._match(item_id, etag)
        return self._store(item, response_hook)

    async def delete_item(self, item_id: str, partition_key: str, *, etag: str, **_: Any) -> None:
        assert partition_key == item_id
        self._match(item_id, etag)
        del self.items[item_id]


def test_a_record_is_created_replaced_and_deleted_under_its_etag_and_the_charge_is_counted() -> None:
    async def run() -> None:
        records = CosmosRecords(Items())  # type: ignore[arg-type]
        await records.put({"id": "1"}, None)
        first = await records.get("1")
        await records.put({"id": "1", "new": True}, first)
        for lost in (records.put({"id": "1"}, None), records.put({"id": "1"}, first), records.delete(first or {})):
            with pytest.raises(Superseded):
                await lost
        second = await records.get("1")
        assert second is not None
        assert second["new"]
        await records.delete(second)
        assert await records.get("1") is None
        with pytest.raises(Superseded):
            await records.put({"id": "1"}, second)

    with measured() as measures:
        asyncio.run(run())
    assert measures["requestUnits"] == 15


def test_one_of_two_gets_the_claim_and_the_other_gets_its_analysis() -> None:
    async def run() -> None:
        analyses = CosmosAnalyses(Items(), now=lambda: 1000.0)  # type: ignore[arg-type]
        claim = await analyses.begin("key")
        assert isinstance(claim, Claim)
        with pytest.raises(Later):
            await analyses.begin("key")
        await analyses.finish(claim, ANALYSIS)
        assert await analyses.begin("key") == ANALYSIS

    asyncio.run(run())


def test_a_claim_that_ran_out_is_taken_over_once_and_its_owner_loses_it() -> None:
    async def run() -> None:
        now = [1000.0]
        analyses = CosmosAnalyses(Items(), now=lambda: now[0])  # type: ignore[arg-type]
        lost = await analyses.begin("key")
        now[0] += CLAIM_SECONDS + 1
        taken = await analyses.begin("key")
        assert isinstance(lost, Claim)
        assert isinstance(taken, Claim)
        await analyses.release(lost)
        await analyses.finish(lost, ANALYSIS)
        with pytest.raises(Later):
            await analyses.begin("key")
        await analyses.release(taken)
        assert isinstance(await analyses.begin("key"), Claim)

    asyncio.run(run())


def test_a_claim_outlives_whoever_may_still_be_at_work() -> None:
    lease_seconds = 600
    assert lease_seconds > CLAIM_SECONDS > BUDGET_SECONDS


def test_the_watermark_is_kept_and_does_not_expire() -> None:
    async def run() -> None:
        items = Items()
        memory = CosmosMemory(items)  # type: ignore[arg-type]
        assert await memory.load() is None
        await memory.store({"marker": "a"})
        await memory.store({"marker": "b"})
        assert await memory.load() == {"marker": "b"}
        ((item),) = items.items.values()
        assert item["ttl"] == -1

    asyncio.run(run())


RECORD: dict[str, Any] = {
    "id": "abc", "status": "classified", "reason": None, "labels": ["cat", "sofa"], "copy": None,
    "category": {"name": "cat", "confidence": 0.9}, "processedAt": "2026-01-02T03:04:05+00:00",
    "blob": {"account": "acct", "container": "images", "name": "a.png", "etag": "e1"},
    "analyzer": {"identity": "test/1"},
}  # fmt: skip


def test_an_event_can_be_filtered_by_what_was_found() -> None:
    said = event(RECORD)
    assert (said.type, said.subject, said.source) == ("ImageClassified", "a.png", "/acct/images")
    assert said.extensions == {"recordid": "abc", "category": "cat", "labels": "cat,sofa"}
    assert said.data is not None
    assert (said.data["recordId"], said.data["labels"]) == ("abc", ["cat", "sofa"])


def test_the_same_result_has_the_same_event_id_and_any_other_result_another() -> None:
    later = RECORD | {"processedAt": "2026-02-02T03:04:05+00:00"}
    others = [
        RECORD | {"blob": RECORD["blob"] | {"etag": "e2"}}, RECORD | {"status": "failed"},
        RECORD | {"analyzer": {"identity": "test/2"}}, RECORD | {"id": "abd"},
    ]  # fmt: skip
    assert event(later).id == event(RECORD).id
    assert len({event(record).id for record in (RECORD, *others)}) == 5


@pytest.mark.parametrize(("status", "kind"), [("rejected", "ImageRejected"), ("failed", "ImageFailed")])
def test_what_was_not_classified_is_announced_with_its_reason(status: str, kind: str) -> None:
    record = RECORD | {
        "status": status, "reason": {"code": "TooLarge"}, "category": None, "labels": [], "analyzer": None,
    }  # fmt: skip
    said = event(record)
    assert (said.type, said.extensions) == (kind, {"recordid": "abc"})
    assert said.data is not None
    assert said.data["reason"] == "TooLarge"
