"""From the syntax tree of an expression to a closure, which is called for each row."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.engine.comparisons import compile_binary, membership
from emulator.services.cosmos.sql.engine.finite import NUMBERS_WITHOUT_LITERAL
from emulator.services.cosmos.sql.engine.from_items import CompileSubquery
from emulator.services.cosmos.sql.engine.subqueries import SUBQUERY_RESULTS
from emulator.services.cosmos.sql.errors import InvalidQueryError, UnsupportedQueryError
from emulator.services.cosmos.sql.functions.calls import FunctionCompiler
from emulator.services.cosmos.sql.runtime.like import like_matcher
from emulator.services.cosmos.sql.runtime.operators import UNARY, logical
from emulator.services.cosmos.sql.runtime.options import Options
from emulator.services.cosmos.sql.runtime.paths import path_reader, read_element, split_path
from emulator.services.cosmos.sql.runtime.scope import Compiled, Evaluate, Row, Scope, constant, folded
from emulator.services.cosmos.sql.values import JSON, UNDEFINED, Value, compare


class ExpressionCompiler:
    """Compiles expressions.

    Args:
        parameters: the values of the query's parameters; None if they are not known, to check a query only.
        options: the container's policies.
        ticks: the time of the query.
        compile_subquery: compiles what is in EXISTS, ARRAY and other subqueries.
    """

    def __init__(
        self,
        parameters: Mapping[str, JSON] | None,
        options: Options,
        ticks: int,
        compile_subquery: CompileSubquery,
    ) -> None:
        self._parameters = parameters
        self._compile_subquery = compile_subquery
        self._functions = FunctionCompiler(options, ticks, self.compile)

    def compile(self, node: tree.Expression, scope: Scope) -> Compiled:
        """The closure of an expression. Raises InvalidQueryError and UnsupportedQueryError."""
        compiler = self._COMPILERS.get(type(node))
        if compiler is None:
            raise UnsupportedQueryError(f"The emulator's queries do not support {type(node).__name__}.")
        return compiler(self, node, scope)

    def compile_all(self, nodes: Sequence[tree.Expression], scope: Scope) -> list[Compiled]:
        """The closures of several expressions."""
        return [self.compile(node, scope) for node in nodes]

    def predicate(self, node: tree.Expression, scope: Scope) -> Callable[[Row], bool]:
        """A closure that tells whether an expression is true: neither false, nor undefined, nor of another type."""
        if isinstance(node, tree.Logical):
            tests = [self.predicate(operand, scope) for operand in node.operands]
            if node.operator == "AND":
                return lambda row: all(test(row) for test in tests)
            return lambda row: any(test(row) for test in tests)
        evaluate = self.compile(node, scope).evaluate
        return lambda row: evaluate(row) is True

    def _constant(self, node: tree.Constant, _scope: Scope) -> Compiled:
        return constant(node.value)

    def _undefined(self, _node: tree.UndefinedConstant, _scope: Scope) -> Compiled:
        return constant(UNDEFINED)

    def _parameter(self, node: tree.Parameter, _scope: Scope) -> Compiled:
        if self._parameters is None:
            return Compiled(lambda _row: UNDEFINED)
        # Recorded on a live account: a parameter without a value is undefined (github.com/xo/dbimp, COSMOS.md).
        return constant(self._parameters.get(node.name, UNDEFINED))

    def _identifier(self, node: tree.Identifier, scope: Scope) -> Compiled:
        slot = scope.resolve(node.name)
        if slot is not None:
            return Compiled(path_reader(slot, ()))
        if node.name in NUMBERS_WITHOUT_LITERAL:
            return constant(NUMBERS_WITHOUT_LITERAL[node.name])
        raise InvalidQueryError("SC2001", f"Identifier '{node.name}' could not be resolved.", node.location)

    def _property(self, node: tree.Property, scope: Scope) -> Compiled:
        path = split_path(node)
        if path is not None:
            identifier, names = path
            slot = scope.resolve(identifier.name)
            if slot is not None:
                return Compiled(path_reader(slot, names))
        parent = self.compile(node.parent, scope)
        read = parent.evaluate
        name = node.name
        return folded([parent], lambda row: read_element(read(row), name))

    def _element(self, node: tree.Element, scope: Scope) -> Compiled:
        parent = self.compile(node.parent, scope)
        index = self.compile(node.index, scope)
        read = parent.evaluate
        position = index.evaluate
        return folded([parent, index], lambda row: read_element(read(row), position(row)))

    def _array(self, node: tree.ArrayCreation, scope: Scope) -> Compiled:
        items = self.compile_all(node.items, scope)
        evaluates = [item.evaluate for item in items]

        def evaluate(row: Row) -> Value:
            values = [item(row) for item in evaluates]
            # Recorded on a live account: `SELECT VALUE [c.a, c.missing]` is [2, null] (github.com/xo/dbimp, COSMOS.md).
            return [None if value is UNDEFINED else value for value in values]

        return folded(items, evaluate)

    def _object(self, node: tree.ObjectCreation, scope: Scope) -> Compiled:
        compiled = [(name, self.compile(value, scope)) for name, value in node.properties]
        evaluates = [(name, value.evaluate) for name, value in compiled]
        return folded([value for _name, value in compiled], object_builder(evaluates))

    def _unary(self, node: tree.Unary, scope: Scope) -> Compiled:
        operand = self.compile(node.operand, scope)
        operation = UNARY[node.operator]
        evaluate = operand.evaluate
        return folded([operand], lambda row: operation(evaluate(row)))

    def _binary(self, node: tree.Binary, scope: Scope) -> Compiled:
        return compile_binary(node.operator, self.compile(node.left, scope), self.compile(node.right, scope))

    def _logical(self, node: tree.Logical, scope: Scope) -> Compiled:
        operands = self.compile_all(node.operands, scope)
        evaluates = [operand.evaluate for operand in operands]
        decisive = node.operator == "OR"
        return folded(
            operands, lambda row: logical(decisive=decisive, values=[evaluate(row) for evaluate in evaluates])
        )

    def _conditional(self, node: tree.Conditional, scope: Scope) -> Compiled:
        operands = self.compile_all((node.condition, node.consequent, node.alternative), scope)
        condition, consequent, alternative = (operand.evaluate for operand in operands)
        return folded(operands, lambda row: consequent(row) if condition(row) is True else alternative(row))

    def _between(self, node: tree.Between, scope: Scope) -> Compiled:
        operands = self.compile_all((node.operand, node.low, node.high), scope)
        operand, low, high = (compiled.evaluate for compiled in operands)
        negated = node.negated

        def evaluate(row: Row) -> Value:
            value = operand(row)
            above = compare(value, low(row))
            below = compare(value, high(row))
            is_between = logical(
                decisive=False,
                values=[
                    UNDEFINED if above is None else above >= 0,
                    UNDEFINED if below is None else below <= 0,
                ],
            )
            return UNDEFINED if is_between is UNDEFINED else is_between is not negated

        return folded(operands, evaluate)

    def _in(self, node: tree.In, scope: Scope) -> Compiled:
        operand = self.compile(node.operand, scope)
        choices = self.compile_all(node.choices, scope)
        return folded([operand, *choices], membership(operand, choices, negated=node.negated))

    def _like(self, node: tree.Like, scope: Scope) -> Compiled:
        operands = self.compile_all((node.operand, node.pattern), scope)
        read_text, read_pattern = (operand.evaluate for operand in operands)
        escape = node.escape
        negated = node.negated
        if escape is not None and len(escape) != 1:
            raise InvalidQueryError("", f"The ESCAPE of LIKE must be one character, not '{escape}'.")

        def evaluate(row: Row) -> Value:
            text = read_text(row)
            pattern = read_pattern(row)
            if not isinstance(text, str) or not isinstance(pattern, str):
                return UNDEFINED
            return like_matcher(pattern, escape)(text) is not negated

        return folded(operands, evaluate)

    def _call(self, node: tree.FunctionCall, scope: Scope) -> Compiled:
        return self._functions.compile(node, scope)

    def _user_function(self, node: tree.UserFunctionCall, _scope: Scope) -> Compiled:
        raise UnsupportedQueryError(f"The emulator's queries do not support user-defined functions: udf.{node.name}.")

    def _subquery(self, node: tree.Subquery, scope: Scope) -> Compiled:
        assert isinstance(node.query, tree.Query)
        run = self._compile_subquery(node.query, scope, None)
        reduce = SUBQUERY_RESULTS.get(node.operator)
        if reduce is None:
            raise UnsupportedQueryError(f"The emulator's queries do not support {node.operator}(SELECT …).")
        return Compiled(lambda row: reduce(run(row)))

    _COMPILERS: Mapping[type, Callable[[Any, Any, Scope], Compiled]] = {
        tree.Constant: _constant,
        tree.UndefinedConstant: _undefined,
        tree.Parameter: _parameter,
        tree.Identifier: _identifier,
        tree.Property: _property,
        tree.Element: _element,
        tree.ArrayCreation: _array,
        tree.ObjectCreation: _object,
        tree.Unary: _unary,
        tree.Binary: _binary,
        tree.Logical: _logical,
        tree.Conditional: _conditional,
        tree.Between: _between,
        tree.In: _in,
        tree.Like: _like,
        tree.FunctionCall: _call,
        tree.UserFunctionCall: _user_function,
        tree.Subquery: _subquery,
    }


def object_builder(properties: Sequence[tuple[str, Evaluate]]) -> Evaluate:
    """A closure that makes an object of the properties that are defined."""

    def evaluate(row: Row) -> Value:
        result: dict[str, Any] = {}
        for name, read in properties:
            value = read(row)
            if value is not UNDEFINED:
                result[name] = value
        return result

    return evaluate
