"""Queries over literal items, for the tests of the query language."""

from typing import Any

from emulator.services.cosmos.sql.engine.compiler import evaluate
from emulator.services.cosmos.sql.parser import parse
from emulator.services.cosmos.sql.runtime.options import Options

UNDEFINED = "undefined"
"""Stands for an undefined value in the tables of tests; no test has this text as a value."""

Item = dict[str, Any]


def results(
    text: str, items: list[Item] | None = None, parameters: dict[str, Any] | None = None, options: Options | None = None
) -> list[Any]:
    """The results of a query."""
    return list(evaluate(parse(text), items or [], parameters or {}, options=options))


def value(expression: str, item: Item | None = None, options: Options | None = None) -> Any:
    """The value of an expression over one item with the alias `c`."""
    values = results(f"SELECT VALUE {expression} FROM c", [item or {}], options=options)
    return values[0] if values else UNDEFINED
