"""LIKE: patterns with wildcards, matched in time that grows with the text's length times the pattern's.

https://learn.microsoft.com/cosmos-db/query/like
"""

from collections.abc import Callable
from functools import lru_cache

type Test = Callable[[str], bool]
"""Whether a character is one of those that a position of the pattern stands for."""


@lru_cache(maxsize=512)
def like_matcher(pattern: str, escape: str | None) -> Callable[[str], bool]:
    """A function that tells whether a text matches a pattern.

    Args:
        pattern: text with `%` (any characters), `_` (one character), `[abc]`, `[a-f]` and `[^abc]` (one of them).
        escape: the character after which a wildcard stands for itself.
    """
    segments = _segments(pattern, escape)
    if len(segments) == 1:
        whole = segments[0]
        return lambda text: len(text) == len(whole) and _matches_at(whole, text, 0)
    first, *middle, last = segments

    def matches(text: str) -> bool:
        end = len(text) - len(last)
        if end < len(first) or not _matches_at(first, text, 0) or not _matches_at(last, text, end):
            return False
        position = len(first)
        for segment in middle:
            start = _find(segment, text, position, end)
            if start is None:
                return False
            position = start + len(segment)
        return position <= end

    return matches


def _segments(pattern: str, escape: str | None) -> list[list[Test]]:
    """The parts of a pattern between its `%`, each as one test for each character."""
    segments: list[list[Test]] = [[]]
    position = 0
    while position < len(pattern):
        sign = pattern[position]
        closing = pattern.find("]", position + 2) if sign == "[" else -1
        if sign == escape and position + 1 < len(pattern):
            position += 1
            segments[-1].append(pattern[position].__eq__)
        elif sign == "%":
            segments.append([])
        elif sign == "_":
            segments[-1].append(lambda _character: True)
        elif closing > 0:
            segments[-1].append(_set_test(pattern[position + 1 : closing]))
            position = closing
        else:
            segments[-1].append(sign.__eq__)
        position += 1
    return segments


def _set_test(content: str) -> Test:
    negated = content.startswith("^") and len(content) > 1
    members = content[1:] if negated else content
    ranges: list[tuple[str, str]] = []
    position = 0
    while position < len(members):
        if members[position + 1 : position + 2] == "-" and position + 2 < len(members):
            ranges.append((members[position], members[position + 2]))
            position += 3
        else:
            ranges.append((members[position], members[position]))
            position += 1
    return lambda character: any(low <= character <= high for low, high in ranges) != negated


def _matches_at(segment: list[Test], text: str, start: int) -> bool:
    return all(test(text[start + offset]) for offset, test in enumerate(segment))


def _find(segment: list[Test], text: str, start: int, end: int) -> int | None:
    for position in range(start, end - len(segment) + 1):
        if _matches_at(segment, text, position):
            return position
    return None
