"""Rules on sign-in: which settings belong to which way of having an app registration."""

from collections.abc import Iterator, Sequence
from typing import Literal

from infra.config.stack_config import Violation
from infra.core.context import DirectoryPrincipal

SignIn = Literal["existing", "create", "none"]

# What stacks/ has where each organization has an app registration of its own.
PLACEHOLDER_APPLICATION_ID = "00000000-0000-0000-0000-000000000000"
_NOT_CREATED = "nothing, unless signIn is create"
_ASSIGNED_ELSEWHERE = f"{_NOT_CREATED}; the roles of an existing app registration are assigned in Microsoft Entra ID"


def sign_in_violations(
    *,
    sign_in: SignIn,
    application_id: str | None,
    redirect_uris: Sequence[str],
    readers: Sequence[DirectoryPrincipal],
    operators: Sequence[DirectoryPrincipal],
) -> Iterator[Violation]:
    """Yield the rules that are not met."""
    if sign_in == "existing" and application_id is None:
        yield Violation(
            setting="apiApplicationId",
            allowed="the application (client) id of the app registration, because signIn is existing",
            other_settings=("signIn",),
        )
    if sign_in != "existing" and application_id is not None:
        yield Violation(
            setting="apiApplicationId", allowed="nothing, unless signIn is existing", other_settings=("signIn",)
        )
    if sign_in == "create":
        return
    if redirect_uris:
        yield Violation(setting="spaRedirectUris", allowed=_NOT_CREATED, other_settings=("signIn",))
    for setting, principals in (("readers", readers), ("operators", operators)):
        if principals:
            yield Violation(setting=setting, allowed=_ASSIGNED_ELSEWHERE, other_settings=("signIn",))


def sign_in_warnings(*, sign_in: SignIn, application_id: str | None) -> Iterator[str]:
    """Yield what a stack without working sign-in lacks."""
    if sign_in == "none":
        yield ("signIn is none: no API app is deployed, and nobody can call redrive and backfill (docs/sign-in.md)")
    if application_id == PLACEHOLDER_APPLICATION_ID:
        yield (
            f"apiApplicationId is the placeholder {PLACEHOLDER_APPLICATION_ID}: nobody can sign in until it is the"
            " application (client) id of an app registration (docs/sign-in.md)"
        )
