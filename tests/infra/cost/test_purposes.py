"""What the estimate says that each meter is used for."""

from typing import Any

from infra.config.cost.estimate import estimate_cost
from tests.support.cost_workloads import committed_prices, workload


def purposes(**changes: Any) -> dict[str, str]:
    """The purpose of each line item by the name of its meter."""
    line_items = estimate_cost(workload(**changes), committed_prices()).line_items
    return {item.usage.meter.meter_name: item.usage.purpose for item in line_items}


def test_each_meter_has_its_purpose() -> None:
    every = ("tags", "objects", "people", "read", "smartCrops", "caption", "denseCaptions", "safety", "embeddings")
    assert purposes(features=every, private_networking=True, copy_classified=True, api_app=True) == {
        "Image Analysis Group 1 Transactions": "objects, people, safety, smartCrops, tags",
        "Image Analysis Group 2 Transactions": "caption, denseCaptions, read",
        "Vectorize Image Transactions": "embeddings",
        "On Demand Execution Time": "classify, reconcile, requests to the API",
        "On Demand Total Executions": "classify, reconcile, requests to the API",
        "AP1 100 RUs": "images and analyses",
        "Data Stored": "records and analyses",
        "Hot LRS Data Stored": "images and copies",
        "Hot LRS Write Operations": "uploads and copies",
        "Hot Read Operations": "classify",
        "LRS List and Create Container Operations": "reconcile",
        "LRS Class 1 Operations": "put, receive, delete",
        "Class 2 Operations": "receive, poll",
        "Standard Operations": "storage events, results",
        "Analytics Logs Data Ingestion": "application and storage",
        "Analytics Logs Data Retention": "application and storage",
        "Alerts System Log Monitored at 5 Minute Frequency": "log alert rules",
        "Alerts Metric Monitored": "metric alert rules",
        "Standard Private Endpoint": "7 private endpoints",
        "Standard Data Processed - Ingress": "images to Vision",
        "Standard Data Processed - Egress": "images from storage",
    }


def test_predictions_of_custom_vision_are_named_so() -> None:
    assert purposes(custom_vision=True)["S0 Transactions"] == "predictions"


def test_purposes_of_a_zone_redundant_stack_without_copies_and_results() -> None:
    assert purposes(zone_redundant=True, publish_results=False, features=("tags",)) == {
        "Image Analysis Group 1 Transactions": "tags",
        "On Demand Execution Time": "classify and reconcile",
        "On Demand Total Executions": "classify and reconcile",
        "Always Ready Baseline": "always-ready instances of the zones",
        "AP1 100 RUs": "images and analyses",
        "Data Stored": "records and analyses",
        "Hot GZRS Data Stored": "images",
        "Hot GZRS Write Operations": "uploads",
        "Hot Read Operations": "classify",
        "LRS List and Create Container Operations": "reconcile",
        "Geo-Replication v2 Data Transfer": "images",
        "LRS Class 1 Operations": "put, receive, delete",
        "Class 2 Operations": "receive, poll",
        "Standard Operations": "storage events",
        "Analytics Logs Data Ingestion": "application and storage",
        "Analytics Logs Data Retention": "application and storage",
        "Alerts System Log Monitored at 5 Minute Frequency": "log alert rules",
        "Alerts Metric Monitored": "metric alert rules",
    }
