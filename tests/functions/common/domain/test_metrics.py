"""Metrics of one invocation."""

from common.domain import metrics


def test_metrics_are_added_up_and_set_within_an_invocation_only() -> None:
    metrics.add("calls")
    metrics.put("queuedMs", 1)
    with metrics.collect_metrics() as values:
        metrics.add("calls")
        metrics.add("calls", 0.12345)
        metrics.put("queuedMs", 5)
        metrics.put("queuedMs", 7)
        with metrics.collect_metrics() as inner:
            metrics.add("calls")
        metrics.add("other", 2)
    metrics.add("calls")
    assert values == {"calls": 1.123, "queuedMs": 7, "other": 2}
    assert inner == {"calls": 1}
