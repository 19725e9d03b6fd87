"""The part of the comment about cost."""

from collections.abc import Iterator

from checks.plan.cost import CostChange, CostComparison
from checks.plan.markdown import code, details, table


def cost_section(cost: CostComparison | None) -> Iterator[str]:
    """The lines with the cost by meter; none without estimates."""
    if cost is None:
        return
    yield "### Cost of a month"
    yield ""
    difference = cost.high_after - cost.high_before
    yield (
        f"{_range(cost.low_before, cost.high_before)} {code(cost.currency)} before,"
        f" {_range(cost.low_after, cost.high_after)} {code(cost.currency)} after ({difference:+,.2f} at most)."
        " List prices and the stack's own figures of the workload."
    )
    yield ""
    changed = [meter for meter in cost.meters if meter.changes]
    unchanged = [meter for meter in cost.meters if not meter.changes]
    headings = ("service", "meter", "for", "before", "after", "difference")
    if changed:
        yield from table(headings, [_meter(meter) for meter in changed], right=(3, 4, 5))
        yield ""
    if unchanged:
        rows = table(headings, [_meter(meter) for meter in unchanged], right=(3, 4, 5))
        yield from details(f"Meters without a difference ({len(unchanged)})", rows)
        yield ""


def _meter(meter: CostChange) -> list[str]:
    return [
        code(meter.service),
        code(meter.meter),
        code(meter.purpose),
        _range(meter.low_before, meter.high_before),
        _range(meter.low_after, meter.high_after),
        f"{meter.high_after - meter.high_before:+,.2f}",
    ]


def _range(low: float, high: float) -> str:
    return f"{high:,.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:,.2f} to {high:,.2f}"
