"""Role assignments and role definitions: what is added, widened, narrowed and removed."""

from collections.abc import Mapping
from typing import Any

import pytest

from checks.plan.changes import collect_pairs
from checks.plan.role_names import BUILT_IN_ROLES
from checks.plan.roles import RoleAssignmentChange, RoleDefinitionChange, RoleEffect, find_role_changes
from infra import BuiltInRole
from tests.support.plan_builder import preview_of, state, step

GROUP = "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/st"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
ASSIGNMENT = {
    "roleDefinitionId": f"/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/{READER}",
    "principalId": "principal",
    "principalType": "ServicePrincipal",
    "scope": ACCOUNT,
}


def assignment_changes(
    op: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> list[RoleAssignmentChange]:
    sides = [None if inputs is None else state("authorization:RoleAssignment", inputs) for inputs in (before, after)]
    assignments, _ = find_role_changes(collect_pairs(preview_of(step(op, "a", before=sides[0], after=sides[1]))))
    return assignments


def definition_changes(
    op: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> list[RoleDefinitionChange]:
    sides = [None if inputs is None else state("authorization:RoleDefinition", inputs) for inputs in (before, after)]
    _, definitions = find_role_changes(collect_pairs(preview_of(step(op, "a", before=sides[0], after=sides[1]))))
    return definitions


def test_every_built_in_role_of_the_program_has_a_name() -> None:
    names = {role: BUILT_IN_ROLES[role.value].upper().replace(" ", "_") for role in BuiltInRole}
    names = {role: name.removeprefix("COGNITIVE_SERVICES_") for role, name in names.items()}
    assert names == {role: role.name for role in BuiltInRole}


def test_an_added_assignment_names_role_principal_and_scope() -> None:
    assert assignment_changes("create", None, ASSIGNMENT) == [
        RoleAssignmentChange(
            effect=RoleEffect.ADDED,
            name="a",
            role="Storage Blob Data Reader",
            principal="principal",
            principal_type="ServicePrincipal",
            scope=ACCOUNT,
        )
    ]


@pytest.mark.parametrize(
    ("changed", "effect", "before"),
    [
        ({"scope": GROUP}, "widened", f"scope {ACCOUNT}"),
        ({"scope": f"{ACCOUNT}/blobServices/default/containers/images"}, "narrowed", f"scope {ACCOUNT}"),
        # Another account, whose name begins with that of the first one.
        ({"scope": f"{ACCOUNT}2"}, "changed", f"scope {ACCOUNT}"),
        ({"scope": UNKNOWN}, "changed", f"scope {ACCOUNT}"),
        ({"principalId": "other"}, "changed", "principal principal"),
        (
            {"roleDefinitionId": "/x/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "scope": GROUP},
            "changed",
            f"role Storage Blob Data Reader, scope {ACCOUNT}",
        ),
        ({"condition": "x"}, "changed", "condition (none)"),
    ],
)
def test_a_changed_assignment(changed: dict[str, str], effect: str, before: str) -> None:
    (change,) = assignment_changes("replace", ASSIGNMENT, {**ASSIGNMENT, **changed})
    assert (change.effect, change.before) == (effect, before)
    assert change.effect.grants is (effect != "narrowed")


def test_an_assignment_whose_description_changes_grants_nothing() -> None:
    assert assignment_changes("update", ASSIGNMENT, {**ASSIGNMENT, "description": "x"}) == []


def test_a_removed_assignment_is_described_as_it_was() -> None:
    (change,) = assignment_changes("delete", ASSIGNMENT, None)
    assert (change.effect, change.role, change.scope) == ("removed", "Storage Blob Data Reader", ACCOUNT)
    assert not change.effect.grants


def role(*data_actions: str, scopes: tuple[str, ...] = (ACCOUNT,), **permission: list[str]) -> dict[str, Any]:
    return {
        "roleName": "Role",
        "roleDefinitionId": "r",
        "permissions": [{"dataActions": [*data_actions], **permission}],
        "assignableScopes": [*scopes],
    }


@pytest.mark.parametrize(
    ("before", "after", "effect", "added", "removed"),
    [
        (role("A/read"), role("A/read", "A/write"), "widened", ["A/write"], []),
        (role("A/read", "A/write"), role("A/read"), "narrowed", [], ["A/write"]),
        # More is allowed and less: that counts as more.
        (role("A/read"), role("A/write"), "widened", ["A/write"], ["A/read"]),
        (role("A/read"), role("A/*"), "widened", ["A/*"], []),
        (role("A/*"), role("A/read"), "narrowed", [], ["A/*"]),
        (
            role("A/read"),
            role("A/read", scopes=(GROUP,)),
            "widened",
            [f"assignable at {GROUP}"],
            [f"assignable at {ACCOUNT}"],
        ),
        # A pattern of actions covers neither data actions nor scopes.
        (role(actions=["*"]), role("A/read", actions=["*"]), "widened", ["A/read"], []),
        (role(actions=["*"]), role(actions=["*"], scopes=(ACCOUNT, GROUP)), "widened", [f"assignable at {GROUP}"], []),
        (role("A/*", notDataActions=["A/write"]), role("A/*"), "widened", ["A/*"], []),
        (role("A/*"), role("A/*", notDataActions=["A/write"]), "narrowed", [], ["A/*"]),
        # What is not known before the deployment may be more.
        (role("A/read"), role(UNKNOWN), "widened", ["(known after the deployment)"], ["A/read"]),
    ],
)
def test_a_changed_definition(
    before: dict[str, Any], after: dict[str, Any], effect: str, added: list[str], removed: list[str]
) -> None:
    (change,) = definition_changes("update", before, after)
    assert (change.effect, change.added, change.removed) == (effect, added, removed)
    assert change.effect.grants is (effect == "widened")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (role("A/read"), role("A/READ")),
        (role("A/*"), role("A/*", "A/read")),
        (role("A/read", "B/read"), role("B/read", "A/read")),
        (role("A/read"), {**role("A/read"), "description": "x"}),
    ],
)
def test_a_definition_that_allows_the_same_is_no_change(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert definition_changes("update", before, after) == []


def test_an_assignment_of_a_role_of_the_same_preview_has_its_name() -> None:
    definition = step("create", "r", after=state("authorization:RoleDefinition", role("A/read")))
    created = {**ASSIGNMENT, "roleDefinitionId": "/x/roleDefinitions/R"}
    assigned = step("create", "a", after=state("authorization:RoleAssignment", created))
    (assignment,), (added,) = find_role_changes(collect_pairs(preview_of(definition, assigned)))
    assert assignment.role == "Role"
    assert (added.effect, added.added) == ("added", ["A/read", f"assignable at {ACCOUNT}"])


def test_a_scope_is_not_wider_because_its_name_is_the_beginning_of_another() -> None:
    (change,) = assignment_changes("replace", {**ASSIGNMENT, "scope": f"{ACCOUNT}2"}, ASSIGNMENT)
    assert change.effect is RoleEffect.CHANGED
