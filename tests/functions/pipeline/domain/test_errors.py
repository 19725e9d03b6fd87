"""The tree of the pipeline's errors, and their attributes."""

import pytest
from classifier.domain.errors import (
    AnalyzerConfigurationError,
    BlobNotFoundError,
    EventError,
    ImageRejectedError,
    LeasedError,
    OperationLimitError,
    OperationLostError,
    OperationThrottledError,
    ThrottledError,
    UnexpectedResponseError,
)
from common.domain.errors import (
    AccessDeniedError,
    AuthorizationError,
    ConcurrencyError,
    ConfigurationError,
    PipelineError,
    RetryLaterError,
)

from tests.support.in_memory_services import as_json


@pytest.mark.parametrize(
    ("error", "parents"),
    [
        (EventError("e"), (PipelineError, ValueError)),
        (ImageRejectedError("C", "s"), (PipelineError,)),
        (BlobNotFoundError("b"), (PipelineError,)),
        (ConcurrencyError("i"), (PipelineError,)),
        (UnexpectedResponseError("C", "s"), (PipelineError,)),
        (OperationLimitError("s"), (PipelineError,)),
        (AuthorizationError(401, "s"), (PipelineError,)),
        (RetryLaterError("s"), (PipelineError,)),
        (ThrottledError("s"), (RetryLaterError,)),
        (LeasedError("s"), (RetryLaterError,)),
        (OperationLostError("s"), (RetryLaterError,)),
        (OperationThrottledError("s"), (OperationLostError,)),
        (AccessDeniedError("s"), (RetryLaterError,)),
        (ConfigurationError("C", "s"), (PipelineError,)),
        (AnalyzerConfigurationError("C", "s"), (ConfigurationError,)),
    ],
)
def test_the_errors_form_one_tree(error: Exception, parents: tuple[type[Exception], ...]) -> None:
    assert type(error).__bases__ == parents


def test_errors_keep_what_they_are_given() -> None:
    assert as_json(ImageRejectedError("C", "why").reason()) == {
        "code": "C",
        "sentence": "why",
        "measured": None,
        "limit": None,
    }
    assert (AuthorizationError(403, "no").status, str(AuthorizationError(403, "no"))) == (403, "no")
    assert (RetryLaterError("later").retry_after_seconds, str(RetryLaterError("later"))) == (0.0, "later")
    for error in (ConfigurationError("C", "why"), UnexpectedResponseError("C", "why")):
        assert (error.code, str(error)) == ("C", "why")
