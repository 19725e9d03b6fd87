"""The input beside the preview and its event log: the result of the scan."""

import msgspec

from checks.plan.preview import PlanInputError


class ScanResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of `python -m checks.checkov_scan --format json`: numbers of checks with one kind of network."""

    network: str
    passed: int
    failed: int
    suppressed: int
    stale: int


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
