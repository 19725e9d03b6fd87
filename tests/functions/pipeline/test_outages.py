"""The simulation of outages: of prod's size, and with its goals met by the code that ships."""

import asyncio
import random
from pathlib import Path

import pytest
import yaml

from benchmarks import outages
from infra.config.sizing import derive_sizing

ROOT = Path(__file__).resolve().parents[3]


def test_the_simulated_stack_is_prod() -> None:
    config = yaml.safe_load((ROOT / "stacks/Pulumi.prod.yaml").read_text())["config"]
    defaults = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    sized = derive_sizing(
        images_per_month=config["image-pipeline:imagesPerMonth"],
        peak_factor=defaults["peakFactor"]["default"],
        vision_calls_per_second=defaults["visionCallsPerSecond"]["default"],
    )
    assert outages.Sizing() == outages.Sizing(
        images_per_second=sized.average_rate,
        accounts=sized.vision_accounts,
        calls_per_second=defaults["visionCallsPerSecond"]["default"],
        instances=sized.maximum_instances,
        at_once=sized.batch_size,
    )


@pytest.mark.parametrize("service", outages.SERVICES)
def test_an_outage_poisons_nothing_and_its_backlog_is_soon_gone(service: str) -> None:
    """An eighth of prod."""
    random.seed(1)
    sizing = outages.Sizing(images_per_second=19.2901 / 8, accounts=1, instances=5)
    with asyncio.Runner(loop_factory=outages.VirtualTime) as runner:
        outage = runner.run(outages.simulate_outage(service, sizing))
    assert (outage.poison, outage.failed) == (0, 0)
    assert outage.ratio <= outages.TIME_RATIO
    assert outage.calls_percent <= outages.CALLS_PERCENT
