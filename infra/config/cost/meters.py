"""Meters that the stack is billed by.

The names are those of the Retail Prices API, which compares them case-sensitively. Azure renames services from time to
time: Vision's meters were under `Cognitive Services` before they were under `Foundry Tools`.
"""

from dataclasses import dataclass

from infra.core.analysis import DeploymentType


@dataclass(frozen=True, kw_only=True)
class Meter:
    """One meter, by the names that identify its rows in the Retail Prices API.

    Attributes:
        service_name: `serviceName`.
        product_name: `productName`.
        sku_name: `skuName`.
        meter_name: `meterName`.
        unit_of_measure: `unitOfMeasure`, such as `10K` or `1 GB/Month`. A row in another unit is not used.
    """

    service_name: str
    product_name: str
    sku_name: str
    meter_name: str
    unit_of_measure: str


def _vision(sku_name: str, meter_name: str, unit_of_measure: str = "1K") -> Meter:
    return Meter(
        service_name="Foundry Tools",
        product_name="Azure Vision",
        sku_name=sku_name,
        meter_name=meter_name,
        unit_of_measure=unit_of_measure,
    )


def _content_understanding(sku_name: str, meter_name: str) -> Meter:
    return Meter(
        service_name="Foundry Tools",
        product_name="Azure Content Understanding",
        sku_name=sku_name,
        meter_name=meter_name,
        unit_of_measure="1K",
    )


def _flex(sku_name: str, meter_name: str, unit_of_measure: str) -> Meter:
    return Meter(
        service_name="Functions",
        product_name="Flex Consumption",
        sku_name=sku_name,
        meter_name=meter_name,
        unit_of_measure=unit_of_measure,
    )


def _blob(sku_name: str, meter_name: str, unit_of_measure: str) -> Meter:
    return Meter(
        service_name="Storage",
        product_name="General Block Blob v2",
        sku_name=sku_name,
        meter_name=meter_name,
        unit_of_measure=unit_of_measure,
    )


def _queue(meter_name: str) -> Meter:
    return Meter(
        service_name="Storage",
        product_name="Queues v2",
        sku_name="Standard LRS",
        meter_name=meter_name,
        unit_of_measure="10K",
    )


def _logs(meter_name: str, unit_of_measure: str) -> Meter:
    return Meter(
        service_name="Log Analytics",
        product_name="Log Analytics",
        sku_name="Analytics Logs",
        meter_name=meter_name,
        unit_of_measure=unit_of_measure,
    )


def _alerts(meter_name: str) -> Meter:
    return Meter(
        service_name="Azure Monitor",
        product_name="Azure Monitor",
        sku_name="Alerts",
        meter_name=meter_name,
        unit_of_measure="1/Month",
    )


def _private_link(meter_name: str, unit_of_measure: str) -> Meter:
    return Meter(
        service_name="Virtual Network",
        product_name="Virtual Network Private Link",
        sku_name="Standard",
        meter_name=meter_name,
        unit_of_measure=unit_of_measure,
    )


def _tokens(name: str) -> Meter:
    """A meter of a model's tokens. The way of writing these names differs from model to model."""
    return Meter(
        service_name="Foundry Models",
        product_name="Azure OpenAI GPT5",
        sku_name=name,
        meter_name=f"{name} 1M Tokens",
        unit_of_measure="1M",
    )


VISION_GROUP_1 = _vision("Image Analysis Group 1", "Image Analysis Group 1 Transactions")
VISION_GROUP_2 = _vision("Image Analysis Group 2", "Image Analysis Group 2 Transactions")
VISION_VECTORIZE = _vision("Vectorize Image", "Vectorize Image Transactions")
# Commitment tiers of Vision's text recognition, by the transactions that they include; the price of the tier of 16
# million, and of what exceeds a tier, is in no source that could be read.
VISION_COMMITMENTS = {
    500_000: _vision("Commitment Tier Azure 500K", "Commitment Tier Azure 500K Unit", "1/Month"),
    2_000_000: _vision("Commitment Tier Azure 2000K", "Commitment Tier Azure 2000K Unit", "1/Month"),
    8_000_000: _vision("Commitment Tier Azure 8000K", "Commitment Tier Azure 8000K Unit", "1/Month"),
}
CUSTOM_VISION = Meter(
    service_name="Foundry Tools",
    product_name="Azure Custom Vision",
    sku_name="S0",
    meter_name="S0 Transactions",
    unit_of_measure="1K",
)
# Tokens of prompts and of answers, by model and deployment type (infra/config/models.py).
MODEL_TOKENS: dict[tuple[str, DeploymentType], tuple[Meter, Meter]] = {
    ("gpt-5.4-mini", "GlobalStandard"): (_tokens("5.4 mini Inp Gl"), _tokens("5.4 mini Opt Gl")),
    ("gpt-5.4-mini", "DataZoneStandard"): (_tokens("5.4 mini Inp Dz"), _tokens("5.4 mini Opt Dz")),
    ("gpt-5.6-luna", "GlobalStandard"): (
        _tokens("5.6 luna ShortCo Inp Std Gl"),
        _tokens("5.6 luna ShortCo Opt Std Gl"),
    ),
}

