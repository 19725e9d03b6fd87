"""A name that a deleted Vision account still holds is freed before it is used again."""

from collections.abc import Callable
from typing import Any

import pytest
from azure.core.rest import HttpRequest

from infra.core.errors import AccountPurgeError
from infra.dynamic.purge_deleted_account import _PurgeProvider, purge_deleted_account
from tests.infra.test_code_deployment import Answer

DELETED = "/subscriptions/s/providers/Microsoft.CognitiveServices/locations/x/resourceGroups/g/deletedAccounts/v"


class Manager:
    """Azure Resource Manager, going through the given answers."""

    def __init__(self, *answers: int) -> None:
        self.answers = [*answers]
        self.methods: list[str] = []

    def __call__(self, request: HttpRequest) -> Any:
        assert request.url == f"{DELETED}?api-version=2025-06-01"
        self.methods.append(request.method)
        return Answer(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])


def test_a_free_name_is_left_alone() -> None:
    manager = Manager(404)
    purge_deleted_account(manager, DELETED)
    assert manager.methods == ["GET"]


def test_a_name_that_is_held_is_purged_and_waited_for() -> None:
    manager = Manager(200, 202, 200, 200, 404)
    purge_deleted_account(manager, DELETED, first_wait_seconds=0.01)
    assert manager.methods == ["GET", "DELETE", "GET", "GET", "GET"]


def test_a_deployer_who_may_not_look_goes_on() -> None:
    manager = Manager(403)
    purge_deleted_account(manager, DELETED)
    assert manager.methods == ["GET"]


def test_a_deployer_who_may_not_purge_gets_an_error_with_the_remedy() -> None:
    with pytest.raises(
        AccountPurgeError, match=r"deletedAccounts/v holds the name .*az cognitiveservices account purge"
    ):
        purge_deleted_account(Manager(200, 403), DELETED)


def test_a_purge_that_takes_too_long_is_no_success() -> None:
    with pytest.raises(AccountPurgeError, match="still there"):
        purge_deleted_account(Manager(200, 202, 200), DELETED, timeout_seconds=0.05, first_wait_seconds=0.01)


class Purging:
    """Replaces `purge_deleted_account`: records its arguments, and fails if `fails` is set."""

    def __init__(self, *, fails: bool = False) -> None:
        self.purged: list[tuple[object, str]] = []
        self._fails = fails

    def __call__(self, send: object, deleted_account: str) -> None:
        self.purged.append((send, deleted_account))
        if self._fails:
            raise AccountPurgeError("still there")


@pytest.fixture
def purging(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Purging]:
    def start(*, fails: bool = False) -> Purging:
        purging = Purging(fails=fails)
        monkeypatch.setattr("infra.dynamic.purge_deleted_account.purge_deleted_account", purging)
        monkeypatch.setattr("infra.dynamic.purge_deleted_account.authenticated_client", lambda: "management")
        return purging

    return start


def test_a_name_is_freed_before_it_is_used_and_after_its_account_is_deleted(purging: Callable[..., Purging]) -> None:
    purged = purging()
    created = _PurgeProvider().create({"deleted_account": DELETED})
    assert (created.id, created.outs) == (DELETED, {"deleted_account": DELETED})
    assert purged.purged == [("management", DELETED)]
    _PurgeProvider().delete("id", {"deleted_account": DELETED})
    assert purged.purged == [("management", DELETED)] * 2


def test_a_name_that_cannot_be_freed_ends_a_deployment_and_not_a_destruction(purging: Callable[..., Purging]) -> None:
    purging(fails=True)
    with pytest.raises(AccountPurgeError):
        _PurgeProvider().create({"deleted_account": DELETED})
    _PurgeProvider().delete("id", {"deleted_account": DELETED})


@pytest.mark.parametrize(("other", "replaces"), [(DELETED, []), ("another", ["deleted_account"])])
def test_another_name_is_another_resource(other: str, replaces: list[str]) -> None:
    diff = _PurgeProvider().diff("id", {"deleted_account": DELETED}, {"deleted_account": other})
    assert (diff.changes, diff.replaces) == (bool(replaces), replaces)


@pytest.mark.parametrize("status", [200, 202, 204, 404])
def test_a_purge_that_azure_takes_is_waited_for(status: int) -> None:
    manager = Manager(200, status, 404)
    purge_deleted_account(manager, DELETED)
    assert manager.methods == ["GET", "DELETE", "GET"]


@pytest.mark.parametrize("status", [400, 401, 403, 409, 500])
def test_a_purge_that_azure_refuses_is_an_error(status: int) -> None:
    manager = Manager(200, status)
    with pytest.raises(AccountPurgeError, match=f"could not be purged: {status} because"):
        purge_deleted_account(manager, DELETED)
    assert manager.methods == ["GET", "DELETE"]


def test_a_purge_is_waited_for_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[tuple[float, float]] = []

    def poll_until(
        poll: Callable[[], int],
        is_done: Callable[[int], bool],
        *,
        timeout_seconds: float,
        first_wait_seconds: float,
    ) -> int:
        assert not is_done(200)
        waits.append((timeout_seconds, first_wait_seconds))
        return poll()

    monkeypatch.setattr("infra.dynamic.purge_deleted_account.poll_until", poll_until)
    with pytest.raises(AccountPurgeError, match="still there 300 seconds after it was purged"):
        purge_deleted_account(Manager(200, 202, 200), DELETED)
    assert waits == [(300, 1)]
