"""Mathematical functions. Most cases are the documentation's: https://learn.microsoft.com/cosmos-db/query/functions."""

from typing import Any

import pytest

from tests.support.cosmos_queries import UNDEFINED, value

CASES: list[tuple[str, Any]] = [
    ("ABS(-1.5)", 1.5),
    ("ABS(null)", UNDEFINED),
    ("ACOS(-1)", 3.141592653589793),
    ("ASIN(-1)", -1.5707963267948966),
    ("ATAN(-45.01)", -1.5485826962062663),
    ("ATN2(35.175643, 129.44)", 0.265344532064832),
    ("CEILING(123.45)", 124),
    ("CEILING(-123.45)", -123),
    ("FLOOR(-123.45)", -124),
    ("COS(14.78)", -0.5994654261946543),
    ("COT(124.1332)", -0.040311998371148884),
    ("DEGREES(PI())", 180),
    ("RADIANS(180)", 3.141592653589793),
    ("EXP(0)", 1),
    ("LOG(5)", 1.6094379124341003),
    ("LOG(2, 10)", 0.30102999566398114),
    ("LOG10(100)", 2),
    ("PI()", 3.141592653589793),
    ("POWER(5, 5)", 3125),
    ("POWER(null, 3)", UNDEFINED),
    ("ROUND(2.5)", 3),
    ("ROUND(2.4)", 2),
    ("ROUND(-2.5)", -3),
    ("ROUND(9007199254740993)", 9007199254740993),
    ("SIGN(-2)", -1),
    ("SIGN(0)", 0),
    ("SIN(45.175643)", 0.929607286611012),
    ("SQRT(9)", 3),
    ("SQUARE(3)", 9),
    ("TAN(PI()/2) > 1", True),
    ("TRUNC(-2.78)", -2),
    ("IntAdd(20, 10)", 30),
    ("IntSub(20, 10)", 10),
    ("IntMul(5, 2)", 10),
    ("IntMul(9223372036854775807, 2)", UNDEFINED),
    ("IntDiv(10, -2)", -5),
    ("IntDiv(-7, 2)", -3),
    ("IntDiv(10, 0)", UNDEFINED),
    ("IntDiv(10, 0.1)", UNDEFINED),
    ("IntMod(12, -5)", 2),
    ("IntMod(-12, -5)", -2),
    ("IntMod(12, 0)", UNDEFINED),
    ("IntBitAnd(15, 25)", 9),
    ("IntBitOr(56, 100)", 124),
    ("IntBitXor(56, 100)", 92),
    ("IntBitNot(65)", -66),
    ("IntBitLeftShift(16, 4)", 256),
    ("IntBitLeftShift(16, 0.4)", UNDEFINED),
    ("IntBitLeftShift(1, 63)", -9223372036854775808),
    ("IntBitRightShift(16, 4)", 1),
    ("IntBitRightShift(16, 64)", UNDEFINED),
]


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_mathematical_functions(expression: str, expected: Any) -> None:
    result = value(expression)
    assert result == (expected if isinstance(expected, str | bool) else pytest.approx(expected, rel=1e-14))


@pytest.mark.parametrize(
    "expression", ["SQRT(-1)", "ACOS(2)", "LOG(-1)", "LOG10(0)", "EXP(1000)", "POWER(0, -1)", "POWER(10, 400)"]
)
def test_results_outside_of_the_domain_are_not_finite(expression: str) -> None:
    assert value(f"IS_NUMBER({expression})") is True
    assert value(f"IS_FINITE_NUMBER({expression})") is False
