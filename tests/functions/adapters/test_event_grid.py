"""What subscribers are told of a finished image, and how they recognise what they were told before."""

from typing import Any

import pytest
from classifier.adapters.event_grid import create_cloud_event

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
def test_what_was_not_classified_is_announced_with_its_reason(status: str, kind: str) -> None:
    record = RECORD | {
        "status": status, "reason": {"code": "TooLarge"}, "category": None, "labels": [], "analyzer": None,
    }  # fmt: skip
    event = create_cloud_event(record)
    assert (event.type, event.extensions) == (kind, {"recordid": "abc"})
    assert event.data is not None
    assert event.data["reason"] == "TooLarge"
