"""The mutation operators: a choice of cosmic-ray's, and those of `replacement_operators`."""

from typing import Any

from cosmic_ray.operators.provider import OperatorProvider

from checks.mutants.replacement import MutationOperator
from checks.mutants.replacement_operators import (
    RemoveElement,
    RemoveKeywordArgument,
    RemoveOperand,
    RemoveSlice,
    RemoveStatement,
    RemoveTextMethod,
    ReplaceException,
    ReplaceFunction,
    ReplaceMembership,
    ReplaceReturnWithNone,
    ReplaceString,
)

# cosmic-ray replaces each arithmetic operator by eleven others; one is enough, because the tests that notice it notice
# the others as well. Comparisons are moved by their boundary, and negated.
_CORE = (
    "ReplaceBinaryOperator_Add_Sub",
    "ReplaceBinaryOperator_Sub_Add",
    "ReplaceBinaryOperator_Mul_Div",
    "ReplaceBinaryOperator_Div_Mul",
    "ReplaceBinaryOperator_FloorDiv_Div",
    "ReplaceBinaryOperator_Mod_Mul",
    "ReplaceBinaryOperator_Pow_Mul",
    "ReplaceBinaryOperator_LShift_RShift",
    "ReplaceBinaryOperator_RShift_LShift",
    "ReplaceBinaryOperator_BitOr_BitAnd",
    "ReplaceBinaryOperator_BitAnd_BitOr",
    "ReplaceComparisonOperator_Eq_NotEq",
    "ReplaceComparisonOperator_NotEq_Eq",
    "ReplaceComparisonOperator_Lt_LtE",
    "ReplaceComparisonOperator_LtE_Lt",
    "ReplaceComparisonOperator_Gt_GtE",
    "ReplaceComparisonOperator_GtE_Gt",
    "ReplaceComparisonOperator_Is_IsNot",
    "ReplaceComparisonOperator_IsNot_Is",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceUnaryOperator_Delete_USub",
    "AddNot",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "NumberReplacer",
    "RemoveDecorator",
    "ZeroIterationForLoop",
)


def operators() -> dict[str, MutationOperator]:
    """Return the operators by name."""
    provider: Any = OperatorProvider()
    own: list[type[MutationOperator]] = [
        RemoveElement,
        RemoveKeywordArgument,
        RemoveOperand,
        RemoveSlice,
        RemoveStatement,
        RemoveTextMethod,
        ReplaceException,
        ReplaceFunction,
        ReplaceMembership,
        ReplaceReturnWithNone,
        ReplaceString,
    ]
    by_name: dict[str, MutationOperator] = {name: provider[name]() for name in _CORE}
    by_name.update({operator.__name__: operator() for operator in own})
    return by_name
