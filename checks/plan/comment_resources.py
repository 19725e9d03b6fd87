"""The part of the comment about resources."""

from collections.abc import Iterator, Mapping, Sequence

from checks.plan.changes import Action, ResourceChange
from checks.plan.comment_values import short_pair
from checks.plan.markdown import code, details, table
from checks.plan.properties import PropertyChange

# Longer tables are folded.
_OPEN_ROWS = 10
# More properties of one resource are counted only.
_MAXIMUM_PROPERTIES = 8
_HEADINGS = {
    Action.REPLACE: "Replaced",
    Action.DELETE: "Deleted",
    Action.UPDATE: "Updated",
    Action.CREATE: "Created",
    Action.IMPORT: "Imported",
    Action.READ: "Read",
    Action.SAME: "Changed options of Pulumi",
}


def group_changes(changes: Sequence[ResourceChange]) -> dict[str, list[ResourceChange]]:
    """Return the changes by heading, without empty groups."""
    groups: dict[str, list[ResourceChange]] = {heading: [] for heading in _HEADINGS.values()}
    for change in changes:
        groups[_HEADINGS[change.action]].append(change)
    return {heading: group for heading, group in groups.items() if group}


def resources_section(groups: Mapping[str, Sequence[ResourceChange]]) -> Iterator[str]:
    """The lines about resources by change."""
    yield "### Resources"
    yield ""
    if not groups:
        yield "No resource changes."
        yield ""
    for heading, changes in groups.items():
        yield f"#### {heading} ({len(changes)})"
        yield ""
        with_properties = changes[0].action in {Action.REPLACE, Action.UPDATE}
        lines = _with_properties(changes) if with_properties else _without_properties(changes)
        if len(lines) > _OPEN_ROWS + 2:
            yield from details("show", lines)
        else:
            yield from lines
        yield ""


def _without_properties(changes: Sequence[ResourceChange]) -> list[str]:
    rows = [[code(change.name), code(change.type), _protection(change)] for change in changes]
    return table(("resource", "type", "protection"), rows)


def _with_properties(changes: Sequence[ResourceChange]) -> list[str]:
    rows: list[list[str]] = []
    for change in changes:
        details_of_change = [_property(change, item) for item in change.properties[:_MAXIMUM_PROPERTIES]]
        more = len(change.properties) - _MAXIMUM_PROPERTIES
        if more > 0:
            details_of_change.append([f"{more} more", "", "", ""])
        if change.protected or not details_of_change:
            details_of_change.append(["", "", "", _protection(change)])
        for index, cells in enumerate(details_of_change):
            resource = ["", ""] if index else [code(change.name), code(change.type)]
            rows.append([*resource, *cells])
    return table(("resource", "type", "property", "before", "after", "effect"), rows)


def _property(change: ResourceChange, item: PropertyChange) -> list[str]:
    before, after = short_pair(item.before, item.after)
    effect = ""
    if item.forces_replacement:
        effect = "replaces, if it changes" if change.uncertain else "**replaces**"
    return [code(item.path), code(before), code(after), effect]


def _protection(change: ResourceChange) -> str:
    if change.protection_removed:
        return "**no longer protected**"
    return "protected" if change.protected else ""
