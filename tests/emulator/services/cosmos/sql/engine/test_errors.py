"""What Azure refuses a query for, with its codes and texts, and what the emulator does not support."""

import pytest

from emulator.services.cosmos.sql.engine.compiler import compile_query
from emulator.services.cosmos.sql.errors import InvalidQueryError, UnsupportedQueryError
from emulator.services.cosmos.sql.parser import parse
from tests.support.cosmos_queries import results

# Recorded: QueryPlanBaselineTests.*, LinqGeneralBaselineTests.*, LinqFullTextBaselineTests.* in
# github.com/Azure/azure-cosmos-dotnet-v3, and github.com/Azure/azure-cosmos-dotnet-v2/issues.
INVALID: list[tuple[str, str | int, str]] = [
    ("SELECT BADFUNC(r.age) FROM Root r", "SC2005", "'BADFUNC' is not a recognized built-in function name."),
    ("SELECT d.x FROM c", "SC2001", "Identifier 'd' could not be resolved."),
    ("SELECT 1 FROM c JOIN d", "SC2001", "Identifier 'd' could not be resolved."),
    ("SELECT 1 FROM c JOIN t IN d.tags", "SC2001", "Identifier 'd' could not be resolved."),
    ("SELECT VALUE EXISTS(SELECT 1 FROM d) FROM c", "SC2001", "Identifier 'd' could not be resolved."),
    ("SELECT Families.x FROM Families f", "SC2001", "Identifier 'Families' could not be resolved."),
    (
        "SELECT * FROM Root r WHERE STARTSWITH(r.key, 'a', 'b', 'c')",
        "SC2050",
        "The STARTSWITH function requires 2 to 3 argument(s).",
    ),
    (
        "SELECT ARRAY_CONTAINS_ANY(c.a) FROM c",
        "SC2050",
        "The ARRAY_CONTAINS_ANY function requires at least 2 argument(s).",
    ),
    ("SELECT UPPER() FROM c", "SC2050", "The UPPER function requires 1 argument(s)."),
    (
        "SELECT VALUE MAX(MIN(r)) From r",
        "SC2101",
        "Cannot perform an aggregate function on an expression containing an aggregate or a subquery.",
    ),
    ("SELECT * FROM c GROUP BY c.age", "SC2041", "'SELECT *' is not allowed with GROUP BY."),
    (
        "SELECT c.name, s.score, Count(1) AS count FROM c JOIN s IN c.s GROUP BY c.name",
        "SC2102",
        (
            "Property reference 's.score' is invalid in the select list because it is not contained in either an"
            " aggregate function or the GROUP BY clause."
        ),
    ),
    (
        "SELECT COUNT(1) AS n, c.x FROM c",
        "SC2102",
        (
            "Property reference 'c.x' is invalid in the select list because it is not contained in either an"
            " aggregate function or the GROUP BY clause."
        ),
    ),
    (
        "SELECT VALUE ARRAY(SELECT VALUE t FROM t IN c.t ORDER BY t) FROM c",
        "SC2202",
        "'ORDER BY' is not supported in subqueries.",
    ),
    (
        "SELECT VALUE ARRAY(SELECT TOP 1 VALUE t FROM t IN c.t) FROM c",
        "SC2203",
        "'TOP' is not supported in subqueries.",
    ),
    (
        "SELECT VALUE ARRAY(SELECT VALUE t FROM t IN c.t OFFSET 0 LIMIT 1) FROM c",
        "SC2204",
        "'OFFSET LIMIT' clause is not supported in subqueries.",
    ),
    (
        "SELECT * FROM root ORDER BY LOWER(root.field) ASC",
        2206,
        "Unsupported ORDER BY clause. ORDER BY item expression could not be mapped to a document path.",
    ),
    (
        "SELECT VALUE c.id FROM c JOIN (SELECT VALUE ARRAY_LENGTH(c.tags)) AS n ORDER BY n",
        2206,
        "Unsupported ORDER BY clause. ORDER BY item expression could not be mapped to a document path.",
    ),
    (
        "SELECT {a: c.x}['a'], {a: c.y}['a'] AS b FROM c GROUP BY c.x",
        "SC2102",
        (
            "Property reference 'c.y' is invalid in the select list because it is not contained in either an"
            " aggregate function or the GROUP BY clause."
        ),
    ),
    ("SELECT TOP 1.5 * FROM c", "SC2060", "The count value provided for a TOP clause must be an integer."),
    (
        "SELECT * FROM c OFFSET 4294967296 LIMIT 1",
        "SC2062",
        "The OFFSET count value exceeds the maximum allowed value.",
    ),
    ("SELECT * FROM c OFFSET 1 LIMIT 4294967296", "SC2061", "The LIMIT count value exceeds the maximum allowed value."),
    ("SELECT * FROM c JOIN t IN c.tags", "SC2040", "'SELECT *' is only valid with a single input set."),
    ("SELECT *", "SC2039", "'SELECT *' is not valid if FROM clause is omitted."),
    ("SELECT c.a AS x, c.b AS x FROM c", "SC2022", "The name 'x' is specified more than once in the SELECT clause."),
    ("SELECT 1 FROM c JOIN c IN c.x", "", "The input alias 'c' is specified more than once in the FROM clause."),
    (
        "SELECT 1 FROM c" + "".join(f" JOIN t{number} IN c.t" for number in range(11)),
        "SC3021",
        "The SQL query exceeded the maximum number of joins. The allowed limit is 10.",
    ),
    (
        "SELECT FullTextScore(c.x, 'a') FROM c",
        "SC2240",
        "The FullTextScore function is only allowed in the ORDER BY RANK clause.",
    ),
    ("SELECT RRF(1, 2) FROM c", "SC2005", "'RRF' is not a recognized built-in function name."),
    (
        "SELECT * FROM t IN c.tags ORDER BY RANK FullTextScore(t.x, 'a')",
        "SC2223",
        "The FROM clause with the IN operator is not allowed with the ORDER BY RANK clause.",
    ),
    (
        "SELECT 1 FROM c JOIN d ORDER BY RANK FullTextScore(c.x, 'a')",
        "SC2224",
        "The JOIN operator is not allowed with the ORDER BY RANK clause.",
    ),
    (
        "SELECT * FROM (SELECT * FROM c) d ORDER BY RANK FullTextScore(d.x, 'a')",
        "SC2225",
        "Subqueries in the FROM clause are not allowed with the ORDER BY RANK clause.",
    ),
    (
        "SELECT ARRAY(SELECT 1 ORDER BY RANK FullTextScore(c.x, 'a')) FROM c",
        "SC2228",
        "The ORDER BY RANK clause is not supported in subqueries.",
    ),
    (
        "SELECT * FROM c ORDER BY RANK UPPER(c.x)",
        "SC2221",
        "The ORDER BY RANK clause must be followed by a VectorDistance and/or a FullTextScore function call.",
    ),
    (
        "SELECT * FROM c ORDER BY RANK FullTextScore(c.x, 'a') DESC",
        "",
        "Specifying a sort order (ASC or DESC) in the ORDER BY RANK clause is not allowed.",
    ),
    (
        "SELECT * FROM c ORDER BY RANK RRF(FullTextScore(c.x, 'a'), FullTextScore(c.y, 'a'), [1, 2, 3])",
        "SC2229",
        (
            "The last parameter of the RRF function is an optional array of weights. When present, it must be a"
            " literal array of numbers, one for each of the component scores used for the RRF function. The length"
            " of this array must be the same as the number of the component scores."
        ),
    ),
    (
        "SELECT TOP 1 * FROM c ORDER BY VectorDistance(c.v, [1]) ASC",
        "",
        "Specifying a sorting order (ASC or DESC) with VectorDistance function is not supported.",
    ),
    (
        "SELECT VectorDistance(c.v, [1], false, {searchListSizeMultiplier: -100}) FROM c",
        "SC2213",
        (
            "The 'searchListSizeMultiplier' value -100 specified in the VectorDistance function is outside the"
            " supported range. The value must be between 1 and 100."
        ),
    ),
    ("SELECT * FROM c WHERE COUNT(1) > 1", "", "The aggregate function COUNT is allowed in the SELECT clause only."),
    ("SELECT c.x FROM c GROUP BY c.x ORDER BY c.x", "", "'ORDER BY' is not supported with 'GROUP BY'."),
    (
        "SELECT 1 FROM c GROUP BY COUNT(1)",
        "",
        "The GROUP BY clause must not contain aggregate functions or subqueries.",
    ),
    ("SELECT c.x LIKE 'a' ESCAPE 'bc' FROM c", "", "The ESCAPE of LIKE must be one character, not 'bc'."),
]


