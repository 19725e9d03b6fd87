"""Differences between the inputs of a resource before and after a change, without secrets."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

import msgspec

# What Pulumi writes in place of a secret, and the key of an object that it has marked as one.
_SECRET_TEXT = "[secret]"  # noqa: S105 (a placeholder)
_SIGNATURE = "4dabf18193072939515e22adb298388d"
# What Pulumi writes in place of a value that is known after the deployment only. Texts may contain it.
_UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
# Inputs of Pulumi's own, such as the pickled provider of a dynamic resource.
_INTERNAL_PREFIX = "__"

SECRET: Final = "(secret)"  # noqa: S105 (a text that replaces one)
# A value that is a secret on the other side of the change, where it may be the same.
NOT_SHOWN: Final = "(not shown)"
UNKNOWN: Final = "(known after the deployment)"
ABSENT: Final = ""


class PropertyChange(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One changed property.

    Attributes:
        path: Path of the property. An element of a list of named objects is addressed by its name; a path that ends in
            `[]` means elements that are removed from a list or added to it.
        before: The value as text; empty if there was none.
        after: The value as text; empty if there is none.
        forces_replacement: Whether the change is what replaces the resource.
    """

    path: str
    before: str
    after: str
    forces_replacement: bool = False


def is_secret(value: object) -> bool:
    """Whether a value is a secret, or a text or an object that holds the mark of one."""
    if isinstance(value, str):
        return _SECRET_TEXT in value or _SIGNATURE in value
    if isinstance(value, Mapping):
        return _SIGNATURE in value
    return False


def is_unknown(value: object) -> bool:
    """Whether a value is known after the deployment only."""
    return isinstance(value, str) and _UNKNOWN_TEXT in value


def text_of(value: object) -> str:
    """The value as a text, in which secrets are not shown: the value itself if it is a text, otherwise JSON."""
    if value is None:
        return ABSENT
    if is_secret(value):
        return SECRET
    if is_unknown(value):
        return UNKNOWN
    return value if isinstance(value, str) else msgspec.json.encode(_without_secrets(value)).decode()


def compare(
    before: Mapping[str, Any], after: Mapping[str, Any], *, changed: Sequence[str], forcing: Sequence[str]
) -> list[PropertyChange]:
    """Return the differences between two sets of inputs.

    A secret is the same text before and after; it is reported where Pulumi says that its property has changed.

    Args:
        before: Inputs before the change.
        after: Inputs after it.
        changed: Names of the properties that have changed, as Pulumi reports them.
        forcing: Names of the properties that force a replacement.
    """
    changes: list[PropertyChange] = []
    for name in sorted({*before, *after, *changed}):
        if name.startswith(_INTERNAL_PREFIX):
            continue
        forces = name in forcing
        differences = [*_differences(name, before.get(name), after.get(name))]
        if name in changed and not differences:
            paths = [*_secret_paths(name, after.get(name))]
            differences = [(path, SECRET, SECRET) for path in paths] or [(name, before.get(name), after.get(name))]
        for path, old, new in differences:
            before_text, after_text = _texts(old, new)
            changes.append(PropertyChange(path=path, before=before_text, after=after_text, forces_replacement=forces))
    return changes


def _texts(before: object, after: object) -> tuple[str, str]:
    """Both values as texts; one that is a secret on the other side is not shown."""
    secret_before = any(True for _ in _secret_paths("", before))
    secret_after = any(True for _ in _secret_paths("", after))
    before_text = NOT_SHOWN if secret_after and not secret_before and before is not None else text_of(before)
    after_text = NOT_SHOWN if secret_before and not secret_after and after is not None else text_of(after)
    return before_text, after_text


def _differences(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    if before == after:
        return
    if is_secret(before) or is_secret(after):
        yield path, before, after
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        old = cast("Mapping[str, Any]", before)
        new = cast("Mapping[str, Any]", after)
        for name in sorted(old.keys() | new.keys()):
            yield from _differences(f"{path}.{name}", old.get(name), new.get(name))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _list_differences(path, cast("list[Any]", before), cast("list[Any]", after))
    else:
        yield path, before, after


def _list_differences(path: str, before: list[Any], after: list[Any]) -> Iterator[tuple[str, Any, Any]]:
    old_by_name = _by_name(before)
    new_by_name = _by_name(after)
    if old_by_name is not None and new_by_name is not None:
        for name in sorted(old_by_name.keys() | new_by_name.keys()):
            yield from _differences(f"{path}[{name}]", old_by_name.get(name), new_by_name.get(name))
    elif len(before) == len(after) and all(isinstance(item, Mapping) for item in (*before, *after)):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _differences(f"{path}[{index}]", old, new)
    else:
        removed = [item for item in before if item not in after]
        added = [item for item in after if item not in before]
        if removed or added:
            yield f"{path}[]", removed or None, added or None
        else:
            yield path, before, after


def _by_name(items: list[Any]) -> dict[str, Any] | None:
    """The elements of a list by their unique names; None if they have none."""
    named: dict[str, Any] = {}
    for item in items:
        name = cast("Mapping[str, Any]", item).get("name") if isinstance(item, Mapping) else None
        if not isinstance(name, str) or name in named:
            return None
        named[name] = item
    return named


def _secret_paths(path: str, value: Any) -> Iterator[str]:
    if is_secret(value):
        yield path
    elif isinstance(value, Mapping):
        for name, item in cast("Mapping[str, Any]", value).items():
            yield from _secret_paths(f"{path}.{name}", item)
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            yield from _secret_paths(f"{path}[{index}]", item)


def _without_secrets(value: Any) -> Any:
    if is_secret(value):
        return SECRET
    if is_unknown(value):
        return UNKNOWN
    if isinstance(value, Mapping):
        return {name: _without_secrets(item) for name, item in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list):
        return [_without_secrets(item) for item in cast("list[Any]", value)]
    return value
