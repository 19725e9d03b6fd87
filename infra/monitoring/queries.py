"""KQL queries of the log alerts and of the workbook.

Tables and columns: https://learn.microsoft.com/azure/azure-monitor/reference/tables-index
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LogAlertRule:
    """A scheduled query that fires when it returns rows; it runs every five minutes.

    Attributes:
        name: Part of the rule's name.
        description: What the alert says.
        severity: Azure Monitor's: 0 critical, 1 error, 2 warning.
        window_minutes: The query covers the last so many minutes.
        query: KQL.
    """

    name: str
    description: str
    severity: int
    window_minutes: int
    query: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart of the workbook, over the time range chosen there."""

    title: str
    query: str
    visualization: str = "timechart"


# Thresholds of the alerts.
_OLDEST_MINUTES = 60
_FAILURE_PERCENT = 5
_THROTTLED_PERCENT = 5

_UPLOADS = """StorageBlobLogs
| where OperationName in ("PutBlob", "PutBlockList", "CopyBlob") and StatusText == "Success"
| where Uri has "/images/"
"""
# Application Insights samples requests, traces and exceptions: ItemCount is how many occurrences one row stands for.
# https://learn.microsoft.com/azure/azure-monitor/reference/tables/apprequests
_INVOCATIONS = 'AppRequests\n| where Name == "classify"\n'
# The host logs one such line for every message it hands over: `… DequeueCount: 1, InsertedOn: 2026-01-01T00:00:00…`.
# https://github.com/Azure/azure-webjobs-sdk (FunctionExecutor, "Trigger Details")
# Messages of the shadow may wait without harm.
_QUEUE_WAITS = """AppTraces
| where Message startswith "Trigger Details:" and OperationName != "shadow"
| extend Inserted = todatetime(extract("InsertedOn: ([^, ]+)", 1, Message))
| extend WaitedSeconds = datetime_diff("second", TimeGenerated, Inserted)
"""
# The code logs one such line for every message it has processed (functions/pipeline/classifier/triggers.py).
_OUTCOMES = """AppTraces
| where Message startswith "outcome {"
| extend Outcome = parse_json(substring(Message, 8))
| extend Status = tostring(Outcome.status)
"""
# The line of the function `shadow` (functions/pipeline/classifier/shadow_trigger.py).
_COMPARED = """AppTraces
| where Message startswith "shadow {"
| extend Outcome = parse_json(substring(Message, 7))
| extend Status = tostring(Outcome.status)
"""
_RECORDED = f'{_OUTCOMES}| where Status in ("classified", "rejected")\n'
_VISION_CALLS = """AzureMetrics
| where ResourceProvider == "MICROSOFT.COGNITIVESERVICES" and MetricName in ("TotalCalls", "BlockedCalls")
"""


def _messages_put_into(queue: str) -> str:
    """Return the query for the messages that were put into a queue."""
    return f"""StorageQueueLogs
| where OperationName == "PutMessage" and StatusText == "Success"
| where Uri has "/{queue}/"
"""


_VISION_THROTTLED = LogAlertRule(
    name="vision-throttled",
    description=f"Vision refuses more than {_THROTTLED_PERCENT} % of its calls as too many: raise imagesPerMonth.",
    severity=2,
    window_minutes=15,
    query=f"""{_VISION_CALLS}| summarize Blocked = sumif(Total, MetricName == "BlockedCalls"),
    Calls = sumif(Total, MetricName == "TotalCalls")
| where Blocked * 100 > Calls * {_THROTTLED_PERCENT}
""",
)
# Azure's metrics of calls are not for its models, so the app's own counts are taken where an analyzer may be one.
# https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-cognitiveservices-accounts-metrics
_COUNTED_CALLS = (
    "sum(ItemCount * (coalesce(todouble(Outcome.visionCalls), 0.0) + coalesce(todouble(Outcome.polls), 0.0)))"
)
_COUNTED_REFUSALS = "sum(ItemCount * coalesce(todouble(Outcome.throttled), 0.0))"
_MODEL_THROTTLED = LogAlertRule(
    name="model-throttled",
    description=f"The analyzer refuses more than {_THROTTLED_PERCENT} % of its calls as too many: request quota.",
    severity=2,
    window_minutes=15,
    query=f"""{_OUTCOMES}| summarize Refused = {_COUNTED_REFUSALS},
    Calls = {_COUNTED_CALLS}
| where Refused * 100 > Calls * {_THROTTLED_PERCENT}
""",
)

