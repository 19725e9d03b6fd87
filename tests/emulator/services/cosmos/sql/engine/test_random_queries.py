"""Random queries over random items: the emulator agrees with a second evaluator, and never fails in another way."""

from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.engine.compiler import compile_query
from emulator.services.cosmos.sql.errors import InvalidQueryError, UnsupportedQueryError
from emulator.services.cosmos.sql.parser import parse
from emulator.services.cosmos.sql.printer import to_sql
from tests.support import naive_cosmos_queries
from tests.support.cosmos_query_generator import ITEMS, queries

SETTINGS = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=100)


@SETTINGS
@given(queries())
def test_a_printed_query_is_parsed_to_the_same_tree(query: tree.Query) -> None:
    assert parse(to_sql(query)) == query


@SETTINGS
@given(queries(), ITEMS)
def test_the_results_are_those_of_the_naive_evaluator(query: tree.Query, items: list[Any]) -> None:
    compiled = compile_query(parse(to_sql(query)))
    # A result must not be one that JSON cannot hold, as after a division by zero.
    with suppress(InvalidQueryError):
        results = list(compiled.run(items, {}))
        expected = naive_cosmos_queries.run(query, items)
        assert list(map(naive_cosmos_queries.canonical, results)) == list(map(naive_cosmos_queries.canonical, expected))


_WORDS = (
    "SELECT VALUE * FROM c JOIN t IN c.tags WHERE AND OR NOT ( ) [ ] { } , : ? ?? . = < + - * / || LIKE BETWEEN ORDER"
    " BY GROUP RANK RRF FullTextScore VectorDistance COUNT UPPER ARRAY_SLICE EXISTS ARRAY TOP DISTINCT OFFSET LIMIT"
    " 1 2.5 1e5 'a' \"b\" @p true null undefined udf.f root a b ASC DESC AS DateTimeAdd SUBSTRING ~ ! ; -- 'a\\q' é"
)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(_WORDS.split(" ")), max_size=14).map(" ".join) | st.text(max_size=30))
def test_any_text_is_a_query_or_one_of_two_errors(text: str) -> None:
    with suppress(InvalidQueryError, UnsupportedQueryError):
        compiled = compile_query(parse(text))
        list(compiled.run([{"id": "1", "tags": [1, {"a": "b"}]}], {"@p": 1}))