# Content Understanding, beside the tokens of the model; text is read without one.
CONTEXTUALIZATION_TOKENS = _content_understanding("Std Contextualization", "Std Contextualization Tokens")
READ_PAGES = _content_understanding("Doc Content Extraction Basic", "Doc Content Extraction Basic Pages")

FLEX_EXECUTION_TIME = _flex("On Demand", "On Demand Execution Time", "1 GB Second")
FLEX_EXECUTIONS = _flex("On Demand", "On Demand Total Executions", "10")
FLEX_ALWAYS_READY = _flex("Always Ready", "Always Ready Baseline", "1 GB Second")

COSMOS_AUTOSCALE = Meter(
    service_name="Azure Cosmos DB",
    product_name="Azure Cosmos DB autoscale",
    sku_name="AP1",
    meter_name="AP1 100 RUs",
    unit_of_measure="1/Hour",
)
COSMOS_STORAGE = Meter(
    service_name="Azure Cosmos DB",
    product_name="Azure Cosmos DB",
    sku_name="RUs",
    meter_name="Data Stored",
    unit_of_measure="1 GB/Month",
)

BLOB_STORED_LRS = _blob("Hot LRS", "Hot LRS Data Stored", "1 GB/Month")
BLOB_STORED_GZRS = _blob("Hot GZRS", "Hot GZRS Data Stored", "1 GB/Month")
BLOB_WRITES_LRS = _blob("Hot LRS", "Hot LRS Write Operations", "10K")
BLOB_WRITES_GZRS = _blob("Hot GZRS", "Hot GZRS Write Operations", "10K")
BLOB_READS = _blob("Hot LRS", "Hot Read Operations", "10K")
BLOB_LISTS = _blob("Hot LRS", "LRS List and Create Container Operations", "10K")
GEO_REPLICATION = Meter(
    service_name="Storage",
    product_name="Storage - Bandwidth",
    sku_name="Geo-Replication v2",
    meter_name="Geo-Replication v2 Data Transfer",
    unit_of_measure="1 GB",
)

QUEUE_CLASS_1 = _queue("LRS Class 1 Operations")
QUEUE_CLASS_2 = _queue("Class 2 Operations")

EVENT_GRID = Meter(
    service_name="Event Grid",
    product_name="Event Grid",
    sku_name="Standard",
    meter_name="Standard Operations",
    unit_of_measure="100K",
)

LOG_INGESTION = _logs("Analytics Logs Data Ingestion", "1 GB")
LOG_RETENTION = _logs("Analytics Logs Data Retention", "1 GB/Month")
LOG_ALERTS = _alerts("Alerts System Log Monitored at 5 Minute Frequency")
METRIC_ALERTS = _alerts("Alerts Metric Monitored")

PRIVATE_ENDPOINTS = _private_link("Standard Private Endpoint", "1 Hour")
PRIVATE_LINK_INGRESS = _private_link("Standard Data Processed - Ingress", "1 GB")
PRIVATE_LINK_EGRESS = _private_link("Standard Data Processed - Egress", "1 GB")

# Billed for the region `Global`, wherever the endpoint is.
GLOBAL_METERS = (PRIVATE_ENDPOINTS, PRIVATE_LINK_INGRESS, PRIVATE_LINK_EGRESS)
ALL_METERS = (
    VISION_GROUP_1,
    VISION_GROUP_2,
    VISION_VECTORIZE,
    *VISION_COMMITMENTS.values(),
    CUSTOM_VISION,
    *(meter for meters in MODEL_TOKENS.values() for meter in meters),
    CONTEXTUALIZATION_TOKENS,
    READ_PAGES,
    FLEX_EXECUTION_TIME,
    FLEX_EXECUTIONS,
    FLEX_ALWAYS_READY,
    COSMOS_AUTOSCALE,
    COSMOS_STORAGE,
    BLOB_STORED_LRS,
    BLOB_STORED_GZRS,
    BLOB_WRITES_LRS,
    BLOB_WRITES_GZRS,
    BLOB_READS,
    BLOB_LISTS,
    GEO_REPLICATION,
    QUEUE_CLASS_1,
    QUEUE_CLASS_2,
    EVENT_GRID,
    LOG_INGESTION,
    LOG_RETENTION,
    LOG_ALERTS,
    METRIC_ALERTS,
    *GLOBAL_METERS,
)
