"""What Azure's services answer, as errors of the pipeline.

404, 409 and 412 belong to one operation each, so they are left to the adapter that knows what they mean there.
"""

import re
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType

import aiohttp
from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError, IncompleteReadError

from classifier.domain.circuit_breaker import CircuitBreaker
from classifier.domain.errors import AccessDeniedError, ConfigurationError, PipelineError, RetryLaterError

# 410 and 449 are Cosmos DB's: https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb
_TRANSIENT = frozenset({408, 410, 429, 449})
_DENIED = frozenset({401, 403})
# The name does not exist, or has no address; a resolver that fails answers EAI_AGAIN:
# https://man7.org/linux/man-pages/man3/getaddrinfo.3.html
_UNKNOWN_HOST = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})
_MILLISECONDS = ("retry-after-ms", "x-ms-retry-after-ms")


def retry_after_seconds(headers: Mapping[str, str]) -> float:
    """When the service asks to be called again; 0 when it does not say.

    https://learn.microsoft.com/rest/api/cosmos-db/common-cosmosdb-rest-response-headers (x-ms-retry-after-ms);
    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    for name in _MILLISECONDS:
        if re.fullmatch(r"\d+(\.\d+)?", text := headers.get(name) or ""):
            return float(text) / 1000
    text = headers.get("Retry-After") or ""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def service_error(error: BaseException, service: str) -> PipelineError | None:
    """The transient or configuration error that an SDK's error stands for; None for any other."""
    sentence = f"{service}: {_first_line(error)}"
    if isinstance(error, HttpResponseError) and not isinstance(error, IncompleteReadError):
        return _of_answer(error, sentence)
    if isinstance(error, AzureError | aiohttp.ClientError | OSError):
        if _host_is_unknown(error):
            return ConfigurationError("UnknownHost", sentence)
        return RetryLaterError(sentence)
    return None


def _of_answer(error: HttpResponseError, sentence: str) -> PipelineError | None:
    status = error.status_code
    if status in _DENIED:
        return AccessDeniedError(sentence)
    if isinstance(error, ClientAuthenticationError):  # no token; a service's own refusals are 401 and 403
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
    """A context for each call of one service: an SDK's transient error leaves it as one of the pipeline's.

    With a `breaker`, a service that keeps failing is not called for a while.
    """

    def __init__(self, service: str, breaker: CircuitBreaker | None = None) -> None:
        self._service = service
        self._breaker = breaker

    def __enter__(self) -> None:
        if self._breaker is not None:
            self._breaker.check()
            self._breaker.reserve()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
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
                self._breaker.on_success()  # it answered
        if mapped is not None and mapped is not error:
            raise mapped from error
