"""New role assignments are waited for once, and nothing else is."""

import pytest

from infra.propagation import _Wait
from tests.conftest import Recorder


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    seconds: list[int] = []
    monkeypatch.setattr("infra.propagation.time.sleep", seconds.append)
    return seconds


def state(*assignments: str, seconds: int = 120) -> dict[str, object]:
    return {"assignments": [*assignments], "seconds": seconds}


def test_the_first_time_waits(slept: list[int]) -> None:
    assert _Wait().create(state("a", "b")).outs == state("a", "b")
    assert slept == [120]


def test_a_later_run_without_new_grants_has_nothing_to_do() -> None:
    assert _Wait().diff("id", state("a", "b"), state("a", "b")).changes is False
    assert _Wait().diff("id", state("a"), state("a", seconds=5)).changes is False


def test_a_new_grant_is_waited_for_and_a_lost_one_is_not(slept: list[int]) -> None:
    assert _Wait().diff("id", state("a"), state("a", "b")).changes is True
    _Wait().update("id", state("a", "b"), state("a"))
    assert slept == []
    _Wait().update("id", state("a"), state("a", "b", seconds=7))
    assert slept == [7]


def test_every_grant_is_waited_for_before_what_relies_on_it(dev: Recorder) -> None:
    (wait,) = [resource for resource in dev.resources if resource.name == "grants-in-force"]
    grants = [*dev.of_type("authorization:RoleAssignment"), *dev.of_type("cosmosdb:SqlResourceSqlRoleAssignment")]
    assert set(wait.inputs["assignments"]) == {grant.id for grant in grants}
    for kind, name in (("web:WebApp", "app-site"), ("eventgrid:SystemTopicEventSubscription", "route")):
        assert f"{wait.type}::{wait.name}" in dev.one(kind, name).dependencies
