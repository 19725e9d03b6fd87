"""What is wrong with an ORDER BY RANK clause, with Azure's codes and texts.

Recorded: LinqFullTextBaselineTests in github.com/Azure/azure-cosmos-dotnet-v3. The code of the text about sort orders
is not known.
"""

from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.errors import InvalidQueryError
from emulator.services.cosmos.sql.values import is_number

_SCORING_FUNCTIONS = frozenset({"FULLTEXTSCORE", "VECTORDISTANCE"})


def check_rank(query: tree.Query, order_by: tree.OrderBy) -> None:
    """Raises InvalidQueryError if a query must not have this ORDER BY RANK clause."""
    for item in query.from_items:
        if isinstance(item, tree.FromArray):
            message = "The FROM clause with the IN operator is not allowed with the ORDER BY RANK clause."
            raise InvalidQueryError("SC2223", message)
        if isinstance(item, tree.FromSubquery):
            message = "Subqueries in the FROM clause are not allowed with the ORDER BY RANK clause."
            raise InvalidQueryError("SC2225", message)
    if len(query.from_items) != 1:
        raise InvalidQueryError("SC2224", "The JOIN operator is not allowed with the ORDER BY RANK clause.")
    if any(item.direction is not None for item in order_by.items):
        message = "Specifying a sort order (ASC or DESC) in the ORDER BY RANK clause is not allowed."
        raise InvalidQueryError("", message)
    call = order_by.items[0].expression
    if len(order_by.items) > 1 or not isinstance(call, tree.FunctionCall):
        raise _not_scoring(call)
    if call.name.upper() == "RRF":
        _check_fusion(call)
    elif call.name.upper() not in _SCORING_FUNCTIONS:
        raise _not_scoring(call)


def _check_fusion(call: tree.FunctionCall) -> None:
    scores = [argument for argument in call.arguments if isinstance(argument, tree.FunctionCall)]
    if len(scores) < 2 or any(score.name.upper() not in _SCORING_FUNCTIONS for score in scores):
        raise _not_scoring(call)
    rest = call.arguments[len(scores) :]
    if not rest:
        return
    weights = rest[0].items if len(rest) == 1 and isinstance(rest[0], tree.ArrayCreation) else ()
    is_first = call.arguments[: len(scores)] == tuple(scores)
    numbers = [weight for weight in weights if isinstance(weight, tree.Constant) and is_number(weight.value)]
    if not is_first or len(numbers) != len(scores) or len(weights) != len(scores):
        raise InvalidQueryError(
            "SC2229",
            "The last parameter of the RRF function is an optional array of weights. When present, it must be a literal"
            " array of numbers, one for each of the component scores used for the RRF function. The length of this"
            " array must be the same as the number of the component scores.",
            call.location,
        )


def _not_scoring(expression: tree.Expression) -> InvalidQueryError:
    message = "The ORDER BY RANK clause must be followed by a VectorDistance and/or a FullTextScore function call."
    location = expression.location if isinstance(expression, tree.FunctionCall) else None
    return InvalidQueryError("SC2221", message, location)