@pytest.mark.parametrize(("text", "code", "message"), INVALID)
def test_invalid_queries_are_refused_before_they_run(text: str, code: str | int, message: str) -> None:
    with pytest.raises(InvalidQueryError) as caught:
        compile_query(parse(text))
    assert (caught.value.code, caught.value.message) == (code, message)
    assert caught.value.status == 400


LOCATIONS = [
    ("SELECT BADFUNC(r.age) FROM Root r", (7, 14)),
    ("SELECT * FROM Root r WHERE STARTSWITH(r.key, 'a', 'b', 'c')", (27, 59)),
    ("SELECT VALUE MAX(MIN(r)) From r", (13, 24)),
]


@pytest.mark.parametrize(("text", "location"), LOCATIONS)
def test_the_location_of_an_error(text: str, location: tuple[int, int]) -> None:
    with pytest.raises(InvalidQueryError) as caught:
        compile_query(parse(text))
    assert caught.value.location is not None
    assert (caught.value.location.start, caught.value.location.end) == location


UNSUPPORTED = [
    ("SELECT ST_DISTANCE(c.a, c.b) FROM c", "The emulator's queries do not support the function ST_DISTANCE."),
    ("SELECT RAND()", "The emulator's queries do not support the function RAND."),
    ("SELECT udf.tax(c.x) FROM c", "The emulator's queries do not support user-defined functions: udf.tax."),
    ("SELECT ALL(SELECT 1)", "The emulator's queries do not support ALL(SELECT …)."),
    (
        "SELECT FullTextContains(c.x, {term: 'a', distance: 1}) FROM c",
        "The emulator's full-text search does not support fuzzy search.",
    ),
]


