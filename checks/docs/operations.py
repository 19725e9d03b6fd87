"""Tables for operators: alerts, resource types with their number, and rules of the policy pack."""

from collections import Counter
from collections.abc import Sequence

from checks.docs.markdown import code, table
from checks.docs.recordings import Recording
from policy.rules import RULES

_ALERT_TYPES = ("monitor:MetricAlert", "monitor:ScheduledQueryRule")
_ALERT_PREFIX = "monitoring-alerts-"
# https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-overview
_SEVERITIES = {0: "critical", 1: "error", 2: "warning", 3: "informational", 4: "verbose"}


def alert_names(recording: Recording) -> list[str]:
    """Return the names of the alerts, as their notifications have them."""
    return sorted(
        resource.name.removeprefix(_ALERT_PREFIX)
        for resource_type in _ALERT_TYPES
        for resource in recording.of_type(resource_type)
    )


def alerts_table(recording: Recording) -> str:
    """Return name, severity, window and meaning of each alert."""
    rows = [
        (
            code(resource.name.removeprefix(_ALERT_PREFIX)),
            _SEVERITIES[int(resource.inputs["severity"])],
            resource.inputs["windowSize"].removeprefix("PT").replace("M", " minutes"),
            resource.inputs["description"],
        )
        for resource_type in _ALERT_TYPES
        for resource in recording.of_type(resource_type)
    ]
    return table(("alert", "severity", "looks at the last", "meaning"), sorted(rows))


def resources_table(recordings: Sequence[Recording]) -> str:
    """Return how many resources of each Azure type each recording has."""
    counts = [
        Counter(resource.type for resource in recording.resources.values() if resource.is_azure)
        for recording in recordings
    ]
    types = sorted(set().union(*counts))
    rows = [[code(name), *(str(count[name]) for count in counts)] for name in types]
    rows.append(["**all**", *(f"**{count.total()}**" for count in counts)])
    columns = ["resource type", *(f"{code(item.stack)}, {item.network}" for item in recordings)]
    return table(columns, rows)


def policy_rules_table() -> str:
    """Return name and meaning of each rule of the policy pack."""
    return table(("rule", "what it requires"), [(code(rule.name), rule.description) for rule in RULES])
