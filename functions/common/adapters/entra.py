"""Authorization of the callers of the HTTP functions, by their Entra ID access token.

https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import cast

import jwt

from common.adapters.signing_keys import SigningKeys
from common.domain.errors import AuthorizationError
from common.settings import OperatorPrincipal

_AUTHORITY = "https://login.microsoftonline.com"


class Operators:
    """The principals that may call the HTTP functions, with tokens of one tenant for one audience.

    A user or service principal is identified by the claim `oid`, a group by the claim `groups`.
    """

    def __init__(self, principals: Sequence[OperatorPrincipal], *, tenant: str | None, audience: str | None) -> None:
        ids = [(principal.principal_type, principal.object_id.lower()) for principal in principals]
        self._group_ids = frozenset(object_id for principal_type, object_id in ids if principal_type == "Group")
        self._object_ids = frozenset(object_id for principal_type, object_id in ids if principal_type != "Group")
        self._tenant = tenant
        self._audience = audience
        self._keys = SigningKeys(f"{_AUTHORITY}/{tenant}/discovery/v2.0/keys")

    async def check(self, authorization: str | None) -> str:
        """Return the object ID of the caller.

        Args:
            authorization: the value of the header Authorization, or None.

        Raises:
            AuthorizationError: the caller has no valid token, or is no operator.
        """
        if not ((self._object_ids or self._group_ids) and self._tenant and self._audience):
            raise AuthorizationError(403, "nobody may call this app: the stack's operators and apiAudience are not set")
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise AuthorizationError(401, "the request has no bearer token")
        try:
            key = await asyncio.to_thread(self._keys.get_signing_key_from_jwt, token)
            claims: dict[str, object] = jwt.decode(
                token,
                key.key,
                algorithms=["RS256"],
                audience=self._audience,
                # Issuers of tokens of version 1 and of version 2; the app registration says which version it accepts.
                issuer=[f"https://sts.windows.net/{self._tenant}/", f"{_AUTHORITY}/{self._tenant}/v2.0"],
                options={"require": ["exp", "iss", "aud", "oid"]},
            )
        except jwt.PyJWKClientConnectionError as error:
            raise AuthorizationError(503, f"the token cannot be checked: {error}") from error
        except jwt.PyJWTError as error:
            raise AuthorizationError(401, f"the token was refused: {error}") from error
        caller = str(claims["oid"]).lower()
        if caller not in self._object_ids and not self._group_ids & _group_ids(claims):
            raise AuthorizationError(403, self._explain_rejection(caller, claims))
        return caller

    def _explain_rejection(self, caller: str, claims: Mapping[str, object]) -> str:
        """Return why the caller is no operator, and what to change if the token may be the only reason."""
        if self._group_ids and _has_groups_overage(claims):
            return (
                f"{caller} is in more groups than a token can hold, so the token names none: set groupMembershipClaims"
                " of the app registration to ApplicationGroup and assign the operators' groups to the application, or"
                f" list {caller} itself among the stack's operators"
            )
        if self._group_ids and "groups" not in claims:
            return (
                f"{caller} is not among the stack's operators, and the token names no groups: set groupMembershipClaims"
                " of the app registration to SecurityGroup"
            )
        return f"{caller} is not among the stack's operators, nor is any group that the token names"


def _group_ids(claims: Mapping[str, object]) -> frozenset[str]:
    """Return the object IDs of the groups that the token names.

    https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference#payload-claims
    """
    groups: object = claims.get("groups")
    return (
        frozenset(str(group).lower() for group in cast("list[object]", groups))
        if isinstance(groups, list)
        else frozenset()
    )


def _has_groups_overage(claims: Mapping[str, object]) -> bool:
    """Return whether the caller has more groups than a token holds (200), so that it names none.

    https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference#groups-overage-claim
    """
    names: object = claims.get("_claim_names")
    return "hasgroups" in claims or (isinstance(names, dict) and "groups" in names)
