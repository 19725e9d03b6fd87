"""What Pulumi gets from a resource's error hook: its name, and whether to retry."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pulumi
import pytest

from infra.core.error_hooks import KnownError, error_hooks

LOCKED = KnownError(name="locked", pattern="exclusive lock", advice="Wait.", retry_seconds=600)
ABSENT = KnownError(name="absent", pattern="not found", advice="Create it.", retry_seconds=600)


class Hook:
    """Pulumi's error hook, without the registration in an engine."""

    def __init__(self, name: str, callback: Callable[[pulumi.ErrorHookArgs], Awaitable[bool]]) -> None:
        self.name = name
        self.callback = callback


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The hook of the resource `account`."""

    async def sleep(_seconds: float) -> None:
        pass

    monkeypatch.setattr("infra.core.error_hooks.asyncio.sleep", sleep)
    monkeypatch.setattr("infra.core.error_hooks.pulumi.log.info", lambda _message: None)
    monkeypatch.setattr("infra.core.error_hooks.pulumi.ErrorHook", Hook)
    hooks = error_hooks("account", LOCKED, ABSENT).on_error
    assert hooks is not None
    assert len(hooks) == 1
    return hooks[0]


def test_the_name_of_a_hook_has_the_resource_and_the_errors(hook: Any) -> None:
    assert hook.name == "account-locked-absent"


@pytest.mark.parametrize(
    ("error", "retried"),
    [("it needs an exclusive lock", True), ("the role was NOT FOUND", True), ("the name is taken", False)],
)
def test_a_hook_answers_that_errors_that_pass_are_retried(hook: Any, error: str, *, retried: bool) -> None:
    args = pulumi.ErrorHookArgs(urn="u", id="", name="account", type="t", failed_operation="create", errors=[error])
    assert asyncio.run(hook.callback(args)) is retried
