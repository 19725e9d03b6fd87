"""Strategies for random items and random Cosmos DB queries."""

from functools import cache

from hypothesis import strategies as st

from emulator.services.cosmos.sql import tree

_NAMES = ("a", "b", "c", "order", "x y")
_TEXTS = st.text(alphabet="ab%_A", max_size=4)
_NUMBERS = st.integers(-4, 4) | st.sampled_from((0.5, -1.5, 2.25, 1e30))

SCALARS = st.none() | st.booleans() | _NUMBERS | _TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), children, max_size=3),
    max_leaves=6,
)
ITEMS = st.lists(st.dictionaries(st.sampled_from(_NAMES), VALUES, max_size=4), max_size=6)

_CONSTANTS = SCALARS.map(tree.Constant)


@cache
def _paths(aliases: tuple[str, ...]) -> st.SearchStrategy[tree.Expression]:
    def build(alias: str, names: list[str]) -> tree.Expression:
        expression: tree.Expression = tree.Identifier(alias)
        for name in names:
            expression = tree.Property(expression, name)
        return expression

    return st.builds(build, st.sampled_from(aliases), st.lists(st.sampled_from(_NAMES), max_size=2))


def _operations(children: st.SearchStrategy[tree.Expression]) -> st.SearchStrategy[tree.Expression]:
    pairs = st.tuples(children, children)
    return st.one_of(
        st.builds(tree.Element, children, st.integers(0, 2).map(tree.Constant)),
        st.builds(tree.ArrayCreation, st.lists(children, max_size=3).map(tuple)),
        st.builds(
            tree.ObjectCreation,
            st.lists(st.tuples(st.sampled_from(_NAMES), children), max_size=2, unique_by=lambda pair: pair[0]).map(
                tuple
            ),
        ),
        st.builds(tree.Unary, st.sampled_from(("NOT", "-", "+")), children).filter(_is_not_a_folded_sign),
        st.builds(
            tree.Binary,
            st.sampled_from(("+", "-", "*", "%", "<", "<=", ">", ">=", "=", "!=", "||", "??")),
            children,
            children,
        ),
        st.builds(_logical, st.sampled_from(("AND", "OR")), st.lists(children, min_size=2, max_size=3)),
        st.builds(tree.Conditional, children, children, children),
        st.builds(tree.Between, children, children, children, st.booleans()),
        st.builds(tree.In, children, st.lists(children, min_size=1, max_size=3).map(tuple), st.booleans()),
        st.builds(tree.Like, children, _TEXTS.map(tree.Constant), st.sampled_from((None, "!", "%")), st.booleans()),
        st.builds(
            lambda name, argument: tree.FunctionCall(name, (argument,)),
            st.sampled_from(("ABS", "ARRAY_LENGTH", "IS_DEFINED", "IS_NUMBER", "LENGTH", "UPPER")),
            children,
        ),
        st.builds(tree.FunctionCall, st.sampled_from(("ARRAY_CONTAINS", "CONTAINS")), pairs),
    )


def _is_not_a_folded_sign(node: tree.Unary) -> bool:
    """The parser makes one constant of a minus sign and a number."""
    return not (node.operator == "-" and isinstance(node.operand, tree.Constant))


def _logical(operator: tree.LogicalOperator, operands: list[tree.Expression]) -> tree.Expression:
    flat: list[tree.Expression] = []
    for operand in operands:
        is_same = isinstance(operand, tree.Logical) and operand.operator == operator
        flat.extend(operand.operands if isinstance(operand, tree.Logical) and is_same else [operand])
    return tree.Logical(operator, tuple(flat))


@cache
def expressions(aliases: tuple[str, ...]) -> st.SearchStrategy[tree.Expression]:
    """Expressions over the values of some aliases, without subqueries."""
    leaves = st.one_of(_paths(aliases), _paths(aliases), _CONSTANTS, st.just(tree.UndefinedConstant()))
    return st.recursive(leaves, _operations, max_leaves=5)


