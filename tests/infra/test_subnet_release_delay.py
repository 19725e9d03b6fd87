"""The virtual network is deleted only when Azure has released the subnet of the function app."""

from collections.abc import Callable
from typing import Any

import pytest
from azure.core.rest import HttpRequest, HttpResponse

from infra.core.errors import SubnetReleaseError
from infra.dynamic.subnet_release_delay import _SubnetReleaseProvider, wait_for_release
from tests.infra.test_code_deployment import Answer

SUBNET = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/app"
LINK = f"{SUBNET}/serviceAssociationLinks/legionservicelink"
IN_USE = (200, {"properties": {"serviceAssociationLinks": [{"id": LINK}]}})
FREE = (200, {"properties": {"serviceAssociationLinks": []}})


class Manager:
    """Azure Resource Manager, going through the given answers and then repeating the last."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers = [*answers]
        self.requests = 0

    def __call__(self, request: HttpRequest) -> Any:
        assert request.method == "GET"
        assert request.url == f"{SUBNET}?api-version=2024-05-01"
        self.requests += 1
        return Answer(*(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]))


@pytest.mark.parametrize("free", [FREE, (200, {"properties": {}}), (404, {})])
def test_a_free_subnet_is_not_waited_for(free: tuple[int, Any]) -> None:
    manager = Manager(free)
    wait_for_release(manager, SUBNET)
    assert manager.requests == 1


def test_a_held_subnet_is_waited_for_and_named(capfd: pytest.CaptureFixture[str]) -> None:
    manager = Manager(IN_USE, IN_USE, (503, {}), IN_USE, FREE)
    wait_for_release(manager, SUBNET, first_wait_seconds=0.01)
    assert manager.requests == 5
    assert capfd.readouterr().err == f"waiting for Azure to remove legionservicelink from {SUBNET}\n"


def test_a_subnet_that_stays_held_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(SubnetReleaseError, match=r"legionservicelink is still there .*run `pulumi destroy` again"):
        wait_for_release(Manager(IN_USE), SUBNET, timeout_seconds=0.05, first_wait_seconds=0.01)


@pytest.mark.parametrize("answers", [[(403, {})], [IN_USE, (403, {})]])
def test_a_deployer_who_may_not_read_the_subnet_gets_an_error_at_once(answers: list[tuple[int, Any]]) -> None:
    with pytest.raises(SubnetReleaseError, match=r"403 .*virtualNetworks/subnets/read"):
        wait_for_release(Manager(*answers), SUBNET, timeout_seconds=30, first_wait_seconds=0.01)


@pytest.mark.parametrize("status", [500, 503, 599])
def test_an_error_of_the_server_passes(status: int) -> None:
    manager = Manager(IN_USE, (status, {}), FREE)
    wait_for_release(manager, SUBNET, timeout_seconds=30, first_wait_seconds=0.01)
    assert manager.requests == 3


def test_a_subnet_is_waited_for_up_to_45_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[tuple[float, float]] = []

    def poll_until(
        poll: Callable[[], HttpResponse],
        is_done: Callable[[HttpResponse], bool],
        *,
        timeout_seconds: float,
        first_wait_seconds: float,
    ) -> HttpResponse:
        response = poll()
        assert not is_done(response)
        waits.append((timeout_seconds, first_wait_seconds))
        return response

    monkeypatch.setattr("infra.dynamic.subnet_release_delay.poll_until", poll_until)
    with pytest.raises(SubnetReleaseError, match=f"^{LINK} is still there 45 minutes after the function app"):
        wait_for_release(Manager(IN_USE), SUBNET)
    assert waits == [(2700, 1)]


def test_every_link_that_holds_the_subnet_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    links = {"properties": {"serviceAssociationLinks": [{"id": f"{SUBNET}/x/one"}, {"id": f"{SUBNET}/x/two"}]}}
    with pytest.raises(SubnetReleaseError, match=f"^{SUBNET}/x/one, {SUBNET}/x/two is still there"):
        wait_for_release(Manager((200, links)), SUBNET, timeout_seconds=0)
    assert capfd.readouterr().err.startswith("waiting for Azure to remove one, two from ")


def test_nothing_is_waited_for_until_the_resource_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    waited_for: list[tuple[object, str]] = []
    monkeypatch.setattr("infra.dynamic.subnet_release_delay.authenticated_client", lambda: "management")
    monkeypatch.setattr("infra.dynamic.subnet_release_delay.wait_for_release", lambda *args: waited_for.append(args))
    created = _SubnetReleaseProvider().create({"subnet_id": SUBNET})
    assert (created.id, created.outs) == (SUBNET, {"subnet_id": SUBNET})
    assert waited_for == []
    _SubnetReleaseProvider().delete("id", {"subnet_id": SUBNET})
    assert waited_for == [("management", SUBNET)]


@pytest.mark.parametrize(("other", "replaces"), [(SUBNET, []), ("another", ["subnet_id"])])
def test_another_subnet_is_another_resource(other: str, replaces: list[str]) -> None:
    diff = _SubnetReleaseProvider().diff("id", {"subnet_id": SUBNET}, {"subnet_id": other})
    assert (diff.changes, diff.replaces) == (bool(replaces), replaces)
