"""The comparisons of a stack, and what its output `shadow` says of the successor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypedDict, cast

from azure.core.exceptions import AzureError
from azure.cosmos import CosmosClient
from azure.identity import DefaultAzureCredential

from client.errors import ClientError
from client.stack_outputs import StackOutputs

# The newest ones; more would change no figure by what it is rounded to.
_MOST_COMPARISONS = 20_000


class ComparedAnalyzer(TypedDict):
    """One of both analyzers (functions/pipeline/classifier/domain/comparison.py)."""

    fingerprint: str
    modelVersion: str | None
    labels: list[str]
    category: str | None
    caption: str | None
    text: str | None


class Comparison(TypedDict):
    """An item of the container `comparisons`, as far as it is read here."""

    comparedAt: str
    blobName: str
    format: str | None
    main: ComparedAnalyzer
    successor: ComparedAnalyzer
    outcome: str
    reason: str | None
    labelAgreement: float | None
    sameCategory: bool | None
    captionAgreement: float | None
    textErrorRate: float | None
    latencyMs: int | None
    inputTokens: int | None
    outputTokens: int | None


class Price(TypedDict):
    """What `per` units of a metric cost, in USD; the metric `images` is charged for each image."""

    metric: str
    per: int
    usd: float


@dataclass(frozen=True, kw_only=True)
class ShadowInfo:
    """What the stack output `shadow` says (infra/stack_shadow.py)."""

    analyzer: str
    percent: float
    container: str
    peak_rate: float
    images_per_second: float
    prices: Sequence[Price]
    min_images: int
    min_label_percent: int
    min_category_percent: int
    min_caption_percent: int
    max_text_error_percent: int


def parse_shadow(stack: str, output: Mapping[str, Any] | None) -> ShadowInfo:
    """Return what the output `shadow` says.

    Raises:
        ClientError: The stack has no shadow, or was deployed by another version of the program.
    """
    if not output:
        raise ClientError(f"the stack {stack} has no successor in the shadow (setting shadow, docs/operations.md)")
    try:
        return ShadowInfo(
            analyzer=output["analyzer"],
            percent=output["percent"],
            container=output["container"],
            peak_rate=output["peakRate"],
            images_per_second=output["imagesPerSecond"],
            prices=output["prices"],
            min_images=output["minImages"],
            min_label_percent=output["minLabelPercent"],
            min_category_percent=output["minCategoryPercent"],
            min_caption_percent=output["minCaptionPercent"],
            max_text_error_percent=output["maxTextErrorPercent"],
        )
    except KeyError as error:
        raise ClientError(
            f"the output shadow of the stack {stack} has no {error}; deploy it again (make up)"
        ) from error


def read_comparisons(outputs: StackOutputs, container: str) -> list[Comparison]:
    """Return the comparisons of the newest pair of analyzers, newest first, with the rights of who is signed in.

    Older ones are of an analyzer or features that the stack had before.

    Raises:
        ClientError: Cosmos DB refuses the query, or cannot be reached.
    """
    query = "SELECT * FROM c ORDER BY c.comparedAt DESC"
    try:
        client = CosmosClient(outputs.records_endpoint, DefaultAzureCredential())
        items = client.get_database_client(outputs.records_database).get_container_client(container)
        pages = items.query_items(query, enable_cross_partition_query=True, max_item_count=1_000)
        comparisons = [cast("Comparison", dict(item)) for item in islice(pages, _MOST_COMPARISONS)]
    except AzureError as error:
        raise ClientError(
            f"the comparisons cannot be read; operators of the stack may (setting operators): {error}"
        ) from error
    return newest_pair(comparisons)


def newest_pair(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons of the pair of analyzers that the first one is of."""
    if not comparisons:
        return []
    pair = _pair(comparisons[0])
    return [comparison for comparison in comparisons if _pair(comparison) == pair]


def _pair(comparison: Comparison) -> tuple[str, str]:
    return comparison["main"]["fingerprint"], comparison["successor"]["fingerprint"]
