"""The errors of both apps. Adapters raise these, never an SDK's own.

PipelineError
├── ConcurrencyError         the item has changed since it was read: read it again
├── AuthorizationError       the caller of an HTTP function may not do this: 401, 403 or 503
├── InvalidQueryError        a query is not allowed as it is: a limit is exceeded, or its cursor is of another query
├── QueryTooExpensiveError   a query reached the limit of request units before its first result
├── RetryLaterError          transient: what failed may succeed when it is tried again
│   └── AccessDeniedError    401, 403 or no token: transient while a role assignment may be propagating, afterwards
│                            treated as a configuration error
└── ConfigurationError       what was configured does not exist: only a deployment can change that

`classifier.domain.errors` has those of the pipeline app alone.
"""


class PipelineError(Exception):
    """Base class of the errors that have a defined outcome."""


class ConcurrencyError(PipelineError):
    """The item has changed since it was last read."""


class AuthorizationError(PipelineError):
    """The caller may not do this; `status` is 401 (no valid token), 403 (no app role) or 503 (no signing keys)."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class InvalidQueryError(PipelineError):
    """A query is not allowed as it is; the text names the value and what is allowed."""


class QueryTooExpensiveError(PipelineError):
    """A query reached the limit of request units before its first result; a narrower one may not."""

    def __init__(self, request_units: float, limit: float) -> None:
        super().__init__(f"the query was stopped after {request_units:.0f} request units; {limit:.0f} are allowed")
        self.request_units = request_units


class RetryLaterError(PipelineError):
    """A transient error; nothing is wrong with the message or the image.

    `retry_after_seconds` is the shortest time before the next attempt. If `exact` is true, no back-off is added to it.
    """

    exact = False

    def __init__(self, sentence: str, *, retry_after_seconds: float = 0.0) -> None:
        super().__init__(sentence)
        self.retry_after_seconds = retry_after_seconds


class AccessDeniedError(RetryLaterError):
    """The service denied access to the identity, or Entra ID issued no token."""


class ConfigurationError(PipelineError):
    """A configured resource does not exist or cannot be used; a deployment has to change that. `code` is stable."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
