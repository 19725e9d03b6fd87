"""A name that a deleted Vision account still holds is freed before it is used again."""

from typing import Any

import pytest
from azure.core.rest import HttpRequest

from infra.core.errors import AccountPurgeError
from infra.dynamic.purge_deleted_account import purge_deleted_account
from tests.infra.test_code_deployment import Answer

DELETED = "/subscriptions/s/providers/Microsoft.CognitiveServices/locations/x/resourceGroups/g/deletedAccounts/v"


class Manager:
    """Azure Resource Manager, going through the given answers."""

    def __init__(self, *answers: int) -> None:
        self.answers = [*answers]
        self.asked: list[str] = []

    def __call__(self, request: HttpRequest) -> Any:
        assert request.url.startswith(f"{DELETED}?api-version=")
        self.asked.append(request.method)
        return Answer(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])


def test_a_free_name_is_left_alone() -> None:
    manager = Manager(404)
    purge_deleted_account(manager, DELETED)
    assert manager.asked == ["GET"]


def test_a_name_that_is_held_is_purged_and_waited_for() -> None:
    manager = Manager(200, 202, 200, 200, 404)
    purge_deleted_account(manager, DELETED, first_wait_seconds=0.01)
    assert manager.asked == ["GET", "DELETE", "GET", "GET", "GET"]


def test_a_deployer_who_may_not_look_goes_on() -> None:
    manager = Manager(403)
    purge_deleted_account(manager, DELETED)
    assert manager.asked == ["GET"]


def test_a_deployer_who_may_not_purge_is_told_what_to_do() -> None:
    with pytest.raises(
        AccountPurgeError, match=r"deletedAccounts/v holds the name .*az cognitiveservices account purge"
    ):
        purge_deleted_account(Manager(200, 403), DELETED)


def test_a_purge_that_takes_too_long_is_no_success() -> None:
    with pytest.raises(AccountPurgeError, match="still there"):
        purge_deleted_account(Manager(200, 202, 200), DELETED, timeout_seconds=0.05, first_wait_seconds=0.01)
