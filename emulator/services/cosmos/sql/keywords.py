"""The reserved words of the query language.

https://github.com/microsoft/vscode-cosmosdb (packages/nosql-language-service/src/lexer/tokens.ts), without `LET` and
`RANK`, which remain names.
"""

import re

_RESERVED = frozenset(
    {
        *("and", "array", "as", "asc", "between", "by", "case", "cast", "convert", "cross", "desc", "distinct", "else"),
        *("end", "escape", "exists", "false", "for", "from", "group", "having", "in", "inner", "insert", "into", "is"),
        *("join", "left", "like", "limit", "not", "null", "offset", "on", "or", "order", "outer", "over", "right"),
        *("select", "set", "then", "top", "true", "udf", "undefined", "update", "value", "when", "where", "with"),
    }
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def is_reserved(word: str) -> bool:
    """Whether a word is a keyword, in any case."""
    return word.lower() in _RESERVED


def is_plain_name(name: str) -> bool:
    """Whether a property's name may follow a dot: letters, digits and underscores, and no keyword."""
    return _NAME.fullmatch(name) is not None and not is_reserved(name)
