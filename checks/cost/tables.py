"""Tables of the cost report, for people."""

from rich.console import Console
from rich.table import Table

from checks.cost.report import CostReport
from infra.config.cost.estimate import CostEstimate


def print_report(report: CostReport, console: Console) -> None:
    """Print the tables of a report, and its warnings below them."""
    console.print(_line_item_table(report))
    console.print(_profile_table(report))
    console.print(_lever_table(report))
    console.print(_analyzer_table(report))
    console.print(
        f"USD a month, list prices of {report.price_region}; the oldest is of {report.prices_from}"
        f" ({report.price_age_days} days old). docs/cost.md says what is counted and what is not.",
        markup=False,
    )
    for warning in report.warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False)


def _line_item_table(report: CostReport) -> Table:
    workload = report.workload
    api = ""
    if workload.api_app:
        api = f", with {workload.api_requests_per_image:g} requests to the API for each"
    table = Table(
        title=f"{report.stack}: {workload.images_per_month:,} images of {workload.image_kb:,.0f} KB a month{api}",
        show_footer=True,
    )
    estimate = report.estimate
    table.add_column("meter", footer="total", overflow="fold")
    table.add_column("for", overflow="fold")
    table.add_column("quantity", justify="right")
    table.add_column("USD a month", justify="right", footer=_range(estimate.low, estimate.high))
    table.add_column(
        "USD for 1,000 images", justify="right", footer=_per_thousand(estimate.high, workload.images_per_month)
    )
    for item in estimate.line_items:
        table.add_row(
            item.usage.meter.meter_name,
            item.usage.purpose,
            f"{item.usage.high:,.0f}",
            _range(item.low, item.high),
            _per_thousand(item.high, workload.images_per_month),
        )
    return table


def _profile_table(report: CostReport) -> Table:
    table = Table(title=f"sample profiles with the other settings of {report.stack} (high estimate, USD a month)")
    table.add_column("meter", overflow="fold")
    meters: list[str] = []
    for name, estimate in report.profiles.items():
        images = "over Azure's limits" if estimate is None else f"{estimate.images_per_month:,} images"
        table.add_column(f"{name}\n{images}", justify="right")
        if estimate is not None:
            meters = [item.usage.meter.meter_name for item in estimate.line_items]
    for index, meter_name in enumerate(meters):
        table.add_row(meter_name, *(_profile_cell(estimate, index) for estimate in report.profiles.values()))
    table.add_section()
    table.add_row("total", *(_profile_total(estimate) for estimate in report.profiles.values()))
    return table


def _profile_cell(estimate: CostEstimate | None, index: int) -> str:
    return "" if estimate is None else f"{estimate.line_items[index].high:,.2f}"


def _profile_total(estimate: CostEstimate | None) -> str:
    return "" if estimate is None else f"{estimate.high:,.2f}"


def _lever_table(report: CostReport) -> Table:
    table = Table(title="what a change would save (USD a month)")
    table.add_column("change", overflow="fold")
    table.add_column("saving", justify="right")
    for lever in report.levers:
        table.add_row(lever.change, _range(*sorted((lever.saving_low, lever.saving_high))))
    return table


def _analyzer_table(report: CostReport) -> Table:
    table = Table(title="USD for 1,000 images with each analyzer, and the features that it has")
    table.add_column("analyzer", overflow="fold")
    table.add_column("features", overflow="fold")
    table.add_column("without", overflow="fold")
    table.add_column("analyzer", justify="right")
    table.add_column("whole stack", justify="right")
    for cost in report.analyzers:
        table.add_row(
            f"{cost.analyzer}\n{cost.model}".rstrip(),
            ", ".join(cost.features),
            ", ".join(cost.missing),
            _range(cost.analyzer_low, cost.analyzer_high),
            _range(cost.total_low, cost.total_high),
        )
    return table


def _range(low: float, high: float) -> str:
    """Both amounts, or one if they are equal to the cent."""
    texts = [f"{low:,.2f}", f"{high:,.2f}"]
    return texts[0] if texts[0] == texts[1] else " to ".join(texts)


def _per_thousand(amount: float, images: int) -> str:
    return f"{amount / images * 1000:,.4f}"
