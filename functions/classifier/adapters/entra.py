"""Who calls the app: their Entra access token, checked as Microsoft asks.

https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import jwt

from classifier.errors import AuthorizationError

_AUTHORITY = "https://login.microsoftonline.com"


class Operators:
    """Those who may: the users and identities with these object ids, in this tenant, with tokens for this audience."""

    def __init__(self, object_ids: Sequence[str], *, tenant: str | None, audience: str | None) -> None:
        self._object_ids = frozenset(object_id.lower() for object_id in object_ids)
        self._tenant = tenant
        self._audience = audience
        self._keys = jwt.PyJWKClient(f"{_AUTHORITY}/{tenant}/discovery/v2.0/keys", timeout=10)

    async def check(self, authorization: str | None) -> str:
        """The caller's object id. Raises AuthorizationError."""
        if not (self._object_ids and self._tenant and self._audience):
            raise AuthorizationError(403, "nobody may call this app: the stack's operators and apiAudience are not set")
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise AuthorizationError(401, "the request has no bearer token")
        try:
            key = await asyncio.to_thread(self._keys.get_signing_key_from_jwt, token)
            claims: dict[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=["RS256"],
                audience=self._audience,
                # Of version 1 and of version 2, whichever the application asks for.
                issuer=[f"https://sts.windows.net/{self._tenant}/", f"{_AUTHORITY}/{self._tenant}/v2.0"],
                options={"require": ["exp", "iss", "aud", "oid"]},
            )
        except jwt.PyJWTError as error:
            raise AuthorizationError(401, f"the token was refused: {error}") from error
        caller = str(claims["oid"]).lower()
        if caller not in self._object_ids:
            raise AuthorizationError(403, f"{caller} is not among the stack's operators")
        return caller
