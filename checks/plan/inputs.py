"""Inputs beside the preview: cost estimates before and after the change, and the result of the scan."""

import msgspec

from checks.plan.preview import PlanInputError


class CostLineItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one meter costs in a month.

    Attributes:
        service: Azure's name of the service.
        meter: Azure's name of the meter.
        purpose: What of the stack uses the meter.
        low: Cost of a month under the more favorable assumptions.
        high: Cost of a month under the less favorable ones.
    """

    service: str
    meter: str
    purpose: str = ""
    low: float
    high: float


class CostEstimate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a stack costs in a month, by meter; `currency` is an ISO 4217 code."""

    line_items: list[CostLineItem]
    currency: str = "USD"


class ScanResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of `python -m checks.checkov_scan --format json`: numbers of checks with one kind of network."""

    network: str
    passed: int
    failed: int
    suppressed: int
    stale: int


def read_cost_estimate(name: str, content: bytes) -> CostEstimate:
    """Return an estimate.

    Args:
        name: How an error calls the input.
        content: The estimate as JSON.

    Raises:
        PlanInputError: The content is not an estimate.
    """
    try:
        return msgspec.json.decode(content, type=CostEstimate)
    except msgspec.DecodeError as error:
        raise PlanInputError(f"{name} is not a cost estimate: {error}") from error


def read_scan_results(content: bytes) -> list[ScanResult]:
    """Return the results of a scan, one for each line.

    Raises:
        PlanInputError: There is no result, or a line is not one.
    """
    try:
        results = [msgspec.json.decode(line, type=ScanResult) for line in content.splitlines() if line.strip()]
    except msgspec.DecodeError as error:
        raise PlanInputError(f"the scan is not of `python -m checks.checkov_scan --format json`: {error}") from error
    if not results:
        raise PlanInputError("the scan is empty: `python -m checks.checkov_scan --format json` wrote no result")
    return results
