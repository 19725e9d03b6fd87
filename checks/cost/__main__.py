"""What a stack costs in a month at list prices, before it is deployed.

    python -m checks.cost [--stack prod] [--format table|json] [--image-kb 100] [--cache-hits 0] [--api-requests 5]

Reads the stack's file in stacks/ and the defaults in Pulumi.yaml; neither Pulumi nor Azure is asked. Prices come from
prices/*.json. Exit code 1 when the settings or the prices are wrong; an estimate above `monthlyBudget` is a warning.
"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from rich.console import Console

from checks.cost.report import CostReport, create_report, to_json
from checks.cost.tables import print_report
from infra.config.cost.price_list import load_price_list
from infra.config.cost.workload import DEFAULT_API_REQUESTS, DEFAULT_IMAGE_KB, Workload, create_workload
from infra.config.settings import Settings
from infra.core.errors import InfrastructureError
from infra.monitoring.queries import log_alert_rules
from tests.support.pulumi_recorder import ROOT, configuration


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m checks.cost",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stack", default="prod", choices=_stacks())
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--image-kb", type=_positive, default=DEFAULT_IMAGE_KB, help="average size of an image")
    parser.add_argument("--cache-hits", type=_percent, default=0.0, help="percent of images that were analyzed before")
    parser.add_argument(
        "--api-requests",
        type=_not_negative,
        default=DEFAULT_API_REQUESTS,
        help="requests to the API for each image (default: %(default)g)",
    )
    options = parser.parse_args(arguments)
    try:
        settings = Settings.parse(configuration(options.stack))
        rules = log_alert_rules(shadow=settings.shadow is not None, models=settings.deploys_model)
        workload = replace(
            create_workload(settings, log_alert_rules=len(rules)),
            image_kb=options.image_kb,
            cache_hit_percent=options.cache_hits,
            api_requests_per_image=options.api_requests,
        )
        report = _create_stack_report(options.stack, settings, workload)
    except InfrastructureError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.format == "json":
        print(json.dumps(to_json(report)))
    else:
        print_report(report, Console())
    return 0


def _create_stack_report(stack: str, settings: Settings, workload: Workload) -> CostReport:
    """Create the report of a stack in stacks/.

    Raises:
        InfrastructureError: The prices are wrong.
    """
    return create_report(
        stack=stack,
        workload=workload,
        monthly_budget=settings.monthly_budget,
        prices=load_price_list(ROOT / "prices", settings.location),
        today=datetime.now(UTC).date(),
    )


def _stacks() -> list[str]:
    """The stacks that have a file."""
    return sorted(path.name.split(".")[1] for path in (ROOT / "stacks").glob("Pulumi.*.yaml"))


def _positive(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _not_negative(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is negative, or no number")
    return value


def _percent(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text} is not a percentage")
    return value


if __name__ == "__main__":
    sys.exit(main())
