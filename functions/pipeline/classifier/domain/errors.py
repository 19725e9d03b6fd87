"""The errors of the pipeline. Adapters and analyzers raise these, never an SDK's own.

PipelineError
├── EventError                       the message is no event about a blob in the images container: poison, at once
├── ImageRejectedError               the image can never be analyzed: a record, `rejected`
├── BlobNotFoundError                the blob does not exist: its record is removed
├── UnexpectedResponseError          a response that cannot be read: a record, `failed`, and poison, at once
├── OperationLimitError              too many operations had no result: a record, `failed`, and poison, at once
├── RetryLaterError                  transient: the message is requeued with back-off, until its retry deadline
│   ├── ThrottledError               one account of a pool rejected a call with 429
│   ├── LeasedError                  another worker holds the lease on the analysis
│   ├── OperationRunningError        the service has not finished the analysis: no attempt, requeued without back-off
│   └── OperationLostError           the operation will have no result: another one is started
│       └── OperationThrottledError  its model was called too often: it does not count as one without a result
└── ConfigurationError               what was configured does not exist: requeued slowly, with an alert
    └── AnalyzerConfigurationError   the analyzer rejects the request whatever the image

The base classes, and the errors that both apps have, are those of `common.domain.errors`.
"""

from common.domain.errors import ConfigurationError, PipelineError, RetryLaterError
from common.domain.models import Limit, MeasuredValue, Reason


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


class UnexpectedResponseError(PipelineError):
    """The response of a service cannot be read; another call would be charged again. `code` is stable."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class OperationLimitError(PipelineError):
    """Several long-running operations for one image had no result; each further one may be charged again."""

    code = "OperationLimit"


class ThrottledError(RetryLaterError):
    """The rate of calls is limited; the next call is allowed in `retry_after_seconds`."""

    exact = True


class LeasedError(RetryLaterError):
    """Another worker is analyzing the same content; its lease expires in `retry_after_seconds`."""

    exact = True


class OperationRunningError(RetryLaterError):
    """A long-running operation is not finished; its result may be requested in `retry_after_seconds`."""

    exact = True


class OperationLostError(RetryLaterError):
    """A long-running operation will have no result: it failed, ran for too long, or does not exist any more."""


class OperationThrottledError(OperationLostError):
    """A long-running operation failed because the model that it needs was called too often."""


class AnalyzerConfigurationError(ConfigurationError):
    """The analyzer rejects the request, whatever the image."""