@pytest.mark.parametrize(("text", "message"), UNSUPPORTED)
def test_what_the_emulator_does_not_support(text: str, message: str) -> None:
    with pytest.raises(UnsupportedQueryError) as caught:
        compile_query(parse(text))
    assert str(caught.value) == message
    assert caught.value.status == 501


@pytest.mark.parametrize("expression", ["1 / 0", "0 / 0", "[1, {a: SQRT(-1)}]", "1e308 * 10", "1 % 0"])
def test_a_result_that_json_cannot_hold_is_refused(expression: str) -> None:
    with pytest.raises(InvalidQueryError, match="infinite or not a number") as caught:
        results(f"SELECT VALUE {expression}")
    assert caught.value.code == 4001


def test_an_infinite_value_from_a_subquery_in_from_is_refused() -> None:
    for text in ("SELECT VALUE n FROM (SELECT VALUE 1 / 0) AS n", "SELECT * FROM n IN (SELECT VALUE [1 / 0])"):
        with pytest.raises(InvalidQueryError, match="infinite or not a number"):
            results(text)


def test_a_scalar_subquery_has_one_result_at_most() -> None:
    with pytest.raises(InvalidQueryError, match="cannot be greater than one"):
        results("SELECT VALUE (SELECT VALUE t FROM t IN c.tags) FROM c", [{"tags": [1, 2]}])


@pytest.mark.parametrize("count", [-1, 1.5, "1", True, None, 2**40])
def test_wrong_counts_as_parameters(count: object) -> None:
    with pytest.raises(InvalidQueryError, match="TOP clause must be an integer"):
        results("SELECT TOP @n * FROM c", [], {"@n": count})
