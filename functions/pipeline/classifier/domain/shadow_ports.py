"""Port of the shadow alone; the other interfaces that it needs are in `ports` and `queue_ports`.

Every method may raise RetryLaterError and ConfigurationError (`errors`).
"""

from typing import Protocol

from classifier.domain.comparison import Comparison


class ComparisonStore(Protocol):
    """The comparisons, in the Cosmos DB container `comparisons`."""

    async def add(self, comparison: Comparison) -> None:
        """Store a comparison. Does nothing if there is one of the same content and analyzers."""
        ...
