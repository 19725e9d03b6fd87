"""The parser: text of a query to its syntax tree."""

from functools import lru_cache
from pathlib import Path

from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from emulator.services.cosmos.sql.errors import InvalidQueryError, Location
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
    except UnexpectedToken as error:
        token = error.token
        if token.type == "$END":
            raise _syntax_error("<EOF>", len(text), len(text)) from None
        raise _syntax_error(str(token), error.pos_in_stream or 0, (error.pos_in_stream or 0) + len(token)) from None
    except UnexpectedCharacters as error:
        raise _syntax_error(text[error.pos_in_stream], error.pos_in_stream, error.pos_in_stream + 1) from None
    except UnexpectedInput as error:
        position = error.pos_in_stream or 0
        raise _syntax_error(text[position : position + 1], position, position + 1) from None
    assert isinstance(query, Query)
    if depth(query) > MAX_DEPTH:
        raise InvalidQueryError("", f"The query nests deeper than {MAX_DEPTH} levels.")
    return query


def _syntax_error(word: str, start: int, end: int) -> InvalidQueryError:
    return InvalidQueryError("SC1001", f"Syntax error, incorrect syntax near '{word}'.", Location(start=start, end=end))


_LARK = Lark(
    (Path(__file__).parent / "grammar.lark").read_text(),
    parser="lalr",
    # Not the contextual lexer: a keyword is no property name, even after a dot.
    lexer="basic",
    transformer=TreeBuilder(),
    maybe_placeholders=True,
)
