"""The part of the comment about cost."""

from collections.abc import Iterator

from checks.plan.cost import CostChange, CostComparison, CostEstimate
from checks.plan.markdown import code, details, table

_HEADINGS = ("meter", "before", "after", "difference")


def cost_section(cost: CostComparison | None) -> Iterator[str]:
    """The lines with the cost by meter; none without estimates."""
    if cost is None:
        return
    yield "### Cost of a month"
    yield ""
    yield _totals(cost)
    yield ""
    if cost.before is not None and cost.before.meters is None:
        yield "What is deployed does not say what it costs by meter: it is of release 0.2.0 or older."
        yield ""
    changed = [meter for meter in cost.meters if meter.changes]
    unchanged = [meter for meter in cost.meters if not meter.changes]
    if changed:
        yield from table(_HEADINGS, [_meter(meter) for meter in changed], right=(1, 2, 3))
        yield ""
    if unchanged:
        rows = table(_HEADINGS, [_meter(meter) for meter in unchanged], right=(1, 2, 3))
        yield from details(f"Meters without a difference ({len(unchanged)})", rows)
        yield ""


def _totals(cost: CostComparison) -> str:
    after = f"{_range(cost.after)} {code(cost.after.currency)}"
    source = f"List prices of {code(cost.after.price_region)} and the stack's own figures of the workload"
    if cost.before is not None and cost.before.price_region != cost.after.price_region:
        source += f"; before, list prices of {code(cost.before.price_region)}"
    source += ". Meters at the high estimate; `make cost` shows what would cost less."
    if cost.before is None:
        return f"Nothing before, {after} after. {source}"
    before = f"{_range(cost.before)} {code(cost.before.currency)}"
    difference = cost.after.high - cost.before.high
    return f"{before} before, {after} after ({difference:+,.2f} at most). {source}"


def _meter(meter: CostChange) -> list[str]:
    if meter.before is None:
        return [code(meter.meter), "", f"{meter.after:,.2f}", ""]
    return [code(meter.meter), f"{meter.before:,.2f}", f"{meter.after:,.2f}", f"{meter.after - meter.before:+,.2f}"]


def _range(estimate: CostEstimate) -> str:
    low = f"{estimate.low:,.2f}"
    high = f"{estimate.high:,.2f}"
    return high if low == high else f"{low} to {high}"
