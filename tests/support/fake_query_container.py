"""A fake of a Cosmos DB container that answers queries."""

from collections.abc import AsyncIterator
from typing import Any

from azure.cosmos.exceptions import CosmosResourceNotFoundError


def row(number: int, **fields: Any) -> dict[str, Any]:
    """A result, as the service returns it: absent properties are absent."""
    return {
        "id": f"id{number}",
        "status": "classified",
        "reason": None,
        "container": "images",
        "name": f"{number}.png",
        "etag": "e1",
        "labels": ["cat"],
        "tags": [{"name": "cat", "confidence": None}],
        "processedAt": f"2026-01-02T03:04:{number:02}+00:00",
    } | fields


class FakeQueryContainer:
    """Answers every query with `rows`, one response each, and reads items from `items`."""

    def __init__(self, *rows: dict[str, Any], charge: float = 10.0, error: Exception | None = None) -> None:
        self.rows = rows
        self.charge = charge
        self.error = error
        self.queries: list[tuple[str, dict[str, Any]]] = []
        self.items: dict[str, dict[str, Any]] = {}

    async def query_items(
        self, query: str, *, parameters: list[dict[str, Any]], response_hook: Any
    ) -> AsyncIterator[dict[str, Any]]:
        self.queries.append((query, {parameter["name"]: parameter["value"] for parameter in parameters}))
        if self.error is not None:
            raise self.error
        for result in self.rows:
            response_hook({"x-ms-request-charge": str(self.charge)}, None)
            yield result

    async def read_item(self, item_id: str, partition_key: str, response_hook: Any) -> dict[str, Any]:
        assert item_id == partition_key
        response_hook({"x-ms-request-charge": "2"}, None)
        if item_id not in self.items:
            raise CosmosResourceNotFoundError(status_code=404, message="no item")
        return self.items[item_id]
