"""Errors of Azure that pass are waited for, for a while; the others end the deployment with what to do."""

import asyncio

import pulumi
import pytest

from infra.core.error_hooks import KnownError, should_retry, waits
from infra.core.known_errors import (
    ACCOUNT_LOCKED,
    FOUNDRY_ACCOUNT_BUSY,
    IDENTITY_REFUSED,
    NOT_REPLICATED,
    PRINCIPAL_NOT_FOUND,
    PRIVATE_LINK_TARGET_NOT_READY,
    TERMS_NOT_ACCEPTED,
    VECTOR_SEARCH_INACTIVE,
)
from tests.conftest import Recorder, run_program

# As Azure answers, from the issues and pages that are cited in infra/core/known_errors.py.
ROLE = (
    'Status=404 Code="RoleDefinitionDoesNotExist" Message="The specified role definition with ID \'x\' does not exist."'
)
PRINCIPAL = (
    'Status=400 Code="PrincipalNotFound" Message="Principal 0123 does not exist in the directory 4567.'
    ' Check that you have the correct principal ID."'
)
LOCK = (
    'Status=412 Code="PreconditionFailed" Message="There is another user operation in progress which requires an'
    ' exclusive lock on [cosmos]. Please retry after sometime.\r\nActivityId: 838da911"'
)
COSMOS_PRINCIPAL = (
    'Code="BadRequest" Message="The provided principal ID [0123] was not found in the AAD tenant(s) [4567] which are'
    " associated with the customer's subscription.\""
)
VECTORS = (
    'Code="BadRequest" Message="Message: {\\"Errors\\":[\\"A Container Vector Policy has been provided, but the'
    ' capability has not been enabled on your account.\\"]}"'
)
TERMS = (
    "ResourceKindRequireAcceptTerms: This subscription cannot create ComputerVision until you agree to Responsible AI"
    " terms for this resource."
)
BUSY = (
    'Status=409 Code="RequestConflict" Message="Another operation is being performed on the parent resource'
    " '/subscriptions/0123'. Please try again later.\""
)
ACCEPTED = (
    'Status=400 Code="AccountProvisioningStateInvalid" Message="Call to Microsoft.CognitiveServices/accounts failed.'
    ' Error message: Account /subscriptions/0123/x in state Accepted"'
)
DEPLOYER = 'Code="AuthorizationFailed" Message="The client does not have authorization or permission to perform action"'


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    errors: list[str] = []
    monkeypatch.setattr("infra.core.error_hooks.pulumi.log.error", errors.append)
    monkeypatch.setattr("infra.core.error_hooks.pulumi.log.info", lambda _message: None)
    return errors


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    seconds: list[int] = []

    async def sleep(duration: int) -> None:
        seconds.append(duration)

    monkeypatch.setattr("infra.core.error_hooks.asyncio.sleep", sleep)
    return seconds


def answer_of_hook(error: str, *known: KnownError, failures: int = 1) -> bool:
    """What the hook answers to this error, after so many failures."""
    errors = [error, *["an earlier error"] * (failures - 1)]
    args = pulumi.ErrorHookArgs(urn="u", id="", name="it", type="t", failed_operation="create", errors=errors)
    return asyncio.run(should_retry(args, *known))


@pytest.mark.parametrize(
    ("known", "error"),
    [
        (NOT_REPLICATED, ROLE),
        (NOT_REPLICATED, PRINCIPAL),
        (ACCOUNT_LOCKED, LOCK),
        (PRINCIPAL_NOT_FOUND, COSMOS_PRINCIPAL),
        (VECTOR_SEARCH_INACTIVE, VECTORS),
        (FOUNDRY_ACCOUNT_BUSY, BUSY),
        (FOUNDRY_ACCOUNT_BUSY, ACCEPTED),
        (PRIVATE_LINK_TARGET_NOT_READY, ACCEPTED),
        (IDENTITY_REFUSED, "Forbidden: the managed identity of the topic cannot write to the queue"),
        (IDENTITY_REFUSED, "Event Grid could not\nreach it: This request is not authorized to perform this operation"),
    ],
)
def test_an_error_that_passes_is_waited_for_with_back_off_and_then_explained(
    known: KnownError, error: str, logged: list[str], slept: list[int]
) -> None:
    failures = 1
    while answer_of_hook(error, known, failures=failures):
        failures += 1
    assert slept[:6] == [5, 10, 20, 40, 60, 60]
    assert known.retry_seconds - 60 < sum(slept) <= known.retry_seconds
    # The engine ends after a hundred.
    assert failures < 100
    (message,) = logged
    assert message.startswith("it: ")
    assert "Running `pulumi up` again is safe" in message


