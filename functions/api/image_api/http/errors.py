"""The problem that each error is answered with."""

import logging

from common.domain.errors import (
    AuthorizationError,
    ConfigurationError,
    InvalidQueryError,
    PipelineError,
    QueryTooExpensiveError,
    RetryLaterError,
)
from common.settings import SettingsError

from image_api.domain.errors import MissingRightError
from image_api.domain.problems import ProblemError, ProblemType

_log = logging.getLogger("image_api")
# When a request may be sent again if the failing service does not say.
_RETRY_AFTER_SECONDS = 5.0
# A role assignment takes up to 30 minutes to become effective; a client may ask more often.
_ACCESS_RETRY_AFTER_SECONDS = 60.0


def problem_of(error: Exception, request_id: str) -> ProblemError:
    """Return the problem that an error is answered with, and log what the answer does not say."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, AuthorizationError):
        return _authorization_problem(error)
    if isinstance(error, InvalidQueryError):
        return ProblemError(ProblemType.INVALID_REQUEST, str(error))
    if isinstance(error, QueryTooExpensiveError):
        return ProblemError(ProblemType.QUERY_TOO_EXPENSIVE, f"{error}. Narrow it, for example by its time range.")
    if isinstance(error, MissingRightError):
        _log.error("request %s: %s", request_id, error)
        return ProblemError(
            ProblemType.ACCESS_DENIED,
            f"{error.service} denied access to the API's identity, which needs the action {error.right}. "
            "A new role assignment takes up to 30 minutes to become effective.",
            retry_after_seconds=_ACCESS_RETRY_AFTER_SECONDS,
        )
    if isinstance(error, RetryLaterError):
        _log.warning("request %s: %s", request_id, error)
        return ProblemError(
            ProblemType.UNAVAILABLE,
            "A service that the API needs is busy or cannot be reached. Send the request again later.",
            retry_after_seconds=max(error.retry_after_seconds, _RETRY_AFTER_SECONDS),
        )
    if isinstance(error, TimeoutError):
        _log.warning("request %s was stopped because it took too long", request_id)
        return ProblemError(
            ProblemType.UNAVAILABLE,
            "The request took too long. Send it again later.",
            retry_after_seconds=_RETRY_AFTER_SECONDS,
        )
    if isinstance(error, ConfigurationError):
        _log.error("request %s: %s", request_id, error)
        detail = f"A resource that the API is configured with does not exist or cannot be used ({error.code})."
        return ProblemError(ProblemType.MISCONFIGURED, detail)
    if isinstance(error, SettingsError):
        _log.error("request %s: %s", request_id, error)
        return ProblemError(
            ProblemType.MISCONFIGURED, "App settings of the API are missing or wrong; its log has them."
        )
    if isinstance(error, PipelineError):
        _log.error("request %s: %s", request_id, error)
    else:
        _log.error("request %s failed", request_id, exc_info=error)
    return ProblemError(ProblemType.INTERNAL_ERROR, "The request failed; the log of the API has the reason.")


def _authorization_problem(error: AuthorizationError) -> ProblemError:
    if error.status == 401:
        return ProblemError(ProblemType.UNAUTHENTICATED, str(error))
    if error.status == 403:
        return ProblemError(ProblemType.FORBIDDEN, str(error))
    _log.warning("%s", error)
    detail = "The access token cannot be checked at the moment. Send the request again later."
    return ProblemError(ProblemType.UNAVAILABLE, detail, retry_after_seconds=_RETRY_AFTER_SECONDS)
