"""Diagrams (Mermaid) of the components in the order of their creation, and of the path of an image."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from checks.docs.recordings import STACK_TYPE, RecordedResource, Recording
from checks.docs.sections import Section, creating_section

_RESOURCE_GROUP = "ResourceGroup"
_DATA_ROLES = "data-roles"
_DATA_ROLE_TYPES = ("cosmosdb:SqlResourceSqlRoleAssignment", "cosmosdb:SqlResourceSqlRoleDefinition")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, kw_only=True)
class _Node:
    """One box: a component, or a resource without one.

    Attributes:
        name: Logical name.
        type_name: Class of the component, or type of the resource.
        resources: Keys of all resources in it.
    """

    name: str
    type_name: str
    resources: frozenset[str]


class UnassignedResourceError(Exception):
    """No section of the program creates a recorded component; the message names it."""


def component_diagram(recording: Recording, sections: Sequence[Section]) -> str:
    """Return a flowchart with a subgraph for each section; an arrow leads from what is created earlier.

    Left out are arrows that follow from others, and those from the resource group, on which every Azure resource
    depends.

    Raises:
        UnassignedResourceError: A component is in no section.
    """
    nodes = _nodes(recording)
    by_section = _assign(nodes.values(), sections)
    lines = ["```mermaid", "flowchart LR"]
    for number, section in enumerate(sections, start=1):
        lines.append(f'  subgraph s{number}["{section.title}"]')
        lines += [f'    {_node_id(node.name)}["{_label(node, recording)}"]' for node in by_section[section.title]]
        if section.has_outputs:
            lines.append(f'    outputs["{"<br/>".join(recording.outputs)}"]')
        lines.append("  end")
    for earlier, later in _reduced_edges(_dependencies(nodes, recording)):
        if nodes[earlier].type_name != _RESOURCE_GROUP:
            lines.append(f"  {_node_id(earlier)} --> {_node_id(later)}")
    lines.append("```")
    return "\n".join(lines)


def _nodes(recording: Recording) -> dict[str, _Node]:
    """Return the boxes by logical name: every child of the stack with all resources below it, and the data roles."""
    members: dict[str, set[str]] = {}
    for resource in recording.resources.values():
        if resource.type in _DATA_ROLE_TYPES:
            members.setdefault(_DATA_ROLES, set()).add(resource.key)
        else:
            members.setdefault(_top_level(resource, recording).key, set()).add(resource.key)
    nodes: dict[str, _Node] = {}
    for key, resources in members.items():
        if key == _DATA_ROLES:
            nodes[key] = _Node(name=key, type_name="Cosmos DB", resources=frozenset(resources))
        else:
            top = recording.resources[key]
            nodes[top.name] = _Node(name=top.name, type_name=top.type_name, resources=frozenset(resources))
    return nodes


def _top_level(resource: RecordedResource, recording: Recording) -> RecordedResource:
    while not resource.parent.startswith(STACK_TYPE):
        resource = recording.resources[resource.parent]
    return resource


def _assign(nodes: Iterable[_Node], sections: Sequence[Section]) -> dict[str, list[_Node]]:
    by_section: dict[str, list[_Node]] = {section.title: [] for section in sections}
    for node in nodes:
        if node.name == _DATA_ROLES:
            section = next((section for section in sections if section.has_data_roles), None)
        else:
            section = creating_section(sections, node.name)
        if section is None:
            raise UnassignedResourceError(f"no section creates {node.type_name} {node.name}")
        by_section[section.title].append(node)
    return by_section


def _node_id(name: str) -> str:
    """Return an identifier that is no keyword of Mermaid, such as `end`."""
    return "c_" + re.sub(r"[^a-z0-9]", "_", name)


def _label(node: _Node, recording: Recording) -> str:
    """Return the class and logical name, and the types of the Azure resources with their number."""
    children = Counter(
        recording.resources[key].type_name for key in sorted(node.resources) if recording.resources[key].is_azure
    )
    lines = [f"{count} x {type_name}" if count > 1 else type_name for type_name, count in children.items()]
    # The object id of a principal says nothing to a reader.
    name = _GUID.sub("…", node.name)
    return "<br/>".join([f"<b>{node.type_name}</b> {name}", *lines])


def _dependencies(nodes: Mapping[str, _Node], recording: Recording) -> dict[str, set[str]]:
    """Return the boxes that each box depends on."""
    owner = {key: node.name for node in nodes.values() for key in node.resources}
    dependencies: dict[str, set[str]] = {}
    for node in nodes.values():
        targets = {owner[key] for member in node.resources for key in recording.resources[member].dependencies}
        dependencies[node.name] = targets - {node.name}
    return dependencies


def _reduced_edges(dependencies: Mapping[str, set[str]]) -> list[tuple[str, str]]:
    """Return (dependency, dependent) for each direct dependency that does not follow from the others."""
    return [
        (earlier, later)
        for later in sorted(dependencies)
        for earlier in sorted(dependencies[later])
        if not any(earlier in _reachable(other, dependencies) for other in dependencies[later] - {earlier})
    ]


def _reachable(node: str, dependencies: Mapping[str, set[str]]) -> set[str]:
    """Return everything that `node` depends on, directly or indirectly."""
    reached: set[str] = set()
    pending = set(dependencies[node])
    while pending:
        current = pending.pop()
        if current not in reached:
            reached.add(current)
            pending |= dependencies[current]
    return reached
