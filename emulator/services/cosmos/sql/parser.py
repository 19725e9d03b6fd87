"""The parser: text of a query to its syntax tree."""

from functools import lru_cache
from pathlib import Path

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from emulator.services.cosmos.sql.errors import InvalidQueryError, Location
from emulator.services.cosmos.sql.keywords import is_reserved
from emulator.services.cosmos.sql.traversal import depth
from emulator.services.cosmos.sql.tree import Query
from emulator.services.cosmos.sql.tree_builder import TreeBuilder

MAX_CHARACTERS = 512 * 1024
"""https://learn.microsoft.com/azure/cosmos-db/concepts-limits#sql-query-limits"""

MAX_DEPTH = 128
"""How deep expressions and subqueries may nest. The emulator's own limit: Azure's is not documented."""


def parse(text: str) -> Query:
    """The syntax tree of a query.

    Raises InvalidQueryError with Azure's code and text if the query is not one of the language.
    """
    if len(text) > MAX_CHARACTERS:
        raise InvalidQueryError(
            "SC3020",
            f"The SQL query text exceeded the maximum limit of {MAX_CHARACTERS} characters.",
            Location(start=0, end=len(text)),
        )
    return _parse(text)


@lru_cache(maxsize=256)
def _parse(text: str) -> Query:
    try:
        query = _LARK.parse(text)
    except UnexpectedCharacters as error:
        start = error.pos_in_stream
        raise InvalidQueryError(
            "SC1010", f"Syntax error, invalid token '{text[start]}'.", Location(start=start, end=start + 1)
        ) from None
    except UnexpectedToken as error:
        if error.token.type == "$END":
            end = Location(start=len(text), end=len(text))
            raise InvalidQueryError("SC1002", "Syntax error, unexpected end of the query.", end) from None
        raise _syntax_error(error.token) from None
    assert isinstance(query, Query)
    if depth(query) > MAX_DEPTH:
        raise InvalidQueryError("", f"The query nests deeper than {MAX_DEPTH} levels.")
    return query


def _syntax_error(token: Token) -> InvalidQueryError:
    location = Location(start=token.start_pos or 0, end=token.end_pos or 0)
    return InvalidQueryError("SC1001", f"Syntax error, incorrect syntax near '{token}'.", location)


def _check_name(token: Token) -> Token:
    """A name that is a keyword without a meaning of its own in the grammar, as `END`, is refused."""
    if is_reserved(token):
        raise _syntax_error(token)
    return token


_LARK = Lark(
    (Path(__file__).parent / "grammar.lark").read_text(),
    parser="lalr",
    # Not the contextual lexer: a keyword is no property name, even after a dot.
    lexer="basic",
    lexer_callbacks={"NAME": _check_name},
    transformer=TreeBuilder(),
    maybe_placeholders=True,
)
