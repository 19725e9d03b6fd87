"""Validation of the access tokens that callers of HTTP functions send.

https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens
https://learn.microsoft.com/entra/identity-platform/claims-validation
"""

import asyncio
from collections.abc import Mapping
from typing import cast

import jwt

from common.adapters.signing_keys import SigningKeys
from common.domain.errors import AuthorizationError
from common.domain.principal import AppRole, Principal

_AUTHORITY = "https://login.microsoftonline.com"
# How far the clocks of Entra ID and of the app may differ.
_CLOCK_SKEW_SECONDS = 60
# Those that tokens of both versions have.
_REQUIRED_CLAIMS = ("aud", "exp", "iat", "iss", "nbf", "oid", "tid", "ver")
# What the caller is told, by the error of PyJWT; a subclass stands before its base class.
_REFUSALS: Mapping[type[jwt.PyJWTError], str] = {
    jwt.ExpiredSignatureError: "the token has expired",
    jwt.ImmatureSignatureError: "the token is not valid yet",
    jwt.InvalidAlgorithmError: "the token is not signed with RS256",
    jwt.InvalidSignatureError: "the token's signature is wrong",
    jwt.MissingRequiredClaimError: "the token is no access token: a claim is missing",
    jwt.PyJWKClientError: "the token is signed with a key that the tenant does not have",
}


class TokenValidator:
    """Validates version 2 access tokens of one tenant for one application.

    Args:
        tenant_id: The tenant whose tokens are valid; None if the app has no sign-in, so that every caller is rejected.
        client_id: The application (client) id of the API's app registration, which is the audience of its tokens; None
            if the app has no sign-in.
    """

    def __init__(self, *, tenant_id: str | None, client_id: str | None) -> None:
        self._tenant_id = tenant_id
        self._client_id = client_id
        self._keys = SigningKeys(f"{_AUTHORITY}/{tenant_id}/discovery/v2.0/keys")

    async def authorize(self, authorization: str | None, role: AppRole) -> Principal:
        """Return the caller, who has the app role.

        Args:
            authorization: The value of the header Authorization, or None.
            role: The app role that the caller needs.

        Raises:
            AuthorizationError: As `authenticate`; 403 too if the caller does not have the role.
        """
        principal = await self.authenticate(authorization)
        principal.require(role)
        return principal

    async def authenticate(self, authorization: str | None) -> Principal:
        """Return the caller, whatever app roles the caller has.

        Args:
            authorization: The value of the header Authorization, or None.

        Raises:
            AuthorizationError: 401 if there is no valid token, 403 if the app has no sign-in, 503 if the tenant's
                signing keys cannot be fetched. The text names what is wrong, and nothing of the token's content.
        """
        if not (self._tenant_id and self._client_id):
            raise AuthorizationError(403, "nobody may call this app: it was deployed without sign-in (setting signIn)")
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise AuthorizationError(401, "the request has no bearer token")
        try:
            key = await asyncio.to_thread(self._keys.get_signing_key_from_jwt, token)
            claims: dict[str, object] = jwt.decode(
                token,
                key.key,
                algorithms=["RS256"],
                leeway=_CLOCK_SKEW_SECONDS,
                # The audience is compared below: a token of version 1 has another one, and is to be named as such.
                options={"require": [*_REQUIRED_CLAIMS], "verify_aud": False},
            )
        except jwt.PyJWKClientConnectionError as error:
            raise AuthorizationError(503, f"the token cannot be checked: {error}") from error
        except jwt.PyJWTError as error:
            raise AuthorizationError(401, _refusal(error)) from error
        self._check_claims(claims)
        return Principal(object_id=str(claims["oid"]).lower(), app_roles=_app_roles(claims))

    def _check_claims(self, claims: Mapping[str, object]) -> None:
        """Raise AuthorizationError unless the token is of version 2, of the tenant, and for the application."""
        if claims["ver"] != "2.0":
            raise AuthorizationError(
                401,
                "the token is not of version 2: set requestedAccessTokenVersion of the app registration to 2",
            )
        # An ID token for the same application is signed by the same keys and has the same issuer, audience and roles,
        # but no azp:
        # https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference#payload-claims
        # https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference#payload-claims
        if "azp" not in claims:
            raise AuthorizationError(401, _REFUSALS[jwt.MissingRequiredClaimError])
        if claims["iss"] != f"{_AUTHORITY}/{self._tenant_id}/v2.0" or claims["tid"] != self._tenant_id:
            raise AuthorizationError(401, "the token is of another tenant")
        if claims["aud"] != self._client_id:
            raise AuthorizationError(401, "the token is for another application")


def _refusal(error: jwt.PyJWTError) -> str:
    """The sentence about a token that cannot be decoded."""
    for error_type, sentence in _REFUSALS.items():
        if isinstance(error, error_type):
            return sentence
    return "the token is not a valid JSON web token"


def _app_roles(claims: Mapping[str, object]) -> frozenset[str]:
    """The app roles in the claim `roles`, which is missing when none is assigned."""
    roles = claims.get("roles")
    return frozenset(map(str, cast("list[object]", roles))) if isinstance(roles, list) else frozenset()
