"""Alerts, charts, diagnostic settings and the budget: they query what exists, and notify the action group."""

import json
import re
import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.monitoring.queries import CHARTS, LOG_ALERT_RULES, log_alert_rules
from tests.conftest import ROOT, Recorder, run_program
from tests.infra.test_settings import CONTENT_UNDERSTANDING, FOUNDRY

# The columns that are used, as https://learn.microsoft.com/azure/azure-monitor/reference/tables-index has them.
TABLES = {
    "StorageBlobLogs": "(TimeGenerated: datetime, OperationName: string, StatusText: string, Uri: string)",
    "StorageQueueLogs": "(TimeGenerated: datetime, OperationName: string, StatusText: string, Uri: string)",
    "AppRequests": "(TimeGenerated: datetime, Name: string, Success: bool, DurationMs: real, ItemCount: int)",
    "AppTraces": (
        "(TimeGenerated: datetime, Message: string, OperationName: string, SeverityLevel: int, ItemCount: int)"
    ),
    "AppExceptions": "(TimeGenerated: datetime, ExceptionType: string, OuterMessage: string, ItemCount: int)",
    "AzureMetrics": "(TimeGenerated: datetime, ResourceProvider: string, MetricName: string, Total: real)",
}


def wrong_with(*queries: str) -> list[list[str]]:
    """What Microsoft's parser of KQL says of each."""
    request = json.dumps({"tables": TABLES, "queries": queries})
    # The Node.js that `make` has found or installed.
    node = ROOT / ".tools" / json.loads((ROOT / ".tools/local.json").read_text())["node"]
    command = [str(node), str(ROOT / "tests/infra/kql.mjs")]
    answer = subprocess.run(command, input=request, capture_output=True, text=True, check=False, cwd=ROOT)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_every_query_is_kql_over_columns_that_exist() -> None:
    queries = [item.query for item in (*log_alert_rules(shadow=True, models=True), *CHARTS)]
    assert wrong_with(*queries) == [[]] * len(queries)


def test_a_wrong_query_would_be_noticed() -> None:
    nonsense, unknown = wrong_with("AppTraces | wher x", "AppTraces | where Mesage == 'x'")
    assert nonsense != []
    assert "Mesage" in unknown[0]


def test_sampled_telemetry_is_counted_by_item_count() -> None:
    """A row of these tables may stand for many occurrences; only whether there are any may be asked by rows."""
    sampled = re.compile(r"\b(AppRequests|AppExceptions)\b")
    queries = [item.query for item in (*LOG_ALERT_RULES, *CHARTS) if sampled.search(item.query)]
    sums = [query for query in queries if "summarize" in query]
    assert len(sums) == 3
    for query in sums:
        assert re.search(r"\bcount(if)?\(", query) is None, query
        assert "ItemCount" in query


def alert(recorder: Recorder, name: str) -> dict[str, Any]:
    matches = [
        item
        for item in recorder.resources
        if item.name == f"monitoring-alerts-{name}" and item.kind.startswith("monitor:")
    ]
    return matches[0].inputs


ALERT_NAMES = {
    "cosmos-throttled",
    "dead-letters",
    "dropped-events",
    "failures",
    "misconfigured",
    "oldest-message",
    "poison",
    "reconcile-failed",
    "silence",
    "vision-throttled",
}


def test_every_alert_notifies_the_action_group(dev: Recorder) -> None:
    alerts = [*dev.of_type("monitor:ScheduledQueryRule"), *dev.of_type("monitor:MetricAlert")]
    assert {item.name.removeprefix("monitoring-alerts-") for item in alerts} == ALERT_NAMES
    group = dev.one("monitor:ActionGroup", "monitoring-alerts-group").id
    for item in alerts:
        actions = item.inputs["actions"]
        groups = (
            actions["actionGroups"] if isinstance(actions, dict) else [action["actionGroupId"] for action in actions]
        )
        assert groups == [group], item.name
        assert item.inputs["enabled"] is True


