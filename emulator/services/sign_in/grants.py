"""What the sign-in endpoints remember: sessions, pending requests, codes and refresh tokens, until the daemon ends."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from emulator.core.users import User
from emulator.services.sign_in.authorization import AuthorizationRequest, Scopes

# https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow#successful-response
_CODE_SECONDS = 600
# Refresh tokens of single-page applications last a day from the first one on:
# https://learn.microsoft.com/entra/identity-platform/refresh-tokens#token-lifetime
_REFRESH_SECONDS = 24 * 3600
_PENDING_SECONDS = 600


@dataclass(kw_only=True)
class Code:
    """An authorization code, which can be redeemed once."""

    request: AuthorizationRequest
    user: User
    expires_at: float
    redeemed: bool = False


@dataclass(frozen=True, kw_only=True)
class RefreshToken:
    """A refresh token; what replaces it expires at the same time."""

    client_id: str
    origin: str
    scopes: Scopes
    user: User
    expires_at: float


@dataclass(frozen=True, kw_only=True)
class PendingRequest:
    """A request whose user has not been chosen yet."""

    request: AuthorizationRequest
    expires_at: float


@dataclass(kw_only=True)
class Grants:
    """Everything that is remembered, by secrets that only the browser has.

    Attributes:
        now: The clock, in seconds.
    """

    now: Callable[[], float] = time.time
    _sessions: dict[str, User] = field(default_factory=dict)
    _pending: dict[str, PendingRequest] = field(default_factory=dict)
    _codes: dict[str, Code] = field(default_factory=dict)
    _refresh_tokens: dict[str, RefreshToken] = field(default_factory=dict)

    def start_session(self, user: User) -> str:
        """Return the cookie of a new session."""
        cookie = secrets.token_urlsafe(32)
        self._sessions[cookie] = user
        return cookie

    def end_session(self, cookie: str | None) -> None:
        """Sign the user of a session out."""
        self._sessions.pop(cookie or "", None)

    def session_user(self, cookie: str | None) -> User | None:
        """Return who is signed in, or None."""
        return self._sessions.get(cookie or "")

    def add_pending(self, request: AuthorizationRequest) -> str:
        """Return the id under which a request waits for the choice of a user."""
        now = self.now()
        self._pending = {id_: pending for id_, pending in self._pending.items() if pending.expires_at > now}
        id_ = secrets.token_urlsafe(32)
        self._pending[id_] = PendingRequest(request=request, expires_at=now + _PENDING_SECONDS)
        return id_

    def take_pending(self, id_: str) -> AuthorizationRequest | None:
        """Return and forget a waiting request; None if there is none."""
        pending = self._pending.pop(id_, None)
        return pending.request if pending is not None and pending.expires_at > self.now() else None

    def issue_code(self, request: AuthorizationRequest, user: User) -> str:
        """Return a new authorization code."""
        code = secrets.token_urlsafe(48)
        self._codes[code] = Code(request=request, user=user, expires_at=self.now() + _CODE_SECONDS)
        return code

    def find_code(self, code: str) -> Code | None:
        """Return an authorization code that has not expired, redeemed or not; None for any other."""
        known = self._codes.get(code)
        return known if known is not None and known.expires_at > self.now() else None

    def issue_refresh_token(
        self, *, client_id: str, origin: str, scopes: Scopes, user: User, before: RefreshToken | None
    ) -> str:
        """Return a new refresh token; `before` is the one that it replaces, if any."""
        token = secrets.token_urlsafe(64)
        self._refresh_tokens[token] = RefreshToken(
            client_id=client_id,
            origin=origin,
            scopes=scopes,
            user=user,
            expires_at=before.expires_at if before is not None else self.now() + _REFRESH_SECONDS,
        )
        return token

    def find_refresh_token(self, token: str) -> RefreshToken | None:
        """Return a refresh token, expired or not; None if it is unknown."""
        return self._refresh_tokens.get(token)

    def is_expired(self, token: RefreshToken) -> bool:
        """Return whether a refresh token has expired."""
        return token.expires_at <= self.now()
