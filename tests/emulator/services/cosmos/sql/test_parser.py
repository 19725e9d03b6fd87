"""Text to tree, and tree to text."""

import contextlib
import inspect
import re
from pathlib import Path

import pytest

from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.errors import InvalidQueryError
from emulator.services.cosmos.sql.parser import parse
from emulator.services.cosmos.sql.printer import to_sql
from emulator.services.cosmos.sql.tree_builder import TreeBuilder


def where(text: str) -> str:
    """How an expression is printed: each operation in parentheses."""
    expression = parse(f"SELECT * FROM c WHERE {text}").where
    assert expression is not None
    return to_sql(expression)


PRECEDENCE = [
    # github.com/microsoft/vscode-cosmosdb, packages/nosql-language-service/docs/cpp-parity.md, and
    # ScalarExpressionSqlParserBaselineTests.OrderOfOperation in github.com/Azure/azure-cosmos-dotnet-v3
    ("1 ? 2 ?? 3 : 4", "(1 ? (2 ?? 3) : 4)"),
    ("a ? b : c ? d : e", "(a ? b : (c ? d : e))"),
    ("a ?? b ? c : d", "((a ?? b) ? c : d)"),
    ("a ?? b ?? c", "(a ?? (b ?? c))"),
    ("true ?? false AND true", "(true ?? (false AND true))"),
    ("1 = 2 ?? 3", "((1 = 2) ?? 3)"),
    ("c.name = 'John' AND c.age = 42", '((c.name = "John") AND (c.age = 42))'),
    ("a OR b AND c OR d", "(a OR (b AND c) OR d)"),
    ("(a AND b) AND c", "(a AND b AND c)"),
    ("(a OR b) AND c", "((a OR b) AND c)"),
    ("a = b = c", "((a = b) = c)"),
    ("1 < 2 << 3 != 4", "(((1 < 2) << 3) != 4)"),
    ("1 = 2 || 3", "(1 = (2 || 3))"),
    ("1 || 2 + 3", "(1 || (2 + 3))"),
    ("1 | 2 + 3", "((1 | 2) + 3)"),
    ("1 + 2 | 3", "((1 + 2) | 3)"),
    ("1 & 2 ^ 3 - 4", "(((1 & 2) ^ 3) - 4)"),
    ("1 + 2 * 3", "(1 + (2 * 3))"),
    ("1 * 2 / 3 % 4", "(((1 * 2) / 3) % 4)"),
    ("-2 < 1", "(-2 < 1)"),
    ("-c.x + -1", "((- c.x) + -1)"),
    ("NOT 1 = 2", "((NOT 1) = 2)"),
    ("NOT c.x IN (1, 2)", "((NOT c.x) IN (1, 2))"),
    ("NOT IS_DEFINED(c.x) AND d", "((NOT IS_DEFINED(c.x)) AND d)"),
    ('true ? {"x": 1} : {"x": 2}.x', '(true ? {"x": 1} : {"x": 2}.x)'),
    ("c.x NOT BETWEEN 1 + 1 AND 2", "(c.x NOT BETWEEN (1 + 1) AND 2)"),
    ("(c.x BETWEEN 1 AND 2) AND c.y = 3", "((c.x BETWEEN 1 AND 2) AND (c.y = 3))"),
    ("c.x NOT IN (1, 'x') OR b", '((c.x NOT IN (1, "x")) OR b)'),
    ("c.x LIKE 'a' || '%' ESCAPE '!' AND b", '((c.x LIKE ("a" || "%") ESCAPE "!") AND b)'),
    ("1 >>> 2 >> 3 <> 4", "(((1 >>> 2) >> 3) != 4)"),
    ("~1 = +2", "((~ 1) = (+ 2))"),
    ("c.arr[2 + 2]", "c.arr[(2 + 2)]"),
]


@pytest.mark.parametrize(("text", "printed"), PRECEDENCE)
def test_precedence(text: str, printed: str) -> None:
    assert where(text) == printed
    assert where(printed) == printed


def test_a_query_with_every_clause() -> None:
    text = (
        "select distinct top 5 c.id, {a: t.name, 'b c': [1, @p]} as x, UPPER(c.y) 'z z' from root as c join t in c.tags"
        " join (select value u from u in t.parts) s where udf.f(c['order'].z[0], c.a[@i]) group by c.id, t.name"
        " order by c.id desc, t.name offset @o limit 10 -- comment"
    )
    assert to_sql(parse(text)) == (
        'SELECT DISTINCT TOP 5 c.id, {"a": t.name, "b c": [1, @p]} AS x, UPPER(c.y) AS "z z"\n'
        "FROM root AS c JOIN t IN c.tags JOIN (SELECT VALUE u FROM u IN t.parts) AS s\n"
        'WHERE udf.f(c["order"].z[0], c.a[@i])\n'
        "GROUP BY c.id, t.name\n"
        "ORDER BY c.id DESC, t.name\n"
        "OFFSET @o LIMIT 10"
    )
    assert parse(to_sql(parse(text))) == parse(text)


def test_order_by_rank() -> None:
    text = (
        'SELECT TOP 10 c.rank\nFROM c\nORDER BY RANK RRF(FullTextScore(c.text, "a"), VectorDistance(c.v, [1]), [2, -1])'
    )
    query = parse(text)
    assert query.order_by is not None
    assert query.order_by.rank
    assert to_sql(query) == text
    ordinary = parse("SELECT * FROM rank ORDER BY rank")
    assert ordinary.order_by == tree.OrderBy(items=(tree.OrderItem(expression=tree.Identifier("rank")),))


