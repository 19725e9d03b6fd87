"""The events for subscribers: their fields, their ids, and errors of the results topic."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from classifier.adapters.event_grid import EventGridResultPublisher, create_cloud_event
from classifier.domain.errors import (
    ConfigurationError,
    RetryLaterError,
)

from tests.functions.adapters.test_service_errors import answered

RECORD: dict[str, Any] = {
    "id": "abc", "status": "classified", "reason": None, "labels": ["cat", "sofa"], "copy": None,
    "category": {"name": "cat", "confidence": 0.9}, "processedAt": "2026-01-02T03:04:05+00:00",
    "blob": {"account": "acct", "container": "images", "name": "a.png", "etag": "e1"},
    "analyzer": {"identity": "test/1"},
}  # fmt: skip


def test_an_event_can_be_filtered_by_what_was_found() -> None:
    event = create_cloud_event(RECORD)
    assert (event.type, event.subject, event.source) == ("ImageClassified", "a.png", "/acct/images")
    assert event.extensions == {"recordid": "abc", "category": "cat", "labels": "cat,sofa"}
    assert event.data is not None
    assert (event.data["recordId"], event.data["labels"]) == ("abc", ["cat", "sofa"])


def test_the_same_result_has_the_same_event_id_and_any_other_result_another() -> None:
    later = RECORD | {"processedAt": "2026-02-02T03:04:05+00:00"}
    others = [
        RECORD | {"blob": RECORD["blob"] | {"etag": "e2"}}, RECORD | {"status": "failed"},
        RECORD | {"analyzer": {"identity": "test/2"}}, RECORD | {"id": "abd"},
    ]  # fmt: skip
    assert create_cloud_event(later).id == create_cloud_event(RECORD).id
    assert len({create_cloud_event(record).id for record in (RECORD, *others)}) == 5


@pytest.mark.parametrize(("status", "kind"), [("rejected", "ImageRejected"), ("failed", "ImageFailed")])
def test_a_result_that_is_not_classified_is_published_with_its_reason(status: str, kind: str) -> None:
    record = RECORD | {
        "status": status, "reason": {"code": "TooLarge"}, "category": None, "labels": [], "analyzer": None,
    }  # fmt: skip
    event = create_cloud_event(record)
    assert (event.type, event.extensions) == (kind, {"recordid": "abc"})
    assert event.data is not None
    assert event.data["reason"] == "TooLarge"


class Topic:
    """A fake client of the results topic."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.sent: list[Any] = []

    async def send(self, published: Any) -> None:
        self.sent.append(published)
        if self.failure is not None:
            raise self.failure


def publish(topic: Topic) -> None:
    asyncio.run(EventGridResultPublisher(topic).publish(RECORD))  # type: ignore[arg-type]


def test_a_result_is_published_as_one_event() -> None:
    topic = Topic()
    publish(topic)
    ((sent),) = topic.sent
    assert vars(sent) == vars(create_cloud_event(RECORD))


def test_a_results_event_stays_what_it_is() -> None:
    """Subscribers recognize what they have by the id, across releases."""
    found = create_cloud_event(RECORD)
    assert found.id == "249d33e9-ef5f-5135-96ba-b5116f67755a"
    assert found.time == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (found.source, found.type, found.subject) == ("/acct/images", "ImageClassified", "a.png")
    assert found.datacontenttype == "application/json"
    assert found.data == {
        "recordId": "abc",
        "status": "classified",
        "category": "cat",
        "labels": ["cat", "sofa"],
        "reason": None,
        "etag": "e1",
    }


def test_a_topic_that_does_not_exist_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="the results topic does not exist") as raised:
        publish(Topic(answered(404, ResourceNotFoundError)))
    assert raised.value.code == "TopicNotFound"


def test_a_topic_that_keeps_failing_is_not_called() -> None:
    topic = Topic(answered(503))
    result_publisher = EventGridResultPublisher(topic)  # type: ignore[arg-type]
    for _ in range(5):
        with pytest.raises(RetryLaterError, match=r"^the results topic"):
            asyncio.run(result_publisher.publish(RECORD))
    assert len(topic.sent) == 3
