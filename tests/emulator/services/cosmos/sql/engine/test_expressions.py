"""Operators and expressions, with literal results."""

from typing import Any

import pytest

from tests.support.cosmos_queries import UNDEFINED, results, value

ITEM: dict[str, Any] = {
    "n": 5,
    "s": "text",
    "t": True,
    "z": None,
    "a": [1, "x", {"y": 2}],
    "o": {"p": {"q": 3}, "order": 4},
    "big": 9007199254740993,
}

# github.com/Azure/azure-cosmos-dotnet-v3, Microsoft.Azure.Cosmos.Tests/Query/OfflineEngine/ScalarExpressionEvaluator.cs
CASES: list[tuple[str, Any]] = [
    # Properties: https://learn.microsoft.com/cosmos-db/query/scalar-expressions
    ("c.o.p.q", 3),
    ('c["o"]["order"]', 4),
    ("c.a[2].y", 2),
    ("c.a[3]", UNDEFINED),
    ("c.a['0']", UNDEFINED),
    ("c.a[c.n - 4]", "x"),
    ("c.s.length", UNDEFINED),
    ("c.missing.x", UNDEFINED),
    ("c.z.x", UNDEFINED),
    ("{x: c.missing, y: 1}", {"y": 1}),
    # A live account: github.com/xo/dbimp, COSMOS.md
    ("[c.n, c.missing]", [5, None]),
    # Equality compares all types; order compares equal types only.
    ("c.n = 5.0", True),
    ("c.n = '5'", False),
    ("c.n != '5'", True),
    ("c.t = 1", False),
    ("c.z = null", True),
    ("c.z != 1", True),
    ("c.missing = null", UNDEFINED),
    ("c.missing != 1", UNDEFINED),
    ("undefined = undefined", UNDEFINED),
    ("c.a = [1, 'x', {y: 2}]", True),
    ("{a: 1, b: [true]} = {b: [true], a: 1}", True),
    ("{a: 1} = {a: true}", False),
    ("c.n < 6", True),
    ("c.n < '6'", UNDEFINED),
    ("'a' < 'b'", True),
    ("'B' < 'a'", True),
    ("false < true", True),
    ("null <= null", True),
    ("null < 1", UNDEFINED),
    ("[1] < [2]", UNDEFINED),
    # Logic: https://learn.microsoft.com/cosmos-db/query/logical-operators
    ("true AND c.missing", UNDEFINED),
    ("false AND c.missing", False),
    ("c.missing AND false", False),
    ("true OR c.missing", True),
    ("false OR c.missing", UNDEFINED),
    ("true AND 1", UNDEFINED),
    ("NOT c.missing", UNDEFINED),
    ("NOT 1", UNDEFINED),
    ("NOT c.t", False),
    # Arithmetic
    ("c.n + 1.5", 6.5),
    ("c.n + '1'", UNDEFINED),
    ("c.t + 1", UNDEFINED),
    ("7 / 2", 3.5),
    ("6 / 2", 3),
    ("-7 % 3", -1),
    ("7.5 % 2", 1.5),
    ("- c.n", -5),
    ("+ c.s", UNDEFINED),
    ("c.big + 1", 9007199254740994),
    ("9223372036854775807 + 1", 9.223372036854775808e18),
    ("0.1 + 0.2", 0.30000000000000004),
    ("5 & 3", 1),
    ("5 | 3", 7),
    ("5 ^ 3", 6),
    ("~5", -6),
    ("1 << 31", -2147483648),
    ("-8 >> 1", -4),
    ("-1 >>> 28", 15),
    ("2147483648 | 0", -2147483648),
    ("c.s & 1", UNDEFINED),
    ("c.s || '!'", "text!"),
    ("c.s || 1", UNDEFINED),
    # Coalescing and conditions
    ("c.missing ?? 1", 1),
    ("c.z ?? 1", None),
    ("c.t ? 'yes' : 'no'", "yes"),
    ("c.n ? 'yes' : 'no'", "no"),
    ("c.missing ? 'yes' : 'no'", "no"),
    # BETWEEN and IN: https://learn.microsoft.com/cosmos-db/query/keywords
    ("c.n BETWEEN 5 AND 6", True),
    ("c.n NOT BETWEEN 5 AND 6", False),
    ("c.s BETWEEN 'a' AND 'z'", True),
    ("c.n BETWEEN 'a' AND 'z'", UNDEFINED),
    ("c.n BETWEEN 9 AND 'z'", False),
    ("c.n IN (1, 5)", True),
    ("c.n NOT IN (1, '5')", True),
    ("c.t IN (1)", False),
    ("c.missing IN (1)", UNDEFINED),
    ("c.z IN (null)", True),
    ("c.o IN ({'order': 4, p: {q: 3}})", True),
    ("c.n IN (c.missing, c.n)", True),
    # LIKE: https://learn.microsoft.com/cosmos-db/query/keywords#like
    ("'driver x' LIKE '%driver%'", True),
    ("'Road-150' LIKE 'Road%'", True),
    ("'glove' LIKE '%love'", True),
    ("'SOaPS' LIKE '%SO_PS%'", True),
    ("'SOxPS' LIKE '%SO[t-z]PS%'", True),
    ("'SObPS' LIKE '%SO[t-z]PS%'", False),
    ("'SOdPS' LIKE '%SO[^abc]PS%'", True),
    ("'SObPS' LIKE '%SO[^abc]PS%'", False),
    ("'20%' LIKE '%20^%' ESCAPE '^'", True),
    ("'20x' LIKE '%20^%' ESCAPE '^'", False),
    ("'20-30%' LIKE '20-30[%]'", True),
    ("'_n' LIKE '[_]n'", True),
    ("'[' LIKE '[[]'", True),
    ("']' LIKE ']'", True),
    ("'a\nb' LIKE 'a%b'", True),
    ("'ab' LIKE 'A%'", False),
    ("'ab' NOT LIKE 'a%'", False),
    ("c.n LIKE '5'", UNDEFINED),
    ("'aXbXc' LIKE '%X%X%'", True),
    ("'ab' LIKE 'ab%b'", False),
    # Subqueries: https://learn.microsoft.com/cosmos-db/query/subquery
    ("EXISTS (SELECT VALUE undefined)", False),
    ("EXISTS (SELECT undefined)", True),
    ("EXISTS (SELECT VALUE x FROM x IN c.a WHERE x = 'x')", True),
    ("EXISTS (SELECT VALUE x FROM x IN c.s)", False),
    ("ARRAY(SELECT VALUE x.y FROM x IN c.a)", [2]),
    ("(SELECT VALUE COUNT(1) FROM x IN c.a)", 3),
    ("(SELECT VALUE SUM(x.y) FROM x IN c.a)", 2),
    ("(SELECT c.s WHERE c.n > 9).s", UNDEFINED),
    ("(SELECT c.s WHERE c.n < 9).s", "text"),
    ("FIRST(SELECT VALUE x FROM x IN c.a)", 1),
    ("LAST(SELECT VALUE x FROM x IN c.a)", {"y": 2}),
    ("FIRST(SELECT VALUE x FROM x IN c.missing)", UNDEFINED),
]


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_expressions(expression: str, expected: Any) -> None:
    result = value(expression.replace("\n", "\\n"), ITEM)
    assert result == expected
    assert isinstance(result, bool) == isinstance(expected, bool)


def test_a_parameter_without_a_value_is_undefined() -> None:
    """Recorded on a live account: github.com/xo/dbimp, COSMOS.md."""
    assert results("SELECT @a AS a, @b AS b", parameters={"@a": [1]}) == [{"a": [1]}]


def test_the_where_clause_accepts_true_only() -> None:
    items = [
        {"id": "1", "x": True},
        {"id": "2", "x": 1},
        {"id": "3", "x": "true"},
        {"id": "4"},
        {"id": "5", "x": False},
    ]
    assert results("SELECT VALUE c.id FROM c WHERE c.x", items) == ["1"]
    assert results("SELECT VALUE c.id FROM c WHERE NOT c.x", items) == ["5"]
    assert results("SELECT VALUE c.id FROM c WHERE c.x OR c.id = '4'", items) == ["1", "4"]
    assert results("SELECT VALUE c.id FROM c WHERE NOT (c.x = true)", items) == ["2", "3", "5"]


def test_like_takes_no_exponential_time() -> None:
    pattern = "%" + "a%" * 40 + "b"
    assert value("c.x LIKE c.p", {"x": "a" * 20_000, "p": pattern}) is False
