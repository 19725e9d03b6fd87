"""What Azure refuses without an index, and the order in which items are read for ORDER BY."""

from emulator.core.container_policies import ContainerDefinition, path_segments
from emulator.services.cosmos.items.errors import backend_error, bad_request
from emulator.services.cosmos.items.indexing import (
    full_text_indexes,
    has_composite_index,
    is_explicitly_included,
    is_indexed,
)
from emulator.services.cosmos.items.ordered_index import Ordering
from emulator.services.cosmos.query.order import PropertyOrder, computed_order, order_error
from emulator.services.cosmos.query.paths import item_aliases, property_path
from emulator.services.cosmos.query.search_options import distance_functions
from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.traversal import walk

_SCORES = frozenset({"fulltextscore", "_fulltextscore"})


def check_indexes(query: tree.Query, orders: tuple[PropertyOrder, ...], definition: ContainerDefinition) -> None:
    """Raise CosmosError 400 if the query needs an index or a policy that the container does not have."""
    policy = definition.indexing_policy
    if len(orders) > 1 and not has_composite_index(policy, tuple((order.path, order.ascending) for order in orders)):
        raise backend_error(
            "The order by query does not have a corresponding composite index that it can be served from."
        )
    if len(orders) == 1 and not all(is_indexed(policy, order.path) for order in orders):
        # https://learn.microsoft.com/azure/cosmos-db/mongodb/troubleshoot-query-performance quotes it.
        raise backend_error("The index path corresponding to the specified order-by item is excluded.")
    _check_full_text(query, definition)
    _check_vectors(query, definition)


def ordering_of(orders: tuple[PropertyOrder, ...], definition: ContainerDefinition) -> tuple[Ordering | None, bool]:
    """The ordering that ORDER BY reads, and whether it reads it from the end; None without ORDER BY."""
    if not orders:
        return None, False
    is_backwards = not orders[0].ascending
    # A composite index has items that lack a property; another index only for paths that the policy names.
    policy = definition.indexing_policy
    with_undefined = len(orders) > 1 or all(is_explicitly_included(policy, order.path) for order in orders)
    ordering = Ordering(
        paths=tuple(order.path for order in orders),
        ascending=tuple(order.ascending != is_backwards for order in orders),
        with_undefined=with_undefined,
    )
    return ordering, is_backwards


def has_ranking_index(query: tree.Query, definition: ContainerDefinition) -> bool:
    """Whether an index ranks the items by the score or distance in ORDER BY.

    A `flat` index does not: it compares all vectors, https://learn.microsoft.com/azure/cosmos-db/nosql/vector-search.
    """
    order = computed_order(query)
    if order is None or not isinstance(order.expression, tree.FunctionCall):
        return False
    if order.expression.name.lower() in _SCORES:
        indexed = full_text_indexes(definition)
    else:
        indexes = definition.indexing_policy.vector_indexes
        indexed = {path_segments(index.path) for index in indexes if index.type.lower() != "flat"}
    aliases = item_aliases(query)
    return any(property_path(argument, aliases) in indexed for argument in order.expression.arguments[:2])


def _check_full_text(query: tree.Query, definition: ContainerDefinition) -> None:
    """FullTextScore requires a full-text index: https://learn.microsoft.com/cosmos-db/query/fulltextscore#remarks.

    One for another path is enough: test_query_hybrid_search.py of azure-cosmos, which runs against Azure, ranks
    by `c.title` in a container with an index for `/text`.
    """
    if full_text_indexes(definition):
        return
    for node in walk(query):
        if isinstance(node, tree.FunctionCall) and node.name.lower() in _SCORES:
            raise bad_request("FullTextScore requires a full text index, and the container has none.")


def _check_vectors(query: tree.Query, definition: ContainerDefinition) -> None:
    order = computed_order(query)
    if order is None or not isinstance(order.expression, tree.FunctionCall):
        return
    if order.expression.name.lower() != "vectordistance":
        return
    aliases = item_aliases(query)
    paths = {property_path(argument, aliases) for argument in order.expression.arguments[:2]}
    if not paths & distance_functions(definition).keys():
        raise order_error()
