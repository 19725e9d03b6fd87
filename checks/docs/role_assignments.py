"""Tables and a diagram of role assignments and custom roles, out of the recorded programs."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from checks.docs.markdown import code, table
from checks.docs.recordings import RecordedResource, Recording
from policy.roles import ALLOWED

_ASSIGNMENT = "authorization:RoleAssignment"
_DEFINITION = "authorization:RoleDefinition"
_COSMOS_ASSIGNMENT = "cosmosdb:SqlResourceSqlRoleAssignment"
_COSMOS_DEFINITION = "cosmosdb:SqlResourceSqlRoleDefinition"
# Principals by the object ids that the recorder gives them (tests/support/pulumi_recorder.py). An object id that is a
# GUID comes from the setting `uploaders`.
_PRINCIPALS = {
    "function-principal": "function app (user-assigned identity)",
    "api-function-principal": "API app (user-assigned identity)",
    "topic-principal": "Event Grid system topic (system-assigned identity)",
}
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UPLOADERS = "each of `uploaders`"
_PRINCIPAL_ORDER = (*_PRINCIPALS.values(), _UPLOADERS)
# How a scope is called, by its type, and the input that has its name in Azure.
_SCOPES = {
    "storage:BlobContainer": ("blob container", "containerName"),
    "storage:Queue": ("queue", "queueName"),
    "cosmosdb:SqlResourceSqlContainer": ("Cosmos DB container", "containerName"),
}
# The same, for scopes whose names in Azure differ between stacks.
_SCOPES_BY_LOGICAL_NAME = {
    "storage:StorageAccount": "storage account",
    "eventgrid:Topic": "Event Grid topic",
    "applicationinsights:Component": "Application Insights",
}
_VISION_ACCOUNT = "cognitiveservices:Account"


@dataclass(frozen=True, kw_only=True)
class _Assignment:
    principal: str
    role: str
    scope: str


def role_assignments_table(recordings: Sequence[Recording]) -> str:
    """Return who may do what at which scope, with the stacks in which it is so."""
    variants: dict[_Assignment, list[Recording]] = {}
    for recording in recordings:
        for assignment in dict.fromkeys(_assignments(recording)):
            variants.setdefault(assignment, []).append(recording)
    ordered = sorted(variants, key=lambda item: (_PRINCIPAL_ORDER.index(item.principal), item.scope, item.role))
    rows = [
        (assignment.principal, assignment.role, assignment.scope, _stacks(variants[assignment], recordings))
        for assignment in ordered
    ]
    return table(("principal", "role", "scope", "stacks"), rows)


def custom_roles_table(recordings: Sequence[Recording]) -> str:
    """Return the data actions of each custom role, with the stacks in which it has them."""
    variants: dict[tuple[str, tuple[str, ...]], list[Recording]] = {}
    for recording in recordings:
        for definition in [*recording.of_type(_DEFINITION), *recording.of_type(_COSMOS_DEFINITION)]:
            actions = tuple(
                sorted(
                    action for permission in definition.inputs["permissions"] for action in permission["dataActions"]
                )
            )
            variants.setdefault((_role_title(definition), actions), []).append(recording)
    rows = [
        (role, "<br>".join(map(code, actions)), _stacks(variants[role, actions], recordings))
        for role, actions in sorted(variants)
    ]
    return table(("custom role", "data actions", "stacks"), rows)


def access_diagram(recording: Recording) -> str:
    """Return a flowchart with an arrow from each principal to each scope, labeled with its roles."""
    roles: dict[tuple[str, str], list[str]] = {}
    for assignment in dict.fromkeys(_assignments(recording)):
        roles.setdefault((assignment.principal, assignment.scope), []).append(assignment.role)
    principals = [principal for principal in _PRINCIPAL_ORDER if any(principal == pair[0] for pair in roles)]
    scopes = sorted({scope for _principal, scope in roles})
    lines = ["```mermaid", "flowchart LR"]
    lines += [f'  p{number}(["{_plain(principal)}"])' for number, principal in enumerate(principals, start=1)]
    lines += [f'  s{number}["{_plain(scope)}"]' for number, scope in enumerate(scopes, start=1)]
    for principal, scope in sorted(roles, key=lambda pair: (principals.index(pair[0]), pair[1])):
        label = "<br/>".join(_plain(role) for role in sorted(roles[principal, scope]))
        lines.append(f'  p{principals.index(principal) + 1} -- "{label}" --> s{scopes.index(scope) + 1}')
    lines.append("```")
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Return text without the marks of code, which Mermaid would show."""
    return text.replace("`", "")


def _assignments(recording: Recording) -> Iterator[_Assignment]:
    roles = {
        definition.inputs["roleDefinitionId"]: _role_title(definition) for definition in recording.of_type(_DEFINITION)
    }
    for resource in recording.of_type(_ASSIGNMENT):
        guid = resource.inputs["roleDefinitionId"].rpartition("/")[2]
        yield _Assignment(
            principal=_principal(resource),
            role=roles[guid] if guid in roles else ALLOWED[guid],
            scope=_scope(recording.resources[resource.inputs["scope"].removeprefix("/")]),
        )
    for resource in recording.of_type(_COSMOS_ASSIGNMENT):
        definition = recording.resources[resource.inputs["roleDefinitionId"].removeprefix("/")]
        container = resource.inputs["scope"].rpartition("/colls/")[2]
        yield _Assignment(
            principal=_principal(resource),
            role=_role_title(definition),
            scope=_scope(recording.resources[f"azure-native:cosmosdb:SqlResourceSqlContainer::{container}"]),
        )


def _principal(assignment: RecordedResource) -> str:
    object_id = assignment.inputs["principalId"]
    if object_id in _PRINCIPALS:
        return _PRINCIPALS[object_id]
    if _GUID.fullmatch(object_id):
        return _UPLOADERS
    raise ValueError(f"{assignment.name} is for {object_id}, which has no name in the documents")


def _role_title(definition: RecordedResource) -> str:
    """Return the title of a custom role, without the name of the deployment that its name in the tenant has."""
    if definition.type == _COSMOS_DEFINITION:
        return f"{code(definition.inputs['roleName'])} (custom, Cosmos DB)"
    return f"{definition.inputs['roleName'].partition(' (')[0]} (custom)"


def _scope(resource: RecordedResource) -> str:
    if resource.type == _VISION_ACCOUNT:
        return "each Vision account"
    if resource.type in _SCOPES:
        label, input_name = _SCOPES[resource.type]
        return f"{label} {code(resource.inputs[input_name])}"
    return f"{_SCOPES_BY_LOGICAL_NAME[resource.type]} {code(resource.name)}"


def _stacks(variants: Sequence[Recording], recordings: Sequence[Recording]) -> str:
    """Return the stacks of some recordings: `all`, or their names, with the network where only one of both is meant."""
    if len(variants) == len(recordings):
        return "all"
    labels: list[str] = []
    for stack in dict.fromkeys(recording.stack for recording in variants):
        networks = [recording.network for recording in variants if recording.stack == stack]
        possible = [recording.network for recording in recordings if recording.stack == stack]
        if networks == possible:
            labels.append(code(stack))
        else:
            labels += [f"{code(stack)} ({network} network)" for network in networks]
    return ", ".join(labels)
