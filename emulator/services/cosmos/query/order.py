"""ORDER BY: by properties, by one computed value, or by rank."""

from collections.abc import Mapping
from dataclasses import dataclass

from emulator.services.cosmos.items.errors import CosmosError, bad_request
from emulator.services.cosmos.items.indexing import ELEMENT, Path
from emulator.services.cosmos.query.paths import item_aliases, property_path
from emulator.services.cosmos.sql import tree

# Scores of rewritten queries, and the only computed values that a query may be sorted by.
_COMPUTED = frozenset({"vectordistance", "_vectorscore", "_fulltextscore"})
# https://github.com/microsoft/semantic-kernel/issues/12079 quotes it.
_NOT_A_PATH = "Unsupported ORDER BY clause. ORDER BY item expression could not be mapped to a document path."


@dataclass(frozen=True, kw_only=True)
class PropertyOrder:
    """A property that results are sorted by."""

    path: Path
    ascending: bool


def property_orders(query: tree.Query) -> tuple[PropertyOrder, ...]:
    """The properties of ORDER BY; empty if there is none, or a computed value. Raises CosmosError 400."""
    if query.order_by is None or query.order_by.rank or computed_order(query) is not None:
        return ()
    aliases = item_aliases(query)
    return tuple(
        PropertyOrder(path=_path(item.expression, aliases), ascending=item.direction != "DESC")
        for item in query.order_by.items
    )


def computed_order(query: tree.Query) -> tree.OrderItem | None:
    """The computed value of ORDER BY, or None if it has properties."""
    if query.order_by is None or query.order_by.rank or len(query.order_by.items) != 1:
        return None
    (item,) = query.order_by.items
    if isinstance(item.expression, tree.FunctionCall) and item.expression.name.lower() in _COMPUTED:
        return item
    return None


def _path(expression: tree.Expression, aliases: Mapping[str, Path]) -> Path:
    path = property_path(expression, aliases)
    if not path:
        raise order_error()
    if ELEMENT in path:
        raise bad_request("Order-by over correlated collections is not supported.")
    return path


def order_error() -> CosmosError:
    """The refusal of ORDER BY a value that is no property."""
    return bad_request(f'Message: {{"errors":[{{"severity":"Error","code":2206,"message":"{_NOT_A_PATH}"}}]}}')
