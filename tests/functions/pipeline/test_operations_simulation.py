"""The simulation of Content Understanding's limits: of prod's size, and with its goals met by the code that ships."""

import pytest

from benchmarks import operations, outages
from infra.config.content_understanding_sizing import size_content_understanding
from infra.core.analysis import FoundryModel


def test_the_simulated_accounts_are_prods() -> None:
    """Four times the average rate, as the settings have it."""
    peak_rate = 4 * outages.Sizing().images_per_second
    assert pytest.approx(peak_rate, abs=0.01) == operations.PROD_IMAGES_PER_SECOND
    sized = size_content_understanding(FoundryModel(), peak_rate=peak_rate, features=("tags", "caption"))
    assert sized.accounts == operations.PROD_ACCOUNTS


SMALL = outages.Sizing(instances=4, at_once=2)


@pytest.mark.parametrize("images_per_second", [0.0, 15.4], ids=["backlog", "busiest hours"])
def test_the_limits_are_used_and_never_exceeded(images_per_second: float) -> None:
    """A fifth of prod: 15.4 images a second are 92 % of what one account allows."""
    result = operations.run_simulation(accounts=1, minutes=3, images_per_second=images_per_second, sizing=SMALL, seed=1)
    assert result.most_images_per_minute <= 1_000
    assert result.most_operations_per_minute <= 3_000
    assert result.use_percent >= 90
    assert result.refused_percent <= 10
    assert result.poison == 0
    if images_per_second:
        assert result.longest_delay < 60