def test_the_terms_of_vision_are_for_a_person_to_accept(logged: list[str], slept: list[int]) -> None:
    assert answer_of_hook(TERMS, TERMS_NOT_ACCEPTED) is False
    assert slept == []
    (message,) = logged
    assert "create one Computer Vision resource in the portal" in message
    assert "run `pulumi up` again" in message


@pytest.mark.parametrize("known", [NOT_REPLICATED, ACCOUNT_LOCKED, VECTOR_SEARCH_INACTIVE, IDENTITY_REFUSED])
@pytest.mark.parametrize("error", ["Conflict: the name is taken", DEPLOYER])
def test_any_other_error_ends_the_deployment_at_once(
    known: KnownError, error: str, logged: list[str], slept: list[int]
) -> None:
    assert answer_of_hook(error, known) is False
    assert (logged, slept) == ([], [])


def test_of_several_known_errors_the_latest_counts(slept: list[int], logged: list[str]) -> None:
    assert answer_of_hook(VECTORS, ACCOUNT_LOCKED, VECTOR_SEARCH_INACTIVE, failures=14) is True
    assert answer_of_hook(LOCK, ACCOUNT_LOCKED, VECTOR_SEARCH_INACTIVE, failures=14) is False
    assert slept == [60]
    assert len(logged) == 1


def test_an_error_that_does_not_pass_is_never_waited_for() -> None:
    assert list(waits(0)) == []


def hooks(recorder: Recorder) -> dict[str, str]:
    """The known errors of each resource that has a hook, by type and name."""
    return {
        f"{resource.kind} {resource.name}": hook.removeprefix(f"{resource.name}-")
        for resource in recorder.resources
        for hook in resource.error_hooks
    }


def test_what_azure_may_refuse_for_a_while_has_a_hook(dev: Recorder) -> None:
    hook_names = hooks(dev)
    for kind, errors in {
        "authorization:RoleAssignment": NOT_REPLICATED.name,
        "cosmosdb:SqlResourceSqlDatabase": ACCOUNT_LOCKED.name,
        "cosmosdb:SqlResourceSqlContainer": ACCOUNT_LOCKED.name,
        "cosmosdb:SqlResourceSqlRoleDefinition": ACCOUNT_LOCKED.name,
        "cosmosdb:SqlResourceSqlRoleAssignment": f"{ACCOUNT_LOCKED.name}-{PRINCIPAL_NOT_FOUND.name}",
        "eventgrid:SystemTopicEventSubscription": IDENTITY_REFUSED.name,
        "cognitiveservices:Account": TERMS_NOT_ACCEPTED.name,
    }.items():
        resources = dev.of_type(kind)
        assert resources
        assert {hook_names.pop(f"{kind} {resource.name}") for resource in resources} == {errors}
    assert hook_names == {}


def test_private_endpoints_wait_for_their_targets() -> None:
    recorder = run_program("dev", {"networkAccess": "private"})
    hook_names = hooks(recorder)
    endpoints = recorder.of_type("network:PrivateEndpoint")
    assert endpoints
    names = {hook_names[f"network:PrivateEndpoint {endpoint.name}"] for endpoint in endpoints}
    assert names == {PRIVATE_LINK_TARGET_NOT_READY.name}


def test_only_the_container_with_vectors_waits_for_vector_search() -> None:
    hook_names = hooks(run_program("dev", {"features": ["tags", "embeddings"]}))
    containers = {name.split()[1]: errors for name, errors in hook_names.items() if "SqlContainer" in name}
    assert containers == {
        "records-images": f"{ACCOUNT_LOCKED.name}-{VECTOR_SEARCH_INACTIVE.name}",
        "records-analyses": ACCOUNT_LOCKED.name,
    }
