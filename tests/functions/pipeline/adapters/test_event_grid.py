"""The events for subscribers: their fields, their ids, and errors of the results topic."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from classifier.adapters.event_grid import EventGridResultPublisher, create_cloud_event
from classifier.domain.events import Message
from classifier.domain.records import create_record, describe_unread_blob
from common.domain.errors import ConfigurationError, RetryLaterError
from common.domain.models import Reason
from common.domain.record import RecordStatus
from common.domain.record_fields import AnalyzerInfo, Category
from msgspec.structs import replace

from tests.functions.common.adapters.test_service_errors import error_response
from tests.support.in_memory_services import NOW, as_json, message

MESSAGE = Message.parse(message("a.png"))
RECORD = replace(
    create_record(
        MESSAGE,
        attempt=1,
        status=RecordStatus.CLASSIFIED,
        blob=describe_unread_blob(MESSAGE.event, "e1"),
        started=NOW,
        finished=NOW,
        analyzer=AnalyzerInfo.for_request(("tags",), "test/1"),
    ),
    id="abc",
    labels=("cat", "sofa"),
    category=Category(name="cat", confidence=0.9),
)


def test_an_event_can_be_filtered_by_what_was_found() -> None:
    event = create_cloud_event(RECORD)
    assert (event.type, event.subject, event.source) == ("ImageClassified", "a.png", "/acct/images")
    assert event.extensions == {"recordid": "abc", "category": "cat", "labels": "cat,sofa"}
    assert event.data is not None
    assert (event.data["recordId"], as_json(event.data["labels"])) == ("abc", ["cat", "sofa"])


def test_the_same_result_has_the_same_event_id_and_any_other_result_another() -> None:
    later = replace(RECORD, processed_at="2026-02-02T03:04:05+00:00")
    others = [
        replace(RECORD, blob=replace(RECORD.blob, etag="e2")),
        replace(RECORD, status=RecordStatus.FAILED),
        replace(RECORD, analyzer=AnalyzerInfo.for_request(("tags",), "test/2")),
        replace(RECORD, id="abd"),
    ]
    assert create_cloud_event(later).id == create_cloud_event(RECORD).id
    assert len({create_cloud_event(record).id for record in (RECORD, *others)}) == 5


@pytest.mark.parametrize(
    ("status", "kind"), [(RecordStatus.REJECTED, "ImageRejected"), (RecordStatus.FAILED, "ImageFailed")]
)
def test_a_result_that_is_not_classified_is_published_with_its_reason(status: RecordStatus, kind: str) -> None:
    reason = Reason(code="TooLarge", sentence="", measured=None, limit=None)
    record = replace(RECORD, status=status, reason=reason, category=None, labels=(), analyzer=None)
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
    event = create_cloud_event(RECORD)
    assert event.id == "249d33e9-ef5f-5135-96ba-b5116f67755a"
    assert event.time == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (event.source, event.type, event.subject) == ("/acct/images", "ImageClassified", "a.png")
    assert event.datacontenttype == "application/json"
    assert as_json(event.data) == {
        "recordId": "abc",
        "status": "classified",
        "category": "cat",
        "labels": ["cat", "sofa"],
        "reason": None,
        "etag": "e1",
    }


def test_a_topic_that_does_not_exist_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="the results topic does not exist") as raised:
        publish(Topic(error_response(404, ResourceNotFoundError)))
    assert raised.value.code == "TopicNotFound"


def test_a_topic_that_keeps_failing_is_not_called() -> None:
    topic = Topic(error_response(503))
    result_publisher = EventGridResultPublisher(topic)  # type: ignore[arg-type]
    for _ in range(5):
        with pytest.raises(RetryLaterError, match=r"^the results topic"):
            asyncio.run(result_publisher.publish(RECORD))
    assert len(topic.sent) == 3
