"""Values of properties, as short as a table can show them."""

import re

_MAXIMUM_LENGTH = 160
# What all resources of a stack have in common.
_GROUP = re.compile(r"/subscriptions/[0-9a-fA-F-]{36}/resourceGroups/(?=[^/\s\"]+/)")


def short(text: str) -> str:
    """The text without the subscription of ARM ids, and cut if it is long."""
    return _cut(_GROUP.sub("", text))


def short_pair(before: str, after: str) -> tuple[str, str]:
    """Two values as short as they can be and still differ."""
    short_before = short(before)
    short_after = short(after)
    if short_before != short_after or before == after:
        return short_before, short_after
    position = next((i for i, (old, new) in enumerate(zip(before, after, strict=False)) if old != new), 0)
    start = max(0, position - _MAXIMUM_LENGTH // 2)
    return _cut(before, start), _cut(after, start)


def _cut(text: str, start: int = 0) -> str:
    if len(text) <= _MAXIMUM_LENGTH:
        return text
    excerpt = text[start : start + _MAXIMUM_LENGTH]
    return f"{'…' if start else ''}{excerpt}… ({len(text)} characters)"
