"""Role assignments and role definitions that a preview adds, widens, narrows or removes; also those of Cosmos DB."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from checks.plan.changes import Action, StepPair
from checks.plan.preview import ResourceState
from checks.plan.properties import UNKNOWN, is_unknown, text_of
from checks.plan.role_names import guid_of, role_name
from checks.plan.urn import name_of

_ASSIGNMENTS = {"authorization:RoleAssignment", "cosmosdb:SqlResourceSqlRoleAssignment"}
_DEFINITIONS = {"authorization:RoleDefinition", "cosmosdb:SqlResourceSqlRoleDefinition"}
# Inputs that decide what an assignment grants, and Azure's words for them.
_PROPERTY_NAMES = {"roleDefinitionId": "role", "principalId": "principal", "scope": "scope", "condition": "condition"}
# Parts of a permission that allow something, and what takes something away from each.
_EXCLUDING = {"actions": "notActions", "dataActions": "notDataActions"}


class RoleEffect(StrEnum):
    """What a change does to what principals may do."""

    ADDED = "added"
    WIDENED = "widened"
    CHANGED = "changed"
    NARROWED = "narrowed"
    REMOVED = "removed"

    @property
    def grants(self) -> bool:
        """Whether a principal may do more than before."""
        return self in {RoleEffect.ADDED, RoleEffect.WIDENED, RoleEffect.CHANGED}


class RoleAssignmentChange(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A role assignment that is added, removed or changed.

    Attributes:
        effect: What the change does.
        name: Logical name.
        role: Name of the role.
        principal: Object id of the assignee, as far as it is known.
        principal_type: Type of the assignee; Cosmos DB's assignments do not state one.
        scope: ARM id of the scope.
        before: The changed parts as they were before.
    """

    effect: RoleEffect
    name: str
    role: str
    principal: str
    principal_type: str
    scope: str
    before: str = ""