def test_log_alerts_can_be_made_before_there_are_logs(dev: Recorder) -> None:
    rules = dev.of_type("monitor:ScheduledQueryRule")
    assert all(rule.inputs["skipQueryValidation"] is True for rule in rules)
    workspace = dev.one("operationalinsights:Workspace", "telemetry-workspace").id
    assert {scope for rule in rules for scope in rule.inputs["scopes"]} == {workspace}


@pytest.mark.parametrize(
    ("config", "has_models"), [({}, False), (FOUNDRY, True), (CONTENT_UNDERSTANDING, True)], ids=["vision", "f", "cu"]
)
def test_an_alert_counts_errors_of_retired_models_where_there_are_models(
    config: dict[str, Any], has_models: bool
) -> None:
    rules = [rule.name for rule in run_program("dev", config).of_type("monitor:ScheduledQueryRule")]
    assert ("monitoring-alerts-model-retired" in rules) == has_models
    assert len(rules) == len(log_alert_rules(shadow=False, models=has_models)) == 7 + has_models
    query = log_alert_rules(shadow=False, models=True)[-1].query
    assert '| where Message startswith "outcome {"' in query
    assert 'Status == "misconfigured" and tostring(Outcome.detail) startswith "ModelRetired:"' in query


@pytest.mark.parametrize(
    ("config", "name"),
    [({}, "vision-throttled"), (FOUNDRY, "model-throttled"), (CONTENT_UNDERSTANDING, "model-throttled")],
    ids=["vision", "f", "cu"],
)
def test_refused_calls_of_models_are_not_counted_by_a_metric_that_excludes_them(
    config: dict[str, Any], name: str
) -> None:
    """`BlockedCalls` and `TotalCalls`: "Do not use for Azure OpenAI service"."""
    recorded = run_program("dev", config).of_type("monitor:ScheduledQueryRule")
    rules = {rule.inputs["ruleName"].removesuffix("-imgpipe-dev"): rule for rule in recorded}
    assert {rule for rule in rules if rule.endswith("-throttled")} == {name}
    (criterion,) = rules[name].inputs["criteria"]["allOf"]
    assert ("AzureMetrics" in criterion["query"]) == (config == {})


def test_a_log_alert_is_replaced_when_its_workspace_changes(dev: Recorder) -> None:
    """Azure refuses the update in place: https://github.com/pulumi/pulumi-azure-native/issues/4839."""
    for rule in dev.of_type("monitor:ScheduledQueryRule"):
        assert rule.replace_on_changes == ("scopes",), rule.name
        assert rule.delete_before_replace, rule.name


@pytest.mark.parametrize(
    ("name", "scope", "metric", "dimension"),
    [
        ("dead-letters", "blob-event-topic", "DeadLetteredCount", []),
        ("dropped-events", "blob-event-topic", "DroppedEventCount", []),
        (
            "cosmos-throttled",
            "records-account",
            "TotalRequests",
            [{"name": "StatusCode", "operator": "Include", "values": ["429"]}],
        ),
    ],
)
def test_metric_alerts_watch_the_right_thing(dev: Recorder, name: str, scope: str, metric: str, dimension: Any) -> None:
    inputs = alert(dev, name)
    (criterion,) = inputs["criteria"]["allOf"]
    assert [item.rpartition("::")[2] for item in inputs["scopes"]] == [scope]
    assert (criterion["metricName"], criterion["dimensions"]) == (metric, dimension)
    assert criterion["operator"] == "GreaterThan"


def test_queries_speak_of_containers_queues_and_functions_that_exist(dev: Recorder) -> None:
    text = "".join(item.query for item in LOG_ALERT_RULES)
    containers = {item.inputs["containerName"] for item in dev.of_type("storage:BlobContainer")}
    queues = {item.inputs["queueName"] for item in dev.of_type("storage:Queue")}
    (code_deployment,) = [item for item in dev.resources if item.name == "code-deployment"]
    assert '"/images/"' in text
    assert "images" in containers
    assert '"/images-poison/"' in text
    assert "images-poison" in queues
    functions = set(re.findall(r'\bName == "(\w+)"', text))
    assert functions == {"classify", "reconcile"}
    assert functions <= set(code_deployment.inputs["functions"])