CONSTANTS = [
    # https://learn.microsoft.com/cosmos-db/query/constants
    ("1", 1),
    ("-1", -1),
    ("1.0", 1),
    (".5", 0.5),
    ("1e3", 1000),
    ("9223372036854775807", 9223372036854775807),
    ("9223372036854775808", 9.223372036854775808e18),
    ("true", True),
    ("null", None),
    ("'it\\'s \"x\" \\u00e4\\n'", 'it\'s "x" ä\n'),
    ('"\\uD83D\\uDE00"', "😀"),
]


@pytest.mark.parametrize(("text", "value"), CONSTANTS)
def test_constants(text: str, value: object) -> None:
    projection = parse(f"SELECT VALUE {text}").select.projection
    assert isinstance(projection, tree.SelectValue)
    assert isinstance(projection.expression, tree.Constant)
    assert projection.expression.value == value
    assert type(projection.expression.value) is type(value)


SYNTAX_ERRORS = [
    # Recorded responses: github.com/dotnet/efcore/issues/33858, github.com/Azure/azure-cosmos-dotnet-v2/issues/858,
    # QueryPlanBaselineTests in github.com/Azure/azure-cosmos-dotnet-v3, and github.com/xo/dbimp (codes of a live
    # account). Not verified: the texts of SC1002 and SC1011.
    (
        'SELECT CONTAINS(c["CompanyName"], c["ContactName"]) AS Value',
        "SC1001",
        (55, 60),
        "Syntax error, incorrect syntax near 'Value'.",
    ),
    ("SELECT TOP -1 * FROM c", "SC1001", (11, 12), "Syntax error, incorrect syntax near '-'."),
    ("SELECT c.order FROM c", "SC1001", (9, 14), "Syntax error, incorrect syntax near 'order'."),
    ("SELECT c.x FROM c WHERE c.x = 5d", "SC1012", (30, 32), "Syntax error, invalid numeric value token '5d'."),
    ("SELECT 'a\\q'", "SC1011", (7, 12), "Syntax error, invalid string literal token ''a\\q''."),
    ("SELECT 1e999", "SC1012", (7, 12), "Syntax error, invalid numeric value token '1e999'."),
    ("SELECT ROW_NUMBER() OVER(ORDER BY c.x)", "SC1001", (20, 24), "Syntax error, incorrect syntax near 'OVER'."),
    (
        "SELECT * FROM c WHERE c.x BETWEEN 1 AND 2 AND c.y",
        "SC1001",
        (42, 45),
        "Syntax error, incorrect syntax near 'AND'.",
    ),
    ("SELECT * FROM c;", "SC1010", (15, 16), "Syntax error, invalid token ';'."),
    ("SELECT /* x */ 1", "SC1001", (7, 8), "Syntax error, incorrect syntax near '/'."),
    ("", "SC1002", (0, 0), "Syntax error, unexpected end of the query."),
    ("SELECT * FROM", "SC1002", (13, 13), "Syntax error, unexpected end of the query."),
]


@pytest.mark.parametrize(("text", "code", "location", "message"), SYNTAX_ERRORS)
def test_syntax_errors(text: str, code: str, location: tuple[int, int], message: str) -> None:
    with pytest.raises(InvalidQueryError) as caught:
        parse(text)
    error = caught.value
    assert (error.code, error.message) == (code, message)
    assert error.location is not None
    assert (error.location.start, error.location.end) == location


def test_the_message_of_a_response() -> None:
    with pytest.raises(InvalidQueryError) as caught:
        parse("SELECT FROM c")
    assert caught.value.response_message() == (
        '{"errors":[{"severity":"Error","location":{"start":7,"end":11},"code":"SC1001",'
        '"message":"Syntax error, incorrect syntax near \'FROM\'."}]}'
    )


def test_a_query_that_is_too_long() -> None:
    with pytest.raises(InvalidQueryError, match="exceeded the maximum limit of 524288 characters"):
        parse("SELECT VALUE '" + "x" * 524288 + "'")


@pytest.mark.parametrize(
    "text", ["(" * 5000 + "1" + ")" * 5000, "- " * 5000 + "c.x", "c" + ".a" * 5000, "1" + "+1" * 5000]
)
def test_deep_queries_are_parsed_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidQueryError):
        parse(f"SELECT VALUE {text} FROM c")


def test_the_error_of_a_deep_query() -> None:
    with pytest.raises(InvalidQueryError, match=r"^The query nests deeper than 128 levels\.$"):
        parse("SELECT VALUE c" + ".a" * 200 + " FROM c")


def test_many_conditions_are_not_deep() -> None:
    text = " OR ".join(f"c.id = '{number}'" for number in range(2000))
    expression = parse(f"SELECT * FROM c WHERE {text}").where
    assert isinstance(expression, tree.Logical)
    assert len(expression.operands) == 2000


def test_each_rule_of_the_grammar_has_its_method() -> None:
    """Lark puts a tree of its own where a method is missing."""
    grammar = Path(inspect.getfile(TreeBuilder)).with_name("grammar.lark").read_text()
    rules = set(re.findall(r"-> (\w+)", grammar)) | set(re.findall(r"^([a-z_]+):", grammar, re.MULTILINE))
    aliased_only = {"select_item", "path_step", "score_item", "object_property"}
    assert {rule for rule in rules - aliased_only if not hasattr(TreeBuilder, rule)} == set()


def test_the_path_of_a_from_clause() -> None:
    query = parse("SELECT * FROM c['order'].x[2] AS d")
    assert query.from_items == (tree.FromPath(root="c", path=("order", "x", 2), alias="d"),)
