"""Every error that the pipeline knows; adapters and analyzers raise these and no SDK's own.

PipelineError
├── EventError                       the message is no event about a blob in our container: poison, at once
├── ImageRejectedError               the image can never be analyzed: a record, `rejected`
├── BlobNotFoundError                the blob does not exist: its record is removed
├── ConcurrencyError                 the item has changed since it was read: read it again
├── UnexpectedResponseError          an answer that cannot be read: a record, `failed`, and poison, at once
├── AuthorizationError               the caller of an HTTP function may not do this: 401 or 403
├── RetryLaterError                  transient: the message is requeued with back-off, until its retry deadline
│   ├── ThrottledError               one account of a pool refused a call with 429
│   ├── LeasedError                  another worker holds the lease on the analysis
│   └── AccessDeniedError            401, 403 or no token: transient while a role assignment may be on its way,
│                                    afterwards treated as a configuration error
└── ConfigurationError               what was configured does not exist: requeued slowly, with an alert
└── AnalyzerConfigurationError   the analyzer refuses the request whatever the image
"""

from typing import Any


class PipelineError(Exception):
    """An error with a defined outcome."""


class EventError(PipelineError, ValueError):
    """The message is no event about a blob in our container; the text names what is wrong with it."""


class ImageRejectedError(PipelineError):
    """The image can never be analyzed, however often it is tried.

    `code` is stable, the text is for people; `measured` and `limit` are by how much it fails, where that is a number.
    """

    def __init__(self, code: str, sentence: str, *, measured: Any = None, limit: Any = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.measured = measured
        self.limit = limit

    def reason(self) -> dict[str, Any]:
        """The `reason` of a record."""
        return {"code": self.code, "sentence": str(self), "measured": self.measured, "limit": self.limit}


class BlobNotFoundError(PipelineError):
    """The blob does not exist."""


class ConcurrencyError(PipelineError):
    """The item has changed since it was last read."""


class UnexpectedResponseError(PipelineError):
    """A service answered what the code cannot read; asking again would be paid for again. `code` is stable."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class AuthorizationError(PipelineError):
    """The caller may not do this; `status` is 401 (no valid token) or 403 (no operator's token)."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class RetryLaterError(PipelineError):
    """A transient error; nothing is wrong with the message or the image.

    `retry_after_seconds` is the least time before another try; with `exact`, another try is worth making then, and
    back-off is not applied on top.
    """

    exact = False

    def __init__(self, sentence: str, *, retry_after_seconds: float = 0.0) -> None:
        super().__init__(sentence)
        self.retry_after_seconds = retry_after_seconds


class ThrottledError(RetryLaterError):
    """Calls are limited; `retry_after_seconds` is when the next one is allowed."""

    exact = True


class LeasedError(RetryLaterError):
    """Another worker analyzes the same content; its lease ends in `retry_after_seconds`."""

    exact = True


class AccessDeniedError(RetryLaterError):
    """The service refused the identity, or there was no token for it."""


class ConfigurationError(PipelineError):
    """What was configured does not exist, or is not usable; only a deployment can change that. `code` is stable."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class AnalyzerConfigurationError(ConfigurationError):
    """The analyzer refuses the request whatever the image."""
