"""The benchmark of the queries: its records, and what it makes of its measurements."""

import json
import math
from collections import Counter

import pytest

from benchmarks.queries import MAX_RATIO, Measurement, create_table, growth
from benchmarks.query_cases import QUERIES
from benchmarks.query_records import Embeddings, create_records


def test_records_are_alike_in_size_and_labels_as_different_in_frequency_as_words() -> None:
    records = [*create_records(500)]
    assert len({record["id"] for record in records}) == 500
    assert 2 < sum(len(json.dumps(record)) for record in records) / 500 / 1024 < 4
    labels = Counter(label for record in records for label in record["labels"])
    assert labels["label1"] > 4 * labels["label20"] > 0
    assert 0 < sum(record["status"] == "failed" for record in records) < 25
    assert records == [*create_records(500)]


def test_images_with_the_same_labels_have_similar_embeddings() -> None:
    embeddings = Embeddings()
    records = [*create_records(100, embeddings)]
    assert all(("vector" in record) == (record["status"] == "classified") for record in records)
    vectors = [embeddings.of_labels(labels) for labels in (["label1", "label2"], ["label1", "label3"], ["label4"])]
    assert all(len(vector) == 1024 and math.sumprod(vector, vector) == pytest.approx(1) for vector in vectors)
    assert math.sumprod(vectors[0], vectors[1]) == pytest.approx(0.5, abs=0.1)
    assert math.sumprod(vectors[0], vectors[2]) == pytest.approx(0, abs=0.1)


def measurement(records: int, p50_ms: float, query: str = "by label", partitions: int = 3) -> Measurement:
    return Measurement(
        query=query,
        records=records,
        partitions=partitions,
        p50_ms=p50_ms,
        p99_ms=0,
        request_units=1,
        results=20,
    )


def test_growth_compares_the_list_by_label_over_few_and_many_records() -> None:
    measurements = [
        measurement(10_000, 10),
        measurement(100_000, 14),
        measurement(10_000, 1, query="newest"),
        measurement(100_000, 99, partitions=20),
    ]
    assert growth(measurements, 3) == pytest.approx(1.4)
    assert MAX_RATIO == 1.5
    assert create_table(measurements).row_count == 4


def test_the_queries_are_those_of_the_decision() -> None:
    assert {"by label", "by two labels", "by label, 80 % confidence", "with a word", "best for two words"} <= set(
        QUERIES
    )
