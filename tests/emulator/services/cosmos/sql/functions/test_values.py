"""Functions of types, conversions and arrays: https://learn.microsoft.com/cosmos-db/query/functions."""

from typing import Any

import pytest

from tests.support.cosmos_queries import UNDEFINED, value

TYPES: list[tuple[str, Any]] = [
    ("IS_ARRAY([])", True),
    ("IS_ARRAY({})", False),
    ("IS_ARRAY(c.missing)", False),
    ("IS_BOOL(false)", True),
    ("IS_BOOL(0)", False),
    ("IS_DEFINED(null)", True),
    ("IS_DEFINED(c.missing)", False),
    ("IS_DEFINED(undefined)", False),
    ("IS_FINITE_NUMBER(1234.567)", True),
    ("IS_FINITE_NUMBER(8.9 / 0.0)", False),
    ("IS_FINITE_NUMBER('1')", False),
    ("IS_INTEGER(5523432)", True),
    ("IS_INTEGER(3454.123)", False),
    ("IS_INTEGER(2.0)", True),
    ("IS_INTEGER(-9223372036854775808)", True),
    ("IS_INTEGER(18446744073709551615)", False),
    ("IS_NULL(null)", True),
    ("IS_NULL(c.missing)", False),
    ("IS_NUMBER(1)", True),
    ("IS_NUMBER(true)", False),
    ("IS_OBJECT({})", True),
    ("IS_OBJECT(null)", False),
    ("IS_STRING('')", True),
    ("IS_PRIMITIVE(null)", True),
    ("IS_PRIMITIVE([])", False),
    ("IS_PRIMITIVE(c.missing)", False),
    ("IIF(true, 123, 456)", 123),
    ("IIF(123, 123, 456)", 456),
    ("IIF(c.missing, 123, 456)", 456),
]

CONVERSIONS: list[tuple[str, Any]] = [
    ("ToString(125)", "125"),
    ("ToString(0.1234)", "0.1234"),
    ("ToString(1.0)", "1"),
    ("ToString(false)", "false"),
    ("ToString(null)", "null"),
    ("ToString([1, 2, 3])", "[1,2,3]"),
    ('ToString({"department": "Bicycles"})', '{"department":"Bicycles"}'),
    ("ToString('Hello World')", "Hello World"),
    ("ToString(undefined)", UNDEFINED),
    ("ToString(NaN)", "NaN"),
    ("ToString(Infinity)", "Infinity"),
    ("ToString(-1 / 0)", "-Infinity"),
    ("StringToNumber('3.14')", 3.14),
    ("StringToNumber('   60   ')", 60),
    ("StringToNumber('-1.79769e+308')", -1.79769e308),
    ("StringToNumber('Hello')", UNDEFINED),
    ("StringToNumber('0x10')", UNDEFINED),
    ("StringToNumber('1_000')", UNDEFINED),
    ("StringToNumber(null)", UNDEFINED),
    ("StringToBoolean('  false  ')", False),
    ("StringToBoolean('True')", UNDEFINED),
    ("StringToNull('  null  ')", None),
    ("StringToNull('NULL')", UNDEFINED),
    ("StringToArray('[ \"coats\", null ]')", ["coats", None]),
    ("StringToArray('{}')", UNDEFINED),
    ("StringToArray(\"[ 'coats' ]\")", UNDEFINED),
    ("StringToArray('[NaN]')", UNDEFINED),
    ('StringToObject(\'{"division": {"name": "Sales"}}\')', {"division": {"name": "Sales"}}),
    ("StringToObject('[]')", UNDEFINED),
]

ARRAYS: list[tuple[str, Any]] = [
    ("ARRAY_CONCAT([1], [2, 3], [])", [1, 2, 3]),
    ("ARRAY_CONCAT([1], 2)", UNDEFINED),
    ("ARRAY_CONTAINS(['coats', 'jackets'], 'coats')", True),
    ("ARRAY_CONTAINS(['coats', 'jackets'], 'hoodies')", False),
    ("ARRAY_CONTAINS([1], true)", False),
    ("ARRAY_CONTAINS([{a: 1, b: 2}], {b: 2, a: 1})", True),
    ("ARRAY_CONTAINS([{a: 1, b: 2}], {a: 1})", False),
    ("ARRAY_CONTAINS([{a: 1, b: 2}], {a: 1}, true)", True),
    ("ARRAY_CONTAINS([{a: 1, b: 2}], {a: 2, b: 2}, true)", False),
    ("ARRAY_CONTAINS([1, 2], 1, true)", True),
    ("ARRAY_CONTAINS('abc', 'a')", UNDEFINED),
    ("ARRAY_CONTAINS([1], c.missing)", UNDEFINED),
    ("ARRAY_CONTAINS_ANY([1, true, '3'], 5, '3')", True),
    ("ARRAY_CONTAINS_ANY([1, true, '3'], 5, 3)", False),
    ("ARRAY_CONTAINS_ALL([1, true, '3'], '3', 1)", True),
    ("ARRAY_CONTAINS_ALL([1, true, '3'], '3', 2)", False),
    ("ARRAY_LENGTH([1, 2])", 2),
    ("ARRAY_LENGTH('ab')", UNDEFINED),
    ("ARRAY_SLICE([70, 86, 92, 99], 1)", [86, 92, 99]),
    ("ARRAY_SLICE([70, 86, 92, 99], -2, 1)", [92]),
    ("ARRAY_SLICE([70, 86, 92, 99], -9, 2)", [70, 86]),
    ("ARRAY_SLICE([70, 86, 92, 99], 0, 12)", [70, 86, 92, 99]),
    ("ARRAY_SLICE([70, 86, 92, 99], 9)", []),
    ("ARRAY_SLICE([70, 86, 92, 99], 1, -1)", []),
    ("ARRAY_SLICE([70, 86, 92, 99], 0.5)", UNDEFINED),
    ("CHOOSE(1, 'abc', 1, true)", "abc"),
    ("CHOOSE(0, 'abc', 1)", UNDEFINED),
    ("CHOOSE(3, 'abc', 1)", UNDEFINED),
    ("ObjectToArray({a: '12345', b: '67890'})", [{"k": "a", "v": "12345"}, {"k": "b", "v": "67890"}]),
    ("ObjectToArray({a: 1}, 'name', 'value')", [{"name": "a", "value": 1}]),
    ("ObjectToArray([1])", UNDEFINED),
    ("SetIntersect([1, 2, 3, 4], [3, 4, 5, 6])", [3, 4]),
    ("SetIntersect([1, 2, 3, 4], [1, 1, 1, 1])", [1]),
    ("SetIntersect([1, true], ['1', true])", [True]),
    ("SetUnion([1, 2, 3, 4], [3, 4, 5, 6])", [1, 2, 3, 4, 5, 6]),
    ("SetUnion([1, 2, 'A', 'B'], ['A', 1])", [1, 2, "A", "B"]),
    ("SetUnion([1, true], [{a: 1}, {a: 1}])", [1, True, {"a": 1}]),
]


@pytest.mark.parametrize(("expression", "expected"), [*TYPES, *CONVERSIONS, *ARRAYS])
def test_functions(expression: str, expected: Any) -> None:
    result = value(expression)
    assert result == expected
    assert type(result) is type(expected)
