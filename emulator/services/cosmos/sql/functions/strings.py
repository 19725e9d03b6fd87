"""String functions: https://learn.microsoft.com/cosmos-db/query/functions#string-functions.

Lengths and positions count Unicode characters.
"""

from collections.abc import Callable

from emulator.services.cosmos.sql.functions.definition import Function, fixed, of_text, to_integer
from emulator.services.cosmos.sql.functions.patterns import regex_match
from emulator.services.cosmos.sql.runtime.operators import bounded, check_length
from emulator.services.cosmos.sql.values import UNDEFINED, Value, is_number

_MAX_REPLICATED = 10_000
"""https://learn.microsoft.com/cosmos-db/query/replicate"""


def _comparison(compare: Callable[[str, str], bool]) -> Function:
    """A function of two strings, and of an optional boolean: whether to ignore case."""

    def evaluate(text: Value, other: Value, *options: Value) -> Value:
        ignore_case = options[0] if options else False
        if not (isinstance(text, str) and isinstance(other, str) and isinstance(ignore_case, bool)):
            return UNDEFINED
        if ignore_case:
            return compare(text.lower(), other.lower())
        return compare(text, other)

    return Function(evaluate=evaluate, minimum=2, maximum=3)


def _trim(strip: Callable[[str, str | None], str]) -> Function:
    """A function of a string, and of an optional string with the characters to remove (white space)."""

    def evaluate(text: Value, characters: Value = None) -> Value:
        if not isinstance(text, str) or not (characters is None or isinstance(characters, str)):
            return UNDEFINED
        return strip(text, characters)

    return Function(evaluate=evaluate, minimum=1, maximum=2)


def _concatenate(*texts: Value) -> Value:
    strings = [text for text in texts if isinstance(text, str)]
    if len(strings) != len(texts):
        return UNDEFINED
    return bounded("".join(strings))


def _index_of(text: Value, other: Value, start: Value = 0) -> Value:
    position = to_integer(start)
    if not (isinstance(text, str) and isinstance(other, str)) or position is None or position < 0:
        return UNDEFINED
    return text.find(other, position)


def _last_index_of(text: Value, other: Value) -> Value:
    if not (isinstance(text, str) and isinstance(other, str)):
        return UNDEFINED
    return text.rfind(other)


def _substring(text: Value, start: Value, length: Value) -> Value:
    if not isinstance(text, str) or not is_number(start) or not is_number(length):
        return UNDEFINED
    if text == "":
        return ""
    position = to_integer(start)
    count = to_integer(length)
    if position is None or count is None:
        return UNDEFINED
    if position < 0 or count <= 0:
        return ""
    return text[position : position + count]


def _left(text: Value, length: Value) -> Value:
    return _substring(text, 0, length)


def _right(text: Value, length: Value) -> Value:
    count = to_integer(length)
    if not isinstance(text, str) or count is None:
        return UNDEFINED
    return text[max(len(text) - max(count, 0), 0) :]


def _replace(text: Value, old: Value, new: Value) -> Value:
    if not (isinstance(text, str) and isinstance(old, str) and isinstance(new, str)) or old == "":
        return UNDEFINED
    check_length(len(text) + text.count(old) * (len(new) - len(old)))
    return text.replace(old, new)


def _replicate(text: Value, count: Value) -> Value:
    if not isinstance(text, str) or not is_number(count) or not 0 <= count <= _MAX_REPLICATED:
        return UNDEFINED
    repetitions = int(count)
    if len(text) * repetitions > _MAX_REPLICATED:
        return UNDEFINED
    return text * repetitions


def _join(array: Value, separator: Value) -> Value:
    if not isinstance(array, list) or not isinstance(separator, str):
        return UNDEFINED
    strings = [element for element in array if isinstance(element, str)]
    if len(strings) != len(array):
        return UNDEFINED
    return bounded(separator.join(strings))


def _split(text: Value, separator: Value) -> Value:
    if not (isinstance(text, str) and isinstance(separator, str)) or separator == "":
        return UNDEFINED
    return list(text.split(separator))


FUNCTIONS = {
    "CONCAT": Function(evaluate=_concatenate, minimum=2, maximum=None),
    "CONTAINS": _comparison(lambda text, other: other in text),
    "ENDSWITH": _comparison(str.endswith),
    "INDEX_OF": Function(evaluate=_index_of, minimum=2, maximum=3),
    "LASTINDEXOF": fixed(2, _last_index_of),
    "LEFT": fixed(2, _left),
    "LENGTH": of_text(len),
    "LOWER": of_text(str.lower),
    "LTRIM": _trim(str.lstrip),
    "REGEXMATCH": Function(evaluate=regex_match, minimum=2, maximum=3),
    "REPLACE": fixed(3, _replace),
    "REPLICATE": fixed(2, _replicate),
    "REVERSE": of_text(lambda text: text[::-1]),
    "RIGHT": fixed(2, _right),
    "RTRIM": _trim(str.rstrip),
    "STARTSWITH": _comparison(str.startswith),
    "STRINGEQUALS": _comparison(lambda text, other: text == other),
    "STRINGJOIN": fixed(2, _join),
    "STRINGSPLIT": fixed(2, _split),
    "SUBSTRING": fixed(3, _substring),
    "TRIM": _trim(str.strip),
    "UPPER": of_text(str.upper),
}
