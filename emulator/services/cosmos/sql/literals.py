"""The values and positions of tokens."""

import re

from lark import Token

from emulator.services.cosmos.sql.errors import InvalidQueryError, Location
from emulator.services.cosmos.sql.numbers import MAX_INTEGER, normalize

_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "\\": "\\", "/": "/"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_NUMBER = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)


def location_of(token: Token) -> Location:
    """Where a token is in the query."""
    return Location(start=token.start_pos or 0, end=token.end_pos or 0)


def string_of(token: Token) -> str:
    """The value of a string literal. Raises InvalidQueryError for a wrong escape.

    https://learn.microsoft.com/cosmos-db/query/constants
    """

    def replacement(match: re.Match[str]) -> str:
        escape = match.group(1)
        if len(escape) == 5:
            return chr(int(escape[1:], 16))
        if escape not in _ESCAPES:
            raise InvalidQueryError(
                "SC1011", f"Syntax error, invalid string literal token '{token}'.", location_of(token)
            )
        return _ESCAPES[escape]

    text = _ESCAPE.sub(replacement, token[1:-1])
    # A pair of surrogates is one character; a single one is no text that can be stored or sent.
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        message = f"Syntax error, invalid string literal token '{token}'."
        raise InvalidQueryError("SC1011", message, location_of(token)) from None


def number_of(token: Token) -> int | float:
    """The value of a number literal. Raises InvalidQueryError if there is no such number."""
    is_number = _NUMBER.fullmatch(token) is not None
    value = 0.0
    if is_number:
        value = float(token)
        if token.isdecimal() and value < 2 * MAX_INTEGER and int(token) <= MAX_INTEGER:
            return int(token)
    if not is_number or value == float("inf"):
        message = f"Syntax error, invalid numeric value token '{token}'."
        raise InvalidQueryError("SC1012", message, location_of(token))
    return normalize(value)