def test_what_the_queries_ask_for_is_logged(dev: Recorder) -> None:
    settings = {
        setting.name.removeprefix("monitoring-diagnostics-"): setting.inputs
        for setting in dev.of_type("monitor:DiagnosticSetting")
    }
    categories = {name: [log["category"] for log in inputs["logs"]] for name, inputs in settings.items()}
    # One row for every request: reads, and deletions of messages, would be three of five rows for each image.
    changes = ["StorageWrite", "StorageDelete"]
    assert categories == {
        "api-function-host-blob": changes,
        "host-blob": changes,
        "images-blob": changes,
        "images-queue": ["StorageWrite"],
        "results": ["DeliveryFailures", "PublishFailures"],
        "blob-event-topic": ["DeliveryFailures"],
        "vision-account-1": ["Audit"],
        "records": ["ControlPlaneRequests"],
    }
    assert {name for name, inputs in settings.items() if inputs["metrics"]} == {
        "results",
        "blob-event-topic",
        "vision-account-1",
    }
    assert settings["images-queue"]["resourceUri"].endswith("::images-account/queueServices/default")


# The category of each operation, from
# https://learn.microsoft.com/azure/storage/blobs/monitor-blob-storage-reference
CATEGORIES = {
    "PutBlob": "StorageWrite",
    "PutBlockList": "StorageWrite",
    "CopyBlob": "StorageWrite",
    "PutMessage": "StorageWrite",
}


def test_every_storage_operation_that_a_query_reads_is_logged(dev: Recorder) -> None:
    logged = {
        table: {log["category"] for log in dev.one("monitor:DiagnosticSetting", name).inputs["logs"]}
        for table, name in (
            ("StorageBlobLogs", "monitoring-diagnostics-images-blob"),
            ("StorageQueueLogs", "monitoring-diagnostics-images-queue"),
        )
    }
    read = {
        (table, operation)
        for item in (*LOG_ALERT_RULES, *CHARTS)
        for table in logged
        if table in item.query
        for operation in re.findall(r'"((?:Put|Copy|Get|Delete|List|Peek|Update|Clear)\w+)"', item.query)
    }
    assert {operation for _, operation in read} == CATEGORIES.keys()
    assert {(table, operation) for table, operation in read if CATEGORIES[operation] not in logged[table]} == set()


@pytest.mark.parametrize("email", ["", "ops@example.com"])
def test_alerts_and_budget_reach_the_address_or_the_owners(email: str) -> None:
    recorder = run_program("dev", {"alertEmail": email, "monthlyBudget": 70})
    group = recorder.one("monitor:ActionGroup", "monitoring-alerts-group").inputs
    mails = [receiver["emailAddress"] for receiver in group["emailReceivers"]]
    assert mails == ([email] if email else [])
    assert len(group["armRoleReceivers"]) == (0 if email else 1)
    (budget,) = recorder.of_type("consumption:Budget")
    assert budget.inputs["amount"] == 70
    assert budget.inputs["timePeriod"] == {"startDate": f"{datetime.now(UTC):%Y-%m}-01T00:00:00Z"}
    assert set(budget.inputs["notifications"]) == {"actual-50", "actual-80", "actual-100", "forecasted-100"}
    for notification in budget.inputs["notifications"].values():
        assert notification["contactGroups"] == [recorder.one("monitor:ActionGroup", "monitoring-alerts-group").id]


def test_the_workbook_shows_every_chart_over_one_range(dev: Recorder) -> None:
    (workbook,) = dev.of_type("applicationinsights:Workbook")
    parameters, *charts = json.loads(workbook.inputs["serializedData"])["items"]
    (time_range,) = parameters["content"]["parameters"]
    assert [chart["content"]["query"] for chart in charts] == [chart.query for chart in CHARTS]
    assert {chart["content"]["timeContextFromParameter"] for chart in charts} == {time_range["name"]}
