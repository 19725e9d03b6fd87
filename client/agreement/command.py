"""Prints how far the successor of a stack agrees with its analyzer, as tables or as JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from client.agreement.comparisons import parse_shadow, read_comparisons
from client.agreement.report import Report, create_report
from client.agreement.statistics import Estimate
from client.stack_outputs import parse_stack_outputs, read_raw_outputs

_SHOWN_CHARACTERS = 60


def run_agreement(stack: str, output_format: str) -> int:
    """Print the report.

    Returns:
        The exit code: 1 when the configuration requires more than the figures show, 0 otherwise.

    Raises:
        ClientError: The stack has no shadow, or the comparisons cannot be read.
    """
    raw_outputs = read_raw_outputs(stack)
    shadow = parse_shadow(stack, raw_outputs.get("shadow"))
    report = create_report(read_comparisons(parse_stack_outputs(stack, raw_outputs), shadow.container), shadow)
    if output_format == "json":
        print(json.dumps(asdict(report), ensure_ascii=False))
    else:
        print_report(report, Console())
    return 1 if report.missed else 0


def print_report(report: Report, console: Console) -> None:
    """Print a report for people."""
    if report.emulated:
        console.print("emulated: the figures show that the comparison works, and nothing of Azure's models")
    console.print(f"analyzer  {report.analyzer}\nsuccessor {report.successor}", markup=False)
    outcomes = ", ".join(f"{count} {name}" for name, count in report.outcomes.items())
    console.print(f"{report.images} images compared: {outcomes or 'none'}", markup=False)
    console.print(_estimates("agreement", report.means))
    console.print(_estimates("label", report.labels))
    console.print(_estimates("category", report.categories))
    console.print(_estimates("format: labels", report.formats))
    if report.disagreements:
        console.print(_disagreements(report))
    cost = "unknown" if report.cost_per_thousand is None else f"{report.cost_per_thousand:.2f} USD"
    console.print(f"cost of a thousand images, by their tokens: {cost}")
    console.print(f"latency: p50 {_milliseconds(report.latency_p50_ms)}, p95 {_milliseconds(report.latency_p95_ms)}")
    console.print(
        f"throughput: {report.images_per_second:g} images/s in the busiest hours;"
        f" the quota that the stack requests allows {report.quota_per_second:g}"
    )
    for sentence in report.missed:
        console.print(f"missed: {sentence}", markup=False)


def _estimates(title: str, estimates: Mapping[str, Estimate | None]) -> Table:
    table = Table()
    table.add_column(title)
    for column in ("images", "mean", "95 % interval"):
        table.add_column(column, justify="right")
    for name, estimate in estimates.items():
        if estimate is None:
            table.add_row(name, "0", "", "")
        else:
            interval = f"{estimate.low:.1%} to {estimate.high:.1%}"
            table.add_row(name, f"{estimate.count:,}", f"{estimate.mean:.1%}", interval)
    return table


def _disagreements(report: Report) -> Table:
    table = Table(title="largest disagreements: the analyzer above, the successor below")
    table.add_column("image", overflow="fold")
    table.add_column("agreement", justify="right")
    for column in ("labels", "category", "caption", "text"):
        table.add_column(column, overflow="fold")
    for item in report.disagreements:
        table.add_row(
            item.blob_name,
            f"{item.score:.0%}",
            _both(", ".join(item.labels), ", ".join(item.successor_labels)),
            _both(item.category, item.successor_category),
            _both(item.caption, item.successor_caption),
            _both(item.text, item.successor_text),
        )
    return table


def _both(text: str | None, other: str | None) -> str:
    return "\n".join(_shorten(value) for value in (text, other))


def _shorten(text: str | None) -> str:
    line = " / ".join((text or "-").splitlines())
    return line if len(line) <= _SHOWN_CHARACTERS else f"{line[:_SHOWN_CHARACTERS]}…"


def _milliseconds(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.0f} ms"
