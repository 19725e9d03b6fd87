"""JSON values as queries see them: with `undefined`, strict types, and one order over all types."""

from enum import Enum
from typing import Final, Literal

type JSON = bool | int | float | str | list[JSON] | dict[str, JSON] | None
type Item = dict[str, JSON]


class Undefined(Enum):
    """The type of `UNDEFINED`."""

    UNDEFINED = "undefined"


UNDEFINED: Final = Undefined.UNDEFINED
"""The value of a missing property, and of an operation that is not defined for the types of its arguments.

https://learn.microsoft.com/cosmos-db/query/undefined
"""

type Value = JSON | Literal[Undefined.UNDEFINED]
