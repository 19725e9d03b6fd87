"""Usage of Log Analytics, alerts and private endpoints."""

from infra.config.cost.meters import (
    LOG_ALERTS,
    LOG_INGESTION,
    LOG_RETENTION,
    METRIC_ALERTS,
    PRIVATE_ENDPOINTS,
    PRIVATE_LINK_EGRESS,
    PRIVATE_LINK_INGRESS,
)
from infra.config.cost.usage import HOURS_PER_MONTH, RECONCILE_RUNS, Usage, exact
from infra.config.cost.workload import Workload
from infra.config.sizing import DAYS_PER_MONTH

_BYTES_PER_GB = 1_000_000_000
# Rows of the application for each message: the host's traces `Executing`, `Trigger Details` and `Executed`, the line
# `outcome` of functions/pipeline/classifier/triggers.py, and the request. The host samples from 20 items a second for
# each instance on, which is not counted.
_APPLICATION_ROWS = 5
# Rows of the API app for each request: the host's traces `Executing` and `Executed`, the line `request` of
# functions/api/image_api/http/dispatcher.py, and the request.
_API_ROWS = 4
# Rows of the storage accounts for each message: the write or deletion of its blob, and the message itself
# (infra/components/storage.py).
_STORAGE_ROWS = 2
# Bytes of a row with the columns that Azure adds (docs/decisions/0032).
_ROW_BYTES_LOW = 1_000
_ROW_BYTES_HIGH = 1_400
# Days that are included in the price of ingestion; tables of Application Insights have more:
# https://learn.microsoft.com/azure/azure-monitor/logs/data-retention-configure
_INCLUDED_DAYS = 31
_INCLUDED_APPLICATION_DAYS = 90
# infra/monitoring/alerts.py: dead letters, dropped events, throttled requests; one time series each.
_METRIC_ALERTS = 3
# The blob service of the host's account; blob and queue service of the images' account; Cosmos DB.
_FIXED_ENDPOINTS = 4


def monitoring_usage(workload: Workload) -> list[Usage]:
    """Return ingestion and retention of logs, and alert rules. Platform metrics in the workspace are neglected."""
    more_low, more_high = workload.more_deliveries
    low = _log_gb(workload, messages=workload.images_per_month + more_low, row_bytes=_ROW_BYTES_LOW)
    high = _log_gb(
        workload,
        messages=workload.images_per_month + more_high + workload.deleted_images,
        row_bytes=_ROW_BYTES_HIGH,
    )
    return [
        Usage(meter=LOG_INGESTION, low=sum(low), high=sum(high), purpose="application and storage"),
        Usage(
            meter=LOG_RETENTION,
            low=_retained_gb(workload, *low),
            high=_retained_gb(workload, *high),
            purpose="application and storage",
        ),
        exact(LOG_ALERTS, workload.log_alert_rules, "log alert rules"),
        exact(METRIC_ALERTS, _METRIC_ALERTS, "metric alert rules"),
    ]


def _log_gb(workload: Workload, *, messages: float, row_bytes: int) -> tuple[float, float]:
    """GB of application logs and of storage logs in a month."""
    application_rows = (messages + RECONCILE_RUNS) * _APPLICATION_ROWS + workload.api_requests * _API_ROWS
    storage_rows = 0.0
    if workload.storage_logs:
        copies = workload.images_per_month if workload.copy_classified else 0
        storage_rows = messages * _STORAGE_ROWS + copies
    return application_rows * row_bytes / _BYTES_PER_GB, storage_rows * row_bytes / _BYTES_PER_GB


def _retained_gb(workload: Workload, application_gb: float, storage_gb: float) -> float:
    """GB that are retained beyond the included days."""
    days = workload.log_retention_days
    application_months = max(0, days - _INCLUDED_APPLICATION_DAYS) / DAYS_PER_MONTH
    storage_months = max(0, days - _INCLUDED_DAYS) / DAYS_PER_MONTH
    return application_gb * application_months + storage_gb * storage_months


def network_usage(workload: Workload) -> list[Usage]:
    """Return private endpoints and the images that pass them: from storage to the function app, and to Vision."""
    if not workload.private_networking:
        return []
    endpoints = _FIXED_ENDPOINTS
    if workload.foundry is not None:
        endpoints += workload.foundry_accounts
    elif not workload.custom_vision:
        endpoints += workload.sizing.vision_accounts
    endpoints += workload.retained_accounts
    if workload.publish_results:
        endpoints += 1
    if workload.api_app:
        # The blob service of the API app's host storage.
        endpoints += 1
    analyzed_gb = workload.uploaded_gb * (1 - workload.cache_hit_percent / 100)
    return [
        exact(PRIVATE_ENDPOINTS, endpoints * HOURS_PER_MONTH, f"{endpoints} private endpoints"),
        exact(PRIVATE_LINK_INGRESS, analyzed_gb * workload.calls_per_image, "images to Vision"),
        exact(PRIVATE_LINK_EGRESS, workload.uploaded_gb, "images from storage"),
    ]
