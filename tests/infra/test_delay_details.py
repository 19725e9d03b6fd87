"""What the delays compare of a role definition, and which errors of a subnet's request pass."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.rest import HttpRequest

from infra.core.errors import SubnetReleaseError
from infra.dynamic.role_assignment_delay import _definition_entry
from infra.dynamic.subnet_release_delay import wait_for_release
from tests.infra.test_code_deployment import Answer

LINK = "/subnets/app/serviceAssociationLinks/legionservicelink"


class Known:
    """An output whose value is known."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def apply(self, function: Callable[[Any], Any]) -> Any:
        return function(self._value)


def entry(permissions: Any, scopes: Any) -> Any:
    definition: Any = SimpleNamespace(id="/role", permissions=Known(permissions), assignable_scopes=Known(scopes))
    return _definition_entry(definition)


def test_the_order_in_which_azure_lists_actions_and_scopes_is_no_change() -> None:
    permissions = [SimpleNamespace(data_actions=["write", "delete"]), SimpleNamespace(data_actions=["read"])]
    assert entry(permissions, ["/groups/b", "/groups/a"]) == {
        "id": "/role",
        "dataActions": ["delete", "read", "write"],
        "assignableScopes": ["/groups/a", "/groups/b"],
    }


@pytest.mark.parametrize("permissions", [None, [], [SimpleNamespace(data_actions=None)]])
def test_a_definition_without_permissions_or_data_actions_has_none(permissions: Any) -> None:
    assert entry(permissions, None) == {"id": "/role", "dataActions": [], "assignableScopes": []}


def test_an_error_of_the_client_does_not_pass() -> None:
    answers = [Answer(200, {"properties": {"serviceAssociationLinks": [{"id": LINK}]}}), Answer(499, {})]

    def send(_request: HttpRequest) -> Any:
        return answers.pop(0)

    with pytest.raises(SubnetReleaseError, match="could not be read: 499"):
        wait_for_release(send, "/subnets/app", timeout_seconds=30, first_wait_seconds=0)
    assert answers == []