@cache
def _subqueries(alias: str) -> st.SearchStrategy[tree.Expression]:
    """Subqueries over an array of an item."""

    def build(operator: tree.SubqueryOperator, name: str, where: tree.Expression | None) -> tree.Expression:
        projection = tree.FunctionCall("COUNT", (tree.Constant(1),)) if operator == "" else tree.Identifier("s")
        return tree.Subquery(
            operator,
            tree.Query(
                select=tree.Select(projection=tree.SelectValue(projection)),
                from_items=(tree.FromArray(alias="s", collection=tree.FromPath(root=alias, path=(name,))),),
                where=where,
            ),
        )

    return st.builds(
        build,
        st.sampled_from(("EXISTS", "ARRAY", "")),
        st.sampled_from(_NAMES),
        st.none() | expressions(("s", alias)),
    )


_AGGREGATES = st.sampled_from(("COUNT", "SUM", "AVG", "MIN", "MAX"))
_KINDS = st.sampled_from(("value", "list", "all", "aggregate", "group", "order"))
_NAME = st.sampled_from(_NAMES)
_COUNTS = st.integers(0, 4).map(tree.Constant)
_TOPS = st.none() | _COUNTS
_OFFSET_LIMITS = st.none() | st.builds(
    lambda offset, limit: tree.OffsetLimit(offset=offset, limit=limit), _COUNTS, _COUNTS
)


@cache
def _anything(aliases: tuple[str, ...]) -> st.SearchStrategy[tree.Expression]:
    return expressions(aliases) | _subqueries("i")


@cache
def _conditions(aliases: tuple[str, ...]) -> st.SearchStrategy[tree.Expression | None]:
    return st.none() | _anything(aliases)


@cache
def _group_keys(aliases: tuple[str, ...]) -> st.SearchStrategy[list[tree.Expression]]:
    return st.lists(_paths(aliases), min_size=1, max_size=2)


@cache
def _order_items(aliases: tuple[str, ...]) -> st.SearchStrategy[list[tree.OrderItem]]:
    items = st.builds(
        lambda expression, direction: tree.OrderItem(expression=expression, direction=direction),
        _paths(aliases),
        st.sampled_from((None, "ASC", "DESC")),
    )
    return st.lists(items, min_size=1, max_size=2)


@st.composite
def queries(draw: st.DrawFn) -> tree.Query:
    """Queries over a container with the alias `i`, perhaps joined with an array of each item."""
    aliases: tuple[str, ...] = ("i",)
    from_items: tuple[tree.FromItem, ...] = (tree.FromPath(root="i"),)
    if draw(st.booleans()):
        from_items = (*from_items, tree.FromArray(alias="j", collection=tree.FromPath(root="i", path=(draw(_NAME),))))
        aliases = ("i", "j")
    anything = _anything(aliases)
    group_by: tuple[tree.Expression, ...] = ()
    kind = draw(_KINDS)
    if kind == "value":
        projection: tree.Projection = tree.SelectValue(draw(anything))
    elif kind == "all" and len(from_items) == 1:
        projection = tree.SelectAll()
    elif kind == "aggregate":
        projection = tree.SelectValue(tree.FunctionCall(draw(_AGGREGATES), (draw(expressions(aliases)),)))
    elif kind == "group":
        group_by = tuple(draw(_group_keys(aliases)))
        aggregate = tree.FunctionCall(draw(_AGGREGATES), (draw(expressions(aliases)),))
        projection = tree.SelectList((tree.SelectItem(group_by[0], "key"), tree.SelectItem(aggregate, "$total")))
    else:
        projection = tree.SelectList((tree.SelectItem(draw(anything), None), tree.SelectItem(draw(anything), "$2")))
    limits = draw(_OFFSET_LIMITS)
    return tree.Query(
        select=tree.Select(projection=projection, distinct=draw(st.booleans()), top=None if limits else draw(_TOPS)),
        from_items=from_items,
        where=draw(_conditions(aliases)),
        group_by=group_by,
        order_by=tree.OrderBy(items=tuple(draw(_order_items(aliases)))) if kind == "order" else None,
        offset_limit=limits,
    )
