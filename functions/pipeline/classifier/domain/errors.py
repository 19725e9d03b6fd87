"""The errors of the pipeline. Adapters and analyzers raise these, never an SDK's own.

PipelineError
├── EventError                       the message is no event about a blob in the images container: poison, at once
├── ImageRejectedError               the image can never be analyzed: a record, `rejected`
├── BlobNotFoundError                the blob does not exist: its record is removed
├── ConcurrencyError                 the item has changed since it was read: read it again
├── UnexpectedResponseError          a response that cannot be read: a record, `failed`, and poison, at once
├── AuthorizationError               the caller of an HTTP function may not do this: 401 or 403
├── RetryLaterError                  transient: the message is requeued with back-off, until its retry deadline
│   ├── ThrottledError               one account of a pool rejected a call with 429
│   ├── LeasedError                  another worker holds the lease on the analysis
│   └── AccessDeniedError            401, 403 or no token: transient while a role assignment may be propagating,
│                                    afterwards treated as a configuration error
└── ConfigurationError               what was configured does not exist: requeued slowly, with an alert
    └── AnalyzerConfigurationError   the analyzer rejects the request whatever the image
"""

from classifier.domain.models import Limit, MeasuredValue, Reason


class PipelineError(Exception):
    """Base class of the errors that have a defined outcome."""


class EventError(PipelineError, ValueError):
    """The message is no event about a blob in the images container; the text says what is wrong with it."""


class ImageRejectedError(PipelineError):
    """The image can never be analyzed, however often it is tried.

    Attributes:
        code: stable identifier of the reason.
        measured: the measured value that exceeds a limit, or None.
        limit: the limit, or None.
    """

    def __init__(self, code: str, sentence: str, *, measured: MeasuredValue = None, limit: Limit = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.measured = measured
        self.limit = limit

    def reason(self) -> Reason:
        """Return the value of the record's field `reason`."""
        return Reason(code=self.code, sentence=str(self), measured=self.measured, limit=self.limit)


class BlobNotFoundError(PipelineError):
    """The blob does not exist."""


class ConcurrencyError(PipelineError):
    """The item has changed since it was last read."""


class UnexpectedResponseError(PipelineError):
    """The response of a service cannot be read; another call would be charged again. `code` is stable."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class AuthorizationError(PipelineError):
    """The caller may not do this; `status` is 401 (no valid token) or 403 (the token is not an operator's)."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class RetryLaterError(PipelineError):
    """A transient error; nothing is wrong with the message or the image.

    `retry_after_seconds` is the shortest time before the next attempt. If `exact` is true, no back-off is added to it.
    """

    exact = False

    def __init__(self, sentence: str, *, retry_after_seconds: float = 0.0) -> None:
        super().__init__(sentence)
        self.retry_after_seconds = retry_after_seconds


class ThrottledError(RetryLaterError):
    """The rate of calls is limited; the next call is allowed in `retry_after_seconds`."""

    exact = True


class LeasedError(RetryLaterError):
    """Another worker is analyzing the same content; its lease expires in `retry_after_seconds`."""

    exact = True


class AccessDeniedError(RetryLaterError):
    """The service denied access to the identity, or Entra ID issued no token."""


class ConfigurationError(PipelineError):
    """A configured resource does not exist or cannot be used; a deployment has to change that. `code` is stable."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class AnalyzerConfigurationError(ConfigurationError):
    """The analyzer rejects the request, whatever the image."""
