"""Cosmos DB: the comparisons of records with what a successor found."""

import contextlib

from common.adapters.cosmos import CosmosContainer
from common.domain.errors import ConcurrencyError

from classifier.domain.comparison import Comparison


class CosmosComparisonStore:
    """`shadow_ports.ComparisonStore` for the container `comparisons`, whose items have a time to live."""

    def __init__(self, container: CosmosContainer) -> None:
        self._container = container

    async def add(self, comparison: Comparison) -> None:
        """Implements `shadow_ports.ComparisonStore.add`."""
        with contextlib.suppress(ConcurrencyError):
            await self._container.write(comparison.id, comparison, None)
