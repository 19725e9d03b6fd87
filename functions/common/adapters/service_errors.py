"""Maps the errors of Azure's SDKs to errors of the pipeline.

404, 409 and 412 have a meaning of their own in each operation, so the adapters handle them.
"""

import re
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType

import aiohttp
from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError, IncompleteReadError

from common.domain.circuit_breaker import CircuitBreaker
from common.domain.errors import AccessDeniedError, ConfigurationError, PipelineError, RetryLaterError

# 410 and 449 are Cosmos DB's: https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb
_TRANSIENT = frozenset({408, 410, 429, 449})
_DENIED = frozenset({401, 403})
# The host name does not exist, or has no address; a failing resolver returns EAI_AGAIN:
# https://man7.org/linux/man-pages/man3/getaddrinfo.3.html
_UNKNOWN_HOST = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})
_MILLISECOND_HEADERS = ("retry-after-ms", "x-ms-retry-after-ms")


def retry_after_seconds(headers: Mapping[str, str]) -> float:
    """Return the seconds after which the service may be called again, by its response headers; 0 without such a header.

    https://learn.microsoft.com/rest/api/cosmos-db/common-cosmosdb-rest-response-headers (x-ms-retry-after-ms);
    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    for name in _MILLISECOND_HEADERS:
        if re.fullmatch(r"\d+(\.\d+)?", text := headers.get(name) or ""):
            return float(text) / 1000
    text = headers.get("Retry-After") or ""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    try:
        retry_at = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(0.0, (retry_at.replace(tzinfo=retry_at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def service_error(error: BaseException, service: str) -> PipelineError | None:
    """Return the transient or configuration error that an SDK's error stands for; None for any other error."""
    sentence = f"{service}: {_first_line(error)}"
    if isinstance(error, HttpResponseError) and not isinstance(error, IncompleteReadError):
        return _map_response_error(error, sentence)
    if isinstance(error, AzureError | aiohttp.ClientError | OSError):
        if _host_is_unknown(error):
            return ConfigurationError("UnknownHost", sentence)
        return RetryLaterError(sentence)
    return None


def _map_response_error(error: HttpResponseError, sentence: str) -> PipelineError | None:
    status = error.status_code
    if status in _DENIED:
        return AccessDeniedError(sentence)
    if isinstance(error, ClientAuthenticationError):  # Entra ID issued no token; a service itself answers 401 or 403
        return AccessDeniedError(sentence)
    if status is not None and (status in _TRANSIENT or status >= 500):
        headers: Mapping[str, str] = getattr(error.response, "headers", None) or {}
        return RetryLaterError(sentence, retry_after_seconds=retry_after_seconds(headers))
    return None


def _host_is_unknown(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, socket.gaierror) and error.errno in _UNKNOWN_HOST:
            return True
        error = getattr(error, "os_error", None) or error.__cause__
    return False


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:300]


class ServiceBoundary:
    """A context manager for each call to one service: maps the SDK's errors to errors of the pipeline.

    With a circuit breaker, calls to a failing service are stopped for a time.
    """

    def __init__(self, service: str, breaker: CircuitBreaker | None = None) -> None:
        self._service = service
        self._breaker = breaker

    def __enter__(self) -> None:
        if self._breaker is not None:
            self._breaker.check()
            self._breaker.reserve()

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if error is None:
            if self._breaker is not None:
                self._breaker.on_success()
            return
        mapped = error if isinstance(error, PipelineError) else service_error(error, self._service)
        if self._breaker is not None:
            if isinstance(mapped, RetryLaterError | ConfigurationError):
                self._breaker.on_failure(mapped)
            elif isinstance(error, HttpResponseError | PipelineError):
                self._breaker.on_success()  # the service responded
        if mapped is not None and mapped is not error:
            raise mapped from error
