"""Claims of version 2 tokens for deployed applications.

https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
"""

import secrets
import uuid
from typing import Any

from emulator.core.directory import Application, Directory
from emulator.core.tenant import AUTHORITY, TENANT_ID
from emulator.core.users import User, find_user

# Entra ID chooses 60 to 90 minutes:
# https://learn.microsoft.com/entra/identity-platform/access-tokens#token-lifetime
LIFETIME_SECONDS = 3600
_NAMESPACE = uuid.UUID("3b0d2f0e-6d0e-4b53-9b8e-6c1d7b1d4a55")


class NotAssignedError(Exception):
    """The application requires an app role, and the principal has none; the message is Entra ID's."""


def access_token_claims(
    application: Application, directory: Directory, *, object_id: str, client_id: str, scope: str | None, now: int
) -> dict[str, Any]:
    """Return the claims of an access token.

    Args:
        application: What the token is for.
        directory: The tenant, whose app role assignments decide about the claim `roles`.
        object_id: The principal that the token is about.
        client_id: The application that requests the token.
        scope: The delegated permissions; None for a principal that is no user.
        now: The time, in seconds since 1970.

    Raises:
        NotAssignedError: The principal gets no token for the application.
    """
    app_roles = check_assignment(application, directory, object_id)
    claims = {
        **_common_claims(application, object_id, now),
        "azp": client_id,
        # A public client, or one that has signed in with a certificate.
        "azpacr": "0" if scope is not None else "2",
    }
    user = find_user(object_id)
    if user is not None:
        claims |= _profile(user)
    if app_roles:
        claims["roles"] = app_roles
    if scope is not None:
        claims["scp"] = scope
    return claims


def id_token_claims(
    application: Application, directory: Directory, *, user: User, nonce: str | None, now: int
) -> dict[str, Any]:
    """Return the claims of an ID token. Raises NotAssignedError if the user gets no token for the application."""
    app_roles = check_assignment(application, directory, user.object_id)
    claims = {**_common_claims(application, user.object_id, now), **_profile(user)}
    if app_roles:
        claims["roles"] = app_roles
    if nonce is not None:
        claims["nonce"] = nonce
    return claims


def check_assignment(application: Application, directory: Directory, object_id: str) -> list[str]:
    """Return the app roles of a principal. Raises NotAssignedError if the application requires one, and it has none."""
    app_roles = directory.app_roles_of(object_id, application)
    if application.assignment_required and not app_roles:
        user = find_user(object_id)
        if user is None:
            raise NotAssignedError(
                f"AADSTS501051: Application '{object_id}' is not assigned to a role for the application"
                f" '{application.client_id}'({application.display_name})."
            )
        raise NotAssignedError(
            f"AADSTS50105: Your administrator has configured the application {application.display_name}"
            f" ('{application.client_id}') to block users unless they are specifically granted ('assigned') access to"
            f" the application. The signed in user '{user.principal_name}' is blocked because they are not a direct"
            " member of a group with access, nor had access directly assigned by an administrator."
        )
    return app_roles


def _common_claims(application: Application, object_id: str, now: int) -> dict[str, Any]:
    return {
        "aud": application.client_id,
        "iss": f"{AUTHORITY}/{TENANT_ID}/v2.0",
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME_SECONDS,
        "oid": object_id,
        # A principal has another subject in each application.
        "sub": str(uuid.uuid5(_NAMESPACE, f"{application.client_id}/{object_id}")),
        "tid": TENANT_ID,
        "uti": secrets.token_urlsafe(16),
        "ver": "2.0",
    }


def _profile(user: User) -> dict[str, str]:
    return {"name": user.display_name, "preferred_username": user.principal_name}
