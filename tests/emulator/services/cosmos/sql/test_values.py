"""Values of all types: equality, identity and order."""

from typing import Any

import pytest
from hypothesis import given, settings

from emulator.services.cosmos.sql.values import UNDEFINED, compare, equals, identity, order_key
from tests.support.cosmos_query_generator import VALUES
from tests.support.naive_cosmos_queries import canonical


@settings(deadline=None)
@given(VALUES, VALUES)
def test_equal_values_have_one_identity(left: Any, right: Any) -> None:
    is_equal = canonical(left) == canonical(right)
    assert equals(left, right) is is_equal
    assert (identity(left) == identity(right)) is is_equal


@settings(deadline=None)
@given(VALUES, VALUES)
def test_the_order_of_values_agrees_with_their_comparison(left: Any, right: Any) -> None:
    comparison = compare(left, right)
    if comparison is not None:
        assert (order_key(left) < order_key(right)) is (comparison < 0)
        assert (order_key(left) == order_key(right)) is (comparison == 0)


def test_the_order_of_types() -> None:
    values: list[Any] = [{"a": 1}, [1], "a", "B", 2, 1.5, True, False, None, UNDEFINED]
    assert sorted(values, key=order_key) == [UNDEFINED, None, False, True, 1.5, 2, "B", "a", [1], {"a": 1}]


@pytest.mark.parametrize(
    ("left", "right"), [(1, True), (0, False), (1, "1"), ([1], [True]), ({"a": 1}, {"a": True}), (None, False)]
)
def test_values_of_different_types_are_not_equal(left: Any, right: Any) -> None:
    assert not equals(left, right)
    assert identity(left) != identity(right)


def test_undefined_has_an_identity_of_its_own() -> None:
    assert identity(UNDEFINED) not in {identity(None), identity("undefined"), identity(0)}
