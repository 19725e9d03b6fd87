"""The aggregate functions.

Undefined values do not count. A value of a wrong type makes SUM, AVG, MIN and MAX undefined, as Microsoft's reference
engine has it: github.com/Azure/azure-cosmos-dotnet-v3, .../OfflineEngine/AggregateProjectionTransformer.cs.
"""

from abc import ABC, abstractmethod
from typing import override

from emulator.services.cosmos.sql.runtime.operators import number
from emulator.services.cosmos.sql.values import UNDEFINED, Value, is_number, order_key


class Aggregate(ABC):
    """An aggregate over the values of one group."""

    @abstractmethod
    def add(self, value: Value) -> None:
        """Include a defined value."""

    @abstractmethod
    def result(self) -> Value:
        """The aggregate of all values that were added."""


class _Count(Aggregate):
    def __init__(self) -> None:
        self._count = 0

    @override
    def add(self, value: Value) -> None:
        self._count += 1

    @override
    def result(self) -> Value:
        return self._count


class _CountIf(Aggregate):
    """The number of `true`: a function that the queries of Azure's plans for full-text search use."""

    def __init__(self) -> None:
        self._count = 0

    @override
    def add(self, value: Value) -> None:
        if value is True:
            self._count += 1

    @override
    def result(self) -> Value:
        return self._count


class _Sum(Aggregate):
    def __init__(self) -> None:
        self._sum: Value = 0

    @override
    def add(self, value: Value) -> None:
        if is_number(self._sum) and is_number(value):
            self._sum = number(self._sum + value)
        else:
            self._sum = UNDEFINED

    @override
    def result(self) -> Value:
        return self._sum


class _Average(_Sum):
    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    @override
    def add(self, value: Value) -> None:
        super().add(value)
        self._count += 1

    @override
    def result(self) -> Value:
        if not is_number(self._sum) or self._count == 0:
            return UNDEFINED
        return number(self._sum / self._count)


class _Extreme(Aggregate):
    """MIN (`sign` is 1) and MAX (`sign` is -1), over the order of types."""

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._best: Value = UNDEFINED
        self._is_comparable = True

    @override
    def add(self, value: Value) -> None:
        if isinstance(value, list | dict):
            self._is_comparable = False
        elif self._best is UNDEFINED or self._is_better(value):
            self._best = value

    def _is_better(self, value: Value) -> bool:
        if self._sign > 0:
            return order_key(value) < order_key(self._best)
        return order_key(value) > order_key(self._best)

    @override
    def result(self) -> Value:
        return self._best if self._is_comparable else UNDEFINED


AGGREGATE_NAMES = frozenset({"COUNT", "COUNTIF", "SUM", "AVG", "MIN", "MAX"})


def new_aggregate(name: str) -> Aggregate:
    """An aggregate without values. `name` is one of AGGREGATE_NAMES."""
    match name:
        case "COUNT":
            return _Count()
        case "COUNTIF":
            return _CountIf()
        case "SUM":
            return _Sum()
        case "AVG":
            return _Average()
        case "MIN":
            return _Extreme(1)
        case _:
            return _Extreme(-1)