LOG_ALERT_RULES = (
    LogAlertRule(
        name="poison",
        description="Images failed too often; their messages are in the queue images-poison.",
        severity=1,
        window_minutes=15,
        query=_messages_put_into("images-poison"),
    ),
    LogAlertRule(
        name="misconfigured",
        description="Images wait for a deployment: a host, a project or a right that the app needs is not there.",
        severity=1,
        window_minutes=15,
        query=f'{_OUTCOMES}| where Status == "misconfigured"\n',
    ),
    LogAlertRule(
        name="oldest-message",
        description=f"Images wait longer than {_OLDEST_MINUTES} minutes in the queue.",
        severity=2,
        window_minutes=15,
        query=f"{_QUEUE_WAITS}| where WaitedSeconds > {_OLDEST_MINUTES * 60}\n",
    ),
    LogAlertRule(
        name="failures",
        description=f"More than {_FAILURE_PERCENT} % of the function's runs fail.",
        severity=2,
        window_minutes=15,
        query=f"""{_INVOCATIONS}| summarize Failed = sumif(ItemCount, Success == false), Runs = sum(ItemCount)
| where Runs >= 20 and Failed * 100 > Runs * {_FAILURE_PERCENT}
""",
    ),
    LogAlertRule(
        name="reconcile-failed",
        description="A run of reconcile failed: images without a record wait, with the trigger schedule all new ones.",
        severity=2,
        window_minutes=60,
        query='AppRequests\n| where Name == "reconcile" and Success == false\n',
    ),
    _VISION_THROTTLED,
    LogAlertRule(
        name="silence",
        description="Images arrive and none is classified.",
        severity=1,
        window_minutes=60,
        # Images of the last 15 minutes may still be in the queue.
        query=f"""union
    ({_UPLOADS}| where TimeGenerated < ago(15m) | extend Arrived = true),
    ({_RECORDED}| extend Arrived = false)
| summarize Arrived = countif(Arrived), Classified = countif(not(Arrived))
| where Arrived > 0 and Classified == 0
""",
    ),
)

_SHADOW_LOG_ALERT_RULES = (
    LogAlertRule(
        name="shadow-poison",
        description="Images could not be compared; their messages are in the queue images-shadow-poison.",
        severity=3,
        window_minutes=60,
        query=_messages_put_into("images-shadow-poison"),
    ),
    LogAlertRule(
        name="shadow-misconfigured",
        description="The successor in the shadow waits for a deployment: a host, a model or a right is not there.",
        severity=3,
        window_minutes=60,
        query=f'{_COMPARED}| where Status == "misconfigured"\n',
    ),
)
# Of the analyzers that deploy a model.
_MODEL_LOG_ALERT_RULES = (
    LogAlertRule(
        name="model-retired",
        description="Azure has retired the model: images wait until another one is deployed (infra/config/models.py).",
        severity=1,
        window_minutes=15,
        query=f"""{_OUTCOMES}| where Status == "misconfigured" and tostring(Outcome.detail) startswith "ModelRetired:"
""",
    ),
)


def log_alert_rules(*, shadow: bool, models: bool) -> tuple[LogAlertRule, ...]:
    """Return the log alert rules of a stack.

    Args:
        shadow: A successor is in the shadow. Its alerts are separate ones: nothing that uploads images depends on it.
        models: The analyzer deploys a model of Foundry.
    """
    rules = tuple(_MODEL_THROTTLED if models and rule is _VISION_THROTTLED else rule for rule in LOG_ALERT_RULES)
    if shadow:
        rules += _SHADOW_LOG_ALERT_RULES
    if models:
        rules += _MODEL_LOG_ALERT_RULES
    return rules


CHARTS = (
    Chart(title="Images that arrived", query=f"{_UPLOADS}| summarize Images = count() by bin(TimeGenerated, 5m)\n"),
    Chart(
        title="Runs of the function",
        query=f"{_INVOCATIONS}| summarize Succeeded = sumif(ItemCount, Success),"
        " Failed = sumif(ItemCount, Success == false) by bin(TimeGenerated, 5m)\n",
    ),
    Chart(
        title="Seconds in the queue",
        query=f"{_QUEUE_WAITS}| summarize Median = percentile(WaitedSeconds, 50), Oldest = max(WaitedSeconds)"
        " by bin(TimeGenerated, 5m)\n",
    ),
    Chart(
        title="Requests to the analyzer, and those refused as too many",
        query=f"{_OUTCOMES}| summarize Requests = {_COUNTED_CALLS},\n"
        f"    Refused = {_COUNTED_REFUSALS} by bin(TimeGenerated, 5m)\n",
    ),
    Chart(
        title="What became of the messages",
        query=f"{_OUTCOMES}| summarize Messages = sum(ItemCount) by Status, bin(TimeGenerated, 5m)\n",
    ),
    Chart(
        title="Seconds from the event to the record",
        query=f"{_RECORDED}| extend Seconds = todouble(Outcome.queuedMs) / 1000\n"
        "| summarize Median = percentile(Seconds, 50), Slow = percentile(Seconds, 95) by bin(TimeGenerated, 5m)\n",
    ),
    Chart(
        title="Milliseconds a charged call of the analyzer",
        query=f"{_OUTCOMES}| where isnotnull(Outcome.visionCalls)\n"
        "| summarize Calls = sum(ItemCount * todouble(Outcome.visionCalls)),\n"
        "    Milliseconds = sum(ItemCount * todouble(Outcome.visionMs)) by bin(TimeGenerated, 5m)\n"
        "| project TimeGenerated, Latency = Milliseconds / Calls\n",
    ),
    Chart(
        title="Request units an image, and images answered from the cache in a hundred",
        query=f"{_RECORDED}| summarize Units = avg(todouble(Outcome.requestUnits)),\n"
        "    CachedPercent = 100 * avg(coalesce(todouble(Outcome.cacheHits), 0.0)) by bin(TimeGenerated, 5m)\n",
    ),
    Chart(
        title="What went wrong",
        query="""AppExceptions
| summarize Times = sum(ItemCount), Last = max(TimeGenerated) by ExceptionType, OuterMessage
| top 20 by Times
""",
        visualization="table",
    ),
)
