"""Filters of event subscriptions: https://learn.microsoft.com/azure/event-grid/event-filtering."""

from typing import Any

from emulator.core.resource_store import Properties


def matches_filter(condition: Properties, event: Properties) -> bool:
    """Whether an event passes the filter `condition` of a subscription."""
    event_types: list[Any] = condition.get("includedEventTypes") or []
    if event_types and event["eventType"] not in event_types:
        return False
    subject = event["subject"]
    prefix = condition.get("subjectBeginsWith", "")
    suffix = condition.get("subjectEndsWith", "")
    if not condition.get("isSubjectCaseSensitive", False):
        subject = subject.lower()
        prefix = prefix.lower()
        suffix = suffix.lower()
    return subject.startswith(prefix) and subject.endswith(suffix)
