"""From a function call in the syntax tree to a closure."""

from collections.abc import Callable, Sequence

from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.errors import InvalidQueryError, Location, UnsupportedQueryError
from emulator.services.cosmos.sql.functions.definition import Function
from emulator.services.cosmos.sql.functions.registry import FUNCTIONS, UNSUPPORTED
from emulator.services.cosmos.sql.functions.search import SEARCH_FUNCTIONS, SearchFunction
from emulator.services.cosmos.sql.runtime.aggregates import AGGREGATE_NAMES
from emulator.services.cosmos.sql.runtime.options import Options
from emulator.services.cosmos.sql.runtime.scope import AggregateCall, Compiled, Evaluate, Row, Scope, constant, folded
from emulator.services.cosmos.sql.values import Value

type CompileExpression = Callable[[tree.Expression, Scope], Compiled]


class FunctionCompiler:
    """Compiles function calls; `ticks` is the time of the query."""

    def __init__(self, options: Options, ticks: int, compile_expression: CompileExpression) -> None:
        self._options = options
        self._ticks = ticks
        self._compile = compile_expression

    def compile(self, call: tree.FunctionCall, scope: Scope) -> Compiled:
        """The closure of a call.

        Raises InvalidQueryError for an unknown function or a wrong number of arguments, UnsupportedQueryError for a
        function of Azure that the emulator does not have.
        """
        name = call.name.upper()
        if name in AGGREGATE_NAMES:
            return self._aggregate(name, call, scope)
        search = SEARCH_FUNCTIONS.get(name)
        if search is not None:
            return self._search(search, call, scope)
        if name == "FULLTEXTSCORE":
            message = "The FullTextScore function is only allowed in the ORDER BY RANK clause."
            raise InvalidQueryError("SC2240", message, call.location)
        function = FUNCTIONS.get(name)
        if function is not None:
            return self._built_in(function, call, scope)
        if name in UNSUPPORTED:
            raise UnsupportedQueryError(f"The emulator's queries do not support the function {call.name}.")
        message = f"'{call.name}' is not a recognized built-in function name."
        raise InvalidQueryError("SC2005", message, _name_location(call))

    def _aggregate(self, name: str, call: tree.FunctionCall, scope: Scope) -> Compiled:
        check_count(call, 1, 1)
        if scope.aggregates is None:
            raise InvalidQueryError("", f"The aggregate function {call.name} is allowed in the SELECT clause only.")
        argument = self._compile(call.arguments[0], scope.without_aggregates())
        slot = scope.slots.add()
        scope.aggregates.append(AggregateCall(name=name, argument=argument.evaluate, slot=slot))
        return Compiled(lambda row: row[slot])

    def _search(self, function: SearchFunction, call: tree.FunctionCall, scope: Scope) -> Compiled:
        check_count(call, function.minimum, function.maximum)
        arguments = [self._compile(argument, scope) for argument in call.arguments]
        return function.compile(call.arguments, arguments, self._options)

    def _built_in(self, function: Function, call: tree.FunctionCall, scope: Scope) -> Compiled:
        check_count(call, function.minimum, function.maximum)
        if function.takes_time:
            return constant(function.evaluate(self._ticks))
        arguments = [self._compile(argument, scope) for argument in call.arguments]
        evaluate = function.evaluate
        return folded(arguments, _call([argument.evaluate for argument in arguments], evaluate))


def _call(arguments: Sequence[Evaluate], function: Callable[..., Value]) -> Evaluate:
    if len(arguments) == 1:
        (only,) = arguments
        return lambda row: function(only(row))
    if len(arguments) == 2:
        first, second = arguments
        return lambda row: function(first(row), second(row))

    def evaluate(row: Row) -> Value:
        return function(*[argument(row) for argument in arguments])

    return evaluate


def check_count(call: tree.FunctionCall, minimum: int, maximum: int | None) -> None:
    """Raises InvalidQueryError with Azure's text if a call has too few or too many arguments."""
    count = len(call.arguments)
    if minimum <= count and (maximum is None or count <= maximum):
        return
    if maximum is None:
        allowed = f"at least {minimum}"
    elif minimum == maximum:
        allowed = str(minimum)
    else:
        allowed = f"{minimum} to {maximum}"
    message = f"The {call.name.upper()} function requires {allowed} argument(s)."
    raise InvalidQueryError("SC2050", message, call.location)


def _name_location(call: tree.FunctionCall) -> Location | None:
    if call.location is None:
        return None
    return Location(start=call.location.start, end=call.location.start + len(call.name))
