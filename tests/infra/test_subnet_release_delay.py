"""The virtual network is deleted only when Azure has released the subnet of the function app."""

from typing import Any

import pytest
from azure.core.rest import HttpRequest

from infra.core.errors import SubnetReleaseError
from infra.dynamic.subnet_release_delay import wait_for_release
from tests.infra.test_code_deployment import Answer

SUBNET = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/app"
LINK = f"{SUBNET}/serviceAssociationLinks/legionservicelink"
HELD = (200, {"properties": {"serviceAssociationLinks": [{"id": LINK}]}})
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
    manager = Manager(HELD, HELD, (503, {}), HELD, FREE)
    wait_for_release(manager, SUBNET, first_wait_seconds=0.01)
    assert manager.requests == 5
    assert capfd.readouterr().err == f"waiting for Azure to remove legionservicelink from {SUBNET}\n"


def test_a_subnet_that_stays_held_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(SubnetReleaseError, match=r"legionservicelink is still there .*run `pulumi destroy` again"):
        wait_for_release(Manager(HELD), SUBNET, timeout_seconds=0.05, first_wait_seconds=0.01)


@pytest.mark.parametrize("answers", [[(403, {})], [HELD, (403, {})]])
def test_a_deployer_who_may_not_read_the_subnet_gets_an_error_at_once(answers: list[tuple[int, Any]]) -> None:
    with pytest.raises(SubnetReleaseError, match=r"403 .*virtualNetworks/subnets/read"):
        wait_for_release(Manager(*answers), SUBNET, timeout_seconds=30, first_wait_seconds=0.01)
