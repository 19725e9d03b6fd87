"""The benchmark of the API: its requests are those of the API, and what it makes of its measurements."""

from dataclasses import replace

from image_api.http.operations import OPERATIONS

from benchmarks.endpoint_cases import create_cases
from benchmarks.endpoints import Measurement, create_table, measure, slow_pages

MEASUREMENT = Measurement(
    request="first page",
    operation="list_images",
    p50_ms=10,
    p99_ms=999.9,
    request_units=3.1,
    max_request_units=3.2,
    body_bytes=20_000,
)


def test_every_operation_is_measured() -> None:
    measured = {case.operation for case in create_cases(["id"], "cursor").values()}
    assert measured == {operation.name for operation in OPERATIONS}


def test_requests_are_answered_and_measured() -> None:
    measurements = {one.request: one for one in measure(120, 2, 2)}
    assert measurements.keys() == create_cases(["id"], "cursor").keys()
    assert all(one.p99_ms >= one.p50_ms >= 0 for one in measurements.values())
    assert all(one.max_request_units >= one.request_units >= 0 for one in measurements.values())
    first_page = measurements["first page"]
    assert first_page.p50_ms > 0
    # Two physical partitions, and 26 records of 15 KB from each: one more than the page has.
    assert 10 < first_page.request_units < 14
    assert 10_000 < first_page.body_bytes < 40_000
    # The embedding is read, and not returned.
    assert 2 < measurements["a record"].request_units < 3
    assert measurements["a record"].body_bytes < 5_000
    # The pipeline app reads the record to delete an image.
    assert 2 < measurements["deletion"].request_units < 3
    assert measurements["similar images"].request_units > 2 + 2 * 2.25
    assert measurements["similar images"].body_bytes > 10_000
    assert measurements["labels of 31 days"].request_units >= 31
    for name in ("configuration", "URL for an upload"):
        assert measurements[name].max_request_units == 0


def test_a_first_page_must_not_take_a_second() -> None:
    fast = [MEASUREMENT, replace(MEASUREMENT, request="by label"), replace(MEASUREMENT, request="other", p99_ms=5000)]
    assert slow_pages(fast) == []
    assert slow_pages([replace(MEASUREMENT, p99_ms=1000), *fast[1:]]) == ["first page"]
    assert slow_pages([MEASUREMENT, replace(MEASUREMENT, request="by label", p99_ms=1000)]) == ["by label"]
    assert create_table(fast).row_count == 3
