"""The public keys for the signatures of a tenant's tokens."""

import logging
import time
from collections.abc import Callable
from typing import override

import jwt

# The intervals that Microsoft recommends: "The time-to-live of keys in the cache should be configured to 24 hours, with
# refreshes happening every hour"; for a key id that is not known "no more frequently than 5mins".
# https://learn.microsoft.com/entra/identity-platform/signing-key-rollover#keys-metadata-caching-algorithm
_REFRESH_SECONDS = 3600
_LIFETIME_SECONDS = 24 * 3600
_RETRY_SECONDS = 300
_TIMEOUT_SECONDS = 10
_log = logging.getLogger("classifier")


class SigningKeys(jwt.PyJWKClient):
    """The keys at an address: fetched every hour, and used for up to a day after the last successful fetch.

    PyJWKClient itself drops expired keys whether or not it can fetch them again, so that every token is rejected while
    the address is unavailable (https://github.com/jpadilla/pyjwt/issues/1162).
    """

    def __init__(self, uri: str, *, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__(uri, timeout=_TIMEOUT_SECONDS, cooldown_duration=_RETRY_SECONDS)
        self._now = now
        self._keys: jwt.PyJWKSet | None = None
        self._fetched_at = 0.0
        self._refresh_at = 0.0

    @override
    def get_jwk_set(self, refresh: bool = False) -> jwt.PyJWKSet:
        """Return the keys; fetch them again if they are older than an hour.

        Args:
            refresh: fetch them again in any case.

        Raises:
            jwt.PyJWKClientConnectionError: the keys could not be fetched for a day.
        """
        now = self._now()
        if self._keys is not None and not refresh and now < self._refresh_at:
            return self._keys
        try:
            self._keys = super().get_jwk_set(refresh=True)
            self._fetched_at = now
            self._refresh_at = now + _REFRESH_SECONDS
        except (jwt.PyJWTError, ValueError) as error:
            if self._keys is None or now - self._fetched_at > _LIFETIME_SECONDS:
                raise jwt.PyJWKClientConnectionError(f"the signing keys could not be fetched: {error}") from error
            _log.warning("the signing keys could not be fetched; the known ones stay in use: %s", error)
            self._refresh_at = now + _RETRY_SECONDS
        return self._keys