class RoleDefinitionChange(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A custom role that is added, removed or changed.

    Attributes:
        effect: What the change does.
        name: Logical name.
        role: Name of the role.
        added: Actions that the role did not allow before, and scopes at which it could not be assigned.
        removed: Actions that it no longer allows, and scopes at which it can no longer be assigned.
    """

    effect: RoleEffect
    name: str
    role: str
    added: list[str]
    removed: list[str]


def find_role_changes(pairs: Sequence[StepPair]) -> tuple[list[RoleAssignmentChange], list[RoleDefinitionChange]]:
    """Return the changed role assignments and the changed role definitions, those that grant more first."""
    custom_roles = _custom_roles(pairs)
    assignments: list[RoleAssignmentChange] = []
    definitions: list[RoleDefinitionChange] = []
    for pair in pairs:
        if pair.type in _ASSIGNMENTS:
            assignments.extend(_assignment(pair, custom_roles))
        elif pair.type in _DEFINITIONS:
            definitions.extend(_definition(pair))
    order = [*RoleEffect]
    assignments.sort(key=lambda item: (order.index(item.effect), item.name))
    definitions.sort(key=lambda item: (order.index(item.effect), item.name))
    return assignments, definitions


def _custom_roles(pairs: Sequence[StepPair]) -> dict[str, str]:
    """Names of the custom roles of a preview, by GUID and by URN."""
    roles: dict[str, str] = {}
    for pair in pairs:
        for inputs in (pair.before.inputs, pair.after.inputs):
            if pair.type in _DEFINITIONS and "roleName" in inputs:
                name = text_of(inputs["roleName"])
                roles[pair.urn] = name
                roles[guid_of(text_of(inputs.get("roleDefinitionId")))] = name
    return roles


def _assignment(pair: StepPair, custom_roles: Mapping[str, str]) -> Iterator[RoleAssignmentChange]:
    if pair.action is Action.SAME:
        return
    state = pair.before if pair.action is Action.DELETE else pair.after
    effect = {Action.DELETE: RoleEffect.REMOVED, Action.CREATE: RoleEffect.ADDED}.get(pair.action, RoleEffect.CHANGED)
    before: list[str] = []
    if effect is RoleEffect.CHANGED:
        changed = [name for name in _PROPERTY_NAMES if pair.before.inputs.get(name) != state.inputs.get(name)]
        if not changed:
            return
        if changed == ["scope"]:
            effect = _scope_effect(text_of(pair.before.inputs.get("scope")), text_of(state.inputs.get("scope")))
        before = [f"{_PROPERTY_NAMES[name]} {_property_text(name, pair.before, custom_roles)}" for name in changed]
    yield RoleAssignmentChange(
        effect=effect,
        name=pair.name,
        role=_property_text("roleDefinitionId", state, custom_roles),
        principal=_property_text("principalId", state, custom_roles),
        principal_type=text_of(state.inputs.get("principalType")),
        scope=_property_text("scope", state, custom_roles),
        before=", ".join(before),
    )


def _property_text(name: str, state: ResourceState, custom_roles: Mapping[str, str]) -> str:
    """A part of an assignment as text; of an unknown one, the resources that its value comes from."""
    value = state.inputs.get(name)
    if is_unknown(value):
        urns = state.property_dependencies.get(name, [])
        names = [custom_roles.get(urn) or name_of(urn) for urn in urns]
        return f"{', '.join(names)} {UNKNOWN}".strip()
    text = text_of(value) or "(none)"
    return role_name(text, custom_roles) if name == "roleDefinitionId" else text


def _scope_effect(before: str, after: str) -> RoleEffect:
    """How far a scope reaches in comparison with another, where one contains the other."""
    if before.lower().startswith(f"{after.lower()}/"):
        return RoleEffect.WIDENED
    if after.lower().startswith(f"{before.lower()}/"):
        return RoleEffect.NARROWED
    return RoleEffect.CHANGED


def _definition(pair: StepPair) -> Iterator[RoleDefinitionChange]:
    before = _rights(pair.before.inputs)
    after = _rights(pair.after.inputs)
    added = [right for right in after if not any(right.is_within(other) for other in before)]
    removed = [right for right in before if not any(right.is_within(other) for other in after)]
    if pair.action is Action.DELETE:
        effect = RoleEffect.REMOVED
    elif pair.action is Action.CREATE:
        effect = RoleEffect.ADDED
    elif added:
        effect = RoleEffect.WIDENED
    elif removed:
        effect = RoleEffect.NARROWED
    else:
        return
    inputs = pair.before.inputs if pair.action is Action.DELETE else pair.after.inputs
    yield RoleDefinitionChange(
        effect=effect,
        name=pair.name,
        role=text_of(inputs.get("roleName")),
        added=sorted(right.text for right in added),
        removed=sorted(right.text for right in removed),
    )


@dataclass(frozen=True, kw_only=True)
class _Right:
    """Something that a role allows.

    Attributes:
        kind: `actions`, `dataActions` or `assignableScopes`.
        pattern: An action, in which `*` stands for any text, or a scope.
        excluded: Actions that are taken away from the pattern.
    """

    kind: str
    pattern: str
    excluded: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        """The right in Azure's words."""
        if self.kind == "assignableScopes":
            return f"assignable at {self.pattern}"
        exceptions = f" except {', '.join(sorted(self.excluded))}" if self.excluded else ""
        return f"{self.pattern}{exceptions}"

    def is_within(self, other: _Right) -> bool:
        """Whether another right allows at least as much."""
        expression = ".*".join(re.escape(literal) for literal in other.pattern.split("*"))
        matches = re.fullmatch(expression, self.pattern, re.IGNORECASE) is not None
        return self.kind == other.kind and matches and other.excluded <= self.excluded


def _rights(inputs: Mapping[str, Any]) -> list[_Right]:
    rights = [
        _Right(
            kind=kind,
            pattern=text_of(action),
            excluded=frozenset(text_of(item) for item in permission.get(excluding) or ()),
        )
        for permission in inputs.get("permissions") or ()
        for kind, excluding in _EXCLUDING.items()
        for action in permission.get(kind) or ()
    ]
    scopes = inputs.get("assignableScopes") or ()
    return [*rights, *(_Right(kind="assignableScopes", pattern=text_of(scope)) for scope in scopes)]
