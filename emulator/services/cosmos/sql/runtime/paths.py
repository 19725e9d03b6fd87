"""Expressions that are paths of properties, and how closures read them."""

from collections.abc import Callable
from typing import Any

from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.runtime.options import Path
from emulator.services.cosmos.sql.runtime.scope import Evaluate, Row
from emulator.services.cosmos.sql.values import UNDEFINED, Value


def split_path(expression: object) -> tuple[tree.Identifier, Path] | None:
    """The alias and the names of `alias.name.name`, or None if the expression is another one."""
    names: list[str] = []
    while isinstance(expression, tree.Property):
        names.append(expression.name)
        expression = expression.parent
    if not isinstance(expression, tree.Identifier):
        return None
    return expression, tuple(reversed(names))


def read_property(value: Value, name: str) -> Value:
    """The property of an object; undefined for other values and for objects without it."""
    if type(value) is dict:
        return value.get(name, UNDEFINED)
    return UNDEFINED


def read_element(value: Value, index: Value) -> Value:
    """`value[index]`: an array's element, or an object's property."""
    if type(value) is dict and isinstance(index, str):
        return value.get(index, UNDEFINED)
    if type(value) is list and type(index) is int and 0 <= index < len(value):
        return value[index]
    return UNDEFINED


def read_path(value: Value, path: tuple[str | int, ...]) -> Value:
    """The value at a path."""
    for step in path:
        value = read_element(value, step)
    return value


def path_reader(slot: int, names: Path) -> Evaluate:
    """A closure that reads a path of the value in a slot. Most queries spend most of their time here."""
    if not names:
        return lambda row: row[slot]
    return _READERS.get(len(names), _any_path)(slot, *names)


def _one_name(slot: int, name: str) -> Evaluate:
    def evaluate(row: Row) -> Value:
        value = row[slot]
        return value.get(name, UNDEFINED) if type(value) is dict else UNDEFINED

    return evaluate


def _two_names(slot: int, first: str, second: str) -> Evaluate:
    def evaluate(row: Row) -> Value:
        value = row[slot]
        if type(value) is dict:
            value = value.get(first)
            if type(value) is dict:
                return value.get(second, UNDEFINED)
        return UNDEFINED

    return evaluate


def _any_path(slot: int, *names: str) -> Evaluate:
    def evaluate(row: Row) -> Value:
        value: Any = row[slot]
        for name in names:
            if type(value) is not dict:
                return UNDEFINED
            value = value.get(name, UNDEFINED)
        return value

    return evaluate


_READERS: dict[int, Callable[..., Evaluate]] = {1: _one_name, 2: _two_names}
