"""Headers of every response: security, caching, and cross-origin resource sharing (CORS)."""

from collections.abc import Mapping, Sequence

# https://owasp.org/www-project-secure-headers/: nothing that the API answers may be framed, sniffed or run. Responses
# belong to one caller, so no shared cache stores them.
SECURITY_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_EXPOSED_HEADERS = "ETag, Location, Retry-After, Server-Timing"
_ALLOWED_HEADERS = "Authorization, Content-Type, If-None-Match"
# Browsers ask again after this time: Chromium's own limit (https://chromestatus.com/feature/5639277192245248).
_MAX_AGE_SECONDS = 7200


class CrossOriginPolicy:
    """Which web pages of other origins may read the API's responses: exactly those of the configured origins.

    The API answers preflight requests itself. The platform's CORS would answer them before the app is started, and has
    no way to expose headers such as ETag and Server-Timing (docs/decisions/0044).
    """

    def __init__(self, allowed_origins: Sequence[str]) -> None:
        self._allowed_origins = frozenset(allowed_origins)

    def response_headers(self, origin: str | None) -> dict[str, str]:
        """Return the headers of a response to a request of a page of this origin; None if the request names none."""
        # A cache must not give one origin's response to another.
        headers = {"Vary": "Origin"}
        if origin is not None and origin in self._allowed_origins:
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
            headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return headers

    def preflight_headers(self, origin: str | None, methods: Sequence[str]) -> dict[str, str]:
        """Return the headers of the response to a preflight request for a path that has these methods."""
        headers = self.response_headers(origin)
        if "Access-Control-Allow-Origin" in headers:
            headers["Access-Control-Allow-Methods"] = ", ".join(methods)
            headers["Access-Control-Allow-Headers"] = _ALLOWED_HEADERS
            headers["Access-Control-Max-Age"] = str(_MAX_AGE_SECONDS)
        return headers
