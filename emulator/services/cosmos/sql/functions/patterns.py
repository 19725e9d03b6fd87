"""REGEXMATCH: https://learn.microsoft.com/cosmos-db/query/regexmatch.

The service uses PCRE, the emulator Python's `re`: common syntax is the same. Patterns whose time may grow exponentially
with the text are refused, as the emulator has no limit of time for a query.
"""

import re
from functools import lru_cache

from emulator.services.cosmos.sql.errors import InvalidQueryError, UnsupportedQueryError
from emulator.services.cosmos.sql.values import UNDEFINED, Value

_FLAGS = {"m": re.MULTILINE, "s": re.DOTALL, "i": re.IGNORECASE, "x": re.VERBOSE}
_MAX_PATTERN = 1_000
_REPETITION = re.compile(r"[*+]|\{[0-9]*,?[0-9]*\}")


def regex_match(text: Value, pattern: Value, modifiers: Value = "") -> Value:
    """Whether a regular expression matches anywhere in a text.

    Raises InvalidQueryError for a wrong pattern, UnsupportedQueryError for one that could take too long.
    """
    if not (isinstance(text, str) and isinstance(pattern, str) and isinstance(modifiers, str)):
        return UNDEFINED
    return _compiled(pattern, modifiers).search(text) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str, modifiers: str) -> re.Pattern[str]:
    flags = 0
    for modifier in modifiers:
        if modifier not in _FLAGS:
            raise InvalidQueryError("", f"REGEXMATCH: the modifier '{modifier}' is none of m, s, i, x.")
        flags |= _FLAGS[modifier]
    if len(pattern) > _MAX_PATTERN or _repeats_repetition(pattern):
        raise UnsupportedQueryError(
            f"The emulator's REGEXMATCH supports patterns of at most {_MAX_PATTERN} characters without a repetition of"
            " a group that has repetitions or alternatives."
        )
    try:
        return re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise InvalidQueryError("", f"REGEXMATCH: the regular expression is not valid: {error}") from None


def _repeats_repetition(pattern: str) -> bool:
    """Whether a group with a repetition or an alternative in it is itself repeated, as in `(a+)+`."""
    open_groups: list[bool] = []
    position = 0
    while position < len(pattern):
        sign = pattern[position]
        if sign == "\\":
            position += 1
        elif sign == "[":
            position = _end_of_set(pattern, position)
        elif sign == "(":
            open_groups.append(False)
        elif sign == ")" and open_groups:
            has_repetition = open_groups.pop()
            is_repeated = _REPETITION.match(pattern, position + 1) is not None
            if has_repetition and is_repeated:
                return True
            if open_groups:
                open_groups[-1] = open_groups[-1] or has_repetition or is_repeated
        elif open_groups and (sign == "|" or _REPETITION.match(pattern, position) is not None):
            open_groups[-1] = True
        position += 1
    return False


def _end_of_set(pattern: str, start: int) -> int:
    """The position of the `]` that ends a set; a `]` at its beginning belongs to it."""
    position = start + 1
    if pattern[position : position + 1] == "^":
        position += 1
    position += 1
    while position < len(pattern) and pattern[position] != "]":
        position += 2 if pattern[position] == "\\" else 1
    return position
