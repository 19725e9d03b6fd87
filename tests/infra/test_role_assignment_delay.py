"""New role assignments are waited for once, and nothing else is."""

import pytest

from infra.dynamic.role_assignment_delay import _DelayProvider
from tests.conftest import RecordedResource, Recorder, run_program

DEFINITION = "authorization:RoleDefinition"


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    seconds: list[int] = []
    monkeypatch.setattr("infra.dynamic.role_assignment_delay.time.sleep", seconds.append)
    return seconds


def state(*ids: str, seconds: int = 120, **changed: str) -> dict[str, object]:
    """The delay's state; a changed principal (or role) of an assignment is given by the assignment's id."""
    return {"entries": [{"id": name, "principalId": changed.get(name, "p")} for name in ids], "seconds": seconds}


def test_the_first_time_waits(slept: list[int]) -> None:
    created = _DelayProvider().create(state("a", "b"))
    assert (created.id, created.outs) == ("delay", state("a", "b"))
    assert slept == [120]


def test_a_later_run_without_new_assignments_has_nothing_to_do() -> None:
    assert _DelayProvider().diff("id", state("a", "b"), state("a", "b")).changes is False
    assert _DelayProvider().diff("id", state("a"), state("a", seconds=5)).changes is False


def test_a_new_assignment_is_waited_for_and_a_removed_one_is_not(slept: list[int]) -> None:
    assert _DelayProvider().diff("id", state("a"), state("a", "b")).changes is True
    assert _DelayProvider().update("id", state("a", "b"), state("a")).outs == state("a")
    assert slept == []
    _DelayProvider().update("id", state("a"), state("a", "b", seconds=7))
    assert slept == [7]


def test_an_assignment_that_is_replaced_under_its_own_id_is_waited_for(slept: list[int]) -> None:
    assert _DelayProvider().diff("id", state("a", "b"), state("a", "b", b="other")).changes is True
    _DelayProvider().update("id", state("a", "b"), state("a", "b", b="other"))
    assert slept == [120]


def delay(recorder: Recorder, name: str) -> RecordedResource:
    (resource,) = [resource for resource in recorder.resources if resource.name == name]
    return resource


def test_every_assignment_is_waited_for_before_what_relies_on_it(dev: Recorder) -> None:
    wait = delay(dev, "role-assignment-delay")
    assignments = [*dev.of_type("authorization:RoleAssignment"), *dev.of_type("cosmosdb:SqlResourceSqlRoleAssignment")]
    entries = {entry["id"]: entry for entry in wait.inputs["entries"]}
    for assignment in assignments:
        inputs = {key: assignment.inputs[key] for key in ("principalId", "roleDefinitionId", "scope")}
        assert entries.pop(assignment.id) == {"id": assignment.id, **inputs}
    # What is left are the custom roles: a changed role takes as long to reach the services as a new assignment.
    assert {key.rpartition("::")[2]: entry["dataActions"] for key, entry in entries.items()} == {
        definition.name: sorted(definition.inputs["permissions"][0]["dataActions"])
        for kind in ("authorization:RoleDefinition", "cosmosdb:SqlResourceSqlRoleDefinition")
        for definition in dev.of_type(kind)
    }
    for kind, name in (
        ("web:WebApp", "app-site"),
        ("eventgrid:SystemTopicEventSubscription", "blob-event-subscription"),
    ):
        assert f"{wait.type}::{wait.name}" in dev.one(kind, name).dependencies


def test_a_feature_that_changes_a_role_is_waited_for(slept: list[int], dev: Recorder) -> None:
    safety = run_program("dev", {"features": ["tags", "objects", "people", "read", "caption", "safety"]})
    for name in ("role-definition-delay", "role-assignment-delay"):
        old, new = delay(dev, name).inputs, delay(safety, name).inputs
        _DelayProvider().update("id", old, new)
        assert slept.pop() == int(new["seconds"]) > 0


def test_a_custom_role_is_assigned_after_the_delay_behind_its_definition(dev: Recorder) -> None:
    wait = delay(dev, "role-definition-delay")
    definitions = {definition.inputs["roleDefinitionId"]: definition for definition in dev.of_type(DEFINITION)}
    assert {f"{item.type}::{item.name}" for item in definitions.values()} <= wait.dependencies
    own = [
        assignment
        for assignment in dev.of_type("authorization:RoleAssignment")
        if assignment.inputs["roleDefinitionId"].rpartition("/")[2] in definitions
    ]
    assert len(own) == 5
    assert all(f"{wait.type}::{wait.name}" in assignment.dependencies for assignment in own)


def test_on_azure_the_delays_are_minutes_and_in_the_emulator_a_second(dev: Recorder) -> None:
    local = run_program("local")
    seconds = {
        name: (int(delay(dev, name).inputs["seconds"]), int(delay(local, name).inputs["seconds"]))
        for name in ("role-definition-delay", "role-assignment-delay")
    }
    assert seconds == {"role-definition-delay": (60, 1), "role-assignment-delay": (300, 1)}
