"""The container `comparisons`: an item for each comparison, created once."""

import asyncio
import json
from typing import Any

import pytest
from azure.cosmos.exceptions import CosmosResourceExistsError
from classifier.adapters.comparisons import CosmosComparisonStore
from classifier.domain.comparison import ComparedAnalyzer, Comparison, SuccessorOutcome
from common.adapters.cosmos import CosmosContainer
from common.adapters.service_errors import ServiceBoundary
from common.domain.errors import RetryLaterError
from common.domain.models import ImageFormat

COMPARISON = Comparison(
    id="c1",
    compared_at="2026-11-29T00:00:00+00:00",
    record_id="r1",
    blob_name="cat.jpg",
    content_sha256="ab",
    format=ImageFormat.JPEG,
    main=ComparedAnalyzer(fingerprint="main/1", model_version="m", labels=("cat",), category="cat", caption="a cat"),
    successor=ComparedAnalyzer(fingerprint="successor/1", model_version="m2", labels=("cat",), text="STOP"),
    outcome=SuccessorOutcome.CLASSIFIED,
    label_agreement=1.0,
    same_category=False,
    latency_ms=1_500,
    input_tokens=1_000,
    output_tokens=100,
)


class Response:
    def get_response_headers(self) -> dict[str, str]:
        return {"etag": "e1"}


class FakeContainer:
    """Records what is created; `error` is raised instead."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.items: list[dict[str, Any]] = []

    async def create_item(self, fields: dict[str, Any], **_: Any) -> Response:
        if self.error is not None:
            raise self.error
        self.items.append(fields)
        return Response()


def add(container: FakeContainer) -> None:
    store = CosmosComparisonStore(CosmosContainer(container, ServiceBoundary("Cosmos DB")))  # type: ignore[arg-type]
    asyncio.run(store.add(COMPARISON))


def test_the_item_has_the_names_that_clients_read() -> None:
    """client/agreement/comparisons.py reads these names."""
    container = FakeContainer()
    add(container)
    assert json.loads(json.dumps(container.items)) == [
        {
            "id": "c1",
            "schemaVersion": 1,
            "comparedAt": "2026-11-29T00:00:00+00:00",
            "recordId": "r1",
            "blobName": "cat.jpg",
            "contentSha256": "ab",
            "format": "JPEG",
            "main": {
                "fingerprint": "main/1",
                "modelVersion": "m",
                "labels": ["cat"],
                "category": "cat",
                "caption": "a cat",
                "text": None,
            },
            "successor": {
                "fingerprint": "successor/1",
                "modelVersion": "m2",
                "labels": ["cat"],
                "category": None,
                "caption": None,
                "text": "STOP",
            },
            "outcome": "classified",
            "reason": None,
            "labelAgreement": 1.0,
            "sameCategory": False,
            "captionAgreement": None,
            "textErrorRate": None,
            "latencyMs": 1500,
            "inputTokens": 1000,
            "outputTokens": 100,
        }
    ]


def test_a_comparison_that_exists_stays_as_it_is() -> None:
    add(FakeContainer(CosmosResourceExistsError(status_code=409, message="exists")))


def test_an_error_is_one_of_the_pipeline() -> None:
    with pytest.raises(RetryLaterError):
        add(FakeContainer(ConnectionError("down")))
