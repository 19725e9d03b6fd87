"""Texts of errors of queries."""

from common.domain.errors import QueryTooExpensiveError


def test_a_query_that_is_too_expensive_says_how_far_it_got() -> None:
    error = QueryTooExpensiveError(101.6, 100)
    assert error.request_units == 101.6
    assert str(error) == "the query was stopped after 102 request units; 100 are allowed"
