"""String functions. The tables are the documentation's examples: https://learn.microsoft.com/cosmos-db/query/functions."""

from typing import Any

import pytest

from emulator.services.cosmos.sql.errors import InvalidQueryError, UnsupportedQueryError
from tests.support.cosmos_queries import UNDEFINED, value

CASES: list[tuple[str, Any]] = [
    ('CONCAT("adventure", "works")', "adventureworks"),
    ('CONCAT("a", 1)', UNDEFINED),
    ('CONTAINS("AdventureWorks", "works")', False),
    ('CONTAINS("AdventureWorks", "works", true)', True),
    ('CONTAINS("AdventureWorks", "Works", false)', True),
    ('CONTAINS("AdventureWorks", c.missing)', UNDEFINED),
    ('CONTAINS("AdventureWorks", "Works", "true")', UNDEFINED),
    ('ENDSWITH("AdventureWorks", "Works")', True),
    ('ENDSWITH("AdventureWorks", "works")', False),
    ('ENDSWITH("AdventureWorks", "works", true)', True),
    ('STARTSWITH("AdventureWorks", "Works")', False),
    ('STARTSWITH("AdventureWorks", "adventure", true)', True),
    ('STRINGEQUALS("AdventureWorks", "adventureworks")', False),
    ('StringEquals("AdventureWorks", "adventureworks", true)', True),
    ('INDEX_OF("AdventureWorks", "Works")', 9),
    ('INDEX_OF("AdventureWorks", "Cosmos")', -1),
    ('INDEX_OF("AdventureWorks", "Works", 5)', 9),
    ('INDEX_OF("AdventureWorks", "Adventure", 5)', -1),
    ('LASTINDEXOF("abcabc", "bc")', 4),
    ('LEFT("AdventureWorks", 5)', "Adven"),
    ('LEFT("AdventureWorks", 0)', ""),
    ('LEFT("AdventureWorks", 100)', "AdventureWorks"),
    ('LEFT("AdventureWorks", 1.5)', UNDEFINED),
    ('RIGHT("AdventureWorks", 5)', "Works"),
    ('RIGHT("AdventureWorks", 0)', ""),
    ('RIGHT("AdventureWorks", 100)', "AdventureWorks"),
    ('LENGTH("AdventureWorks")', 14),
    ("LENGTH(null)", UNDEFINED),
    ('LENGTH(["a"])', UNDEFINED),
    ('LOWER("ADVENTURE_Works")', "adventure_works"),
    ('UPPER("AdventureWorks")', "ADVENTUREWORKS"),
    ('LTRIM("  AdventureWorks  ")', "AdventureWorks  "),
    ('LTRIM("AdventureWorks", "Adventure")', "Works"),
    ('LTRIM("AdventureWorks", "")', "AdventureWorks"),
    ('RTRIM("AdventureWorks", "Works")', "Adventure"),
    ('RTRIM("  AdventureWorks  ")', "  AdventureWorks"),
    ('TRIM("-_-AdventureWorks-_-", "-_")', "AdventureWorks"),
    ('TRIM("   AdventureWorks   ")', "AdventureWorks"),
    ('REPLACE("AdventureWorksLT", "LT", "LT2")', "AdventureWorksLT2"),
    ('REPLACE("Adventure", "", "x")', UNDEFINED),
    ('REPLICATE("Cosmic", 3)', "CosmicCosmicCosmic"),
    ('REPLICATE("x", -1)', UNDEFINED),
    ('REPLICATE("x", 10001)', UNDEFINED),
    ('REVERSE("abc")', "cba"),
    ('SUBSTRING("AdventureWorks", 0, 9)', "Adventure"),
    ('SUBSTRING("AdventureWorks", 9, 50)', "Works"),
    ('SUBSTRING("AdventureWorks", 0, -1)', ""),
    ('SUBSTRING("AdventureWorks", -1, 3)', ""),
    ('SUBSTRING("", 5, 3)', ""),
    ('SUBSTRING("abc", "0", 3)', UNDEFINED),
    ('StringJoin(["a", "b"], "-")', "a-b"),
    ('StringJoin(["a", 1], "-")', UNDEFINED),
    ('StringSplit("a-b", "-")', ["a", "b"]),
    ('RegexMatch("abcd", "ABC")', False),
    ('RegexMatch("abcd", "ABC", "i")', True),
    ('RegexMatch("abcd", "ab.", "")', True),
    ('RegexMatch("abcd", "aB c", "ix")', True),
    ('RegexMatch("03a", "[0-9]")', True),
    ('RegexMatch("salt3824908", "salt{1}")', True),
    ("RegexMatch(c.missing, 'a')", UNDEFINED),
]


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_string_functions(expression: str, expected: Any) -> None:
    assert value(expression) == expected


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|ab)*c", "((ab)*)*", "(x{2,})+", "(?:(a)*b)+"])
def test_patterns_that_could_take_exponential_time_are_refused(pattern: str) -> None:
    with pytest.raises(UnsupportedQueryError, match="repetition"):
        value(f"RegexMatch('{'a' * 40}', '{pattern}')")


@pytest.mark.parametrize("pattern", ["(ab)+c", "[(+]+", "(a|b)c", r"\\(a+\\)+"])
def test_other_groups_are_supported(pattern: str) -> None:
    assert value(f"RegexMatch('x', '{pattern}')") is False


def test_wrong_patterns_are_refused() -> None:
    with pytest.raises(InvalidQueryError, match="the regular expression is not valid"):
        value("RegexMatch('a', '(')")
    with pytest.raises(InvalidQueryError, match="the modifier 'g' is none of m, s, i, x"):
        value("RegexMatch('a', 'a', 'g')")


@pytest.mark.parametrize(
    "expression", ["c.x || c.x || c.x || c.x || c.x", "REPLACE(c.x, 'a', 'aaaaa')", "CONCAT(c.x, c.x, c.x, c.x, c.x)"]
)
def test_a_query_makes_no_string_of_more_than_4_million_characters(expression: str) -> None:
    with pytest.raises(InvalidQueryError, match="a string of more than 4194304 characters"):
        value(expression, {"x": "a" * 1_000_000})
