"""What SDKs raise, as errors of the pipeline; and the breaker that stops the calls of a service that fails."""

import contextlib
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import aiohttp
import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    IncompleteReadError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.identity import CredentialUnavailableError
from classifier.domain.errors import BlobNotFoundError
from common.adapters.service_errors import ServiceBoundary, retry_after_seconds, service_error
from common.domain import timeouts
from common.domain.circuit_breaker import CircuitBreaker
from common.domain.errors import AccessDeniedError, ConfigurationError, PipelineError, RetryLaterError

from tests.support.manual_clock import ManualClock


class Response:
    """What an SDK's error holds of an answer."""

    def __init__(self, status: int, **headers: str) -> None:
        self.status_code, self.reason, self.headers = status, "", headers

    def text(self) -> str:
        return ""


def error_response(
    status: int, kind: type[HttpResponseError] = HttpResponseError, /, **headers: str
) -> HttpResponseError:
    return kind(response=Response(status, **headers))  # type: ignore[arg-type]


def unresolved(errno: int) -> ServiceRequestError:
    """As aiohttp and the SDK's transport wrap what a resolver raises."""
    key: Any = type("Key", (), {"host": "nowhere.example", "port": 443, "is_ssl": True, "ssl": True})
    cause = aiohttp.ClientConnectorDNSError(key, socket.gaierror(errno, "Name or service not known"))
    error = ServiceRequestError("cannot connect", error=cause)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        *((error_response(status), RetryLaterError) for status in (408, 410, 429, 449, 500, 502, 503, 504)),
        *((error_response(status, ClientAuthenticationError), AccessDeniedError) for status in (401, 403)),
        (error_response(403), AccessDeniedError),
        (error_response(400, ClientAuthenticationError), AccessDeniedError),
        (CredentialUnavailableError(message="the identity endpoint does not answer"), AccessDeniedError),
        (ServiceRequestError("refused"), RetryLaterError),
        (ServiceResponseError("reset"), RetryLaterError),
        (ServiceResponseTimeoutError("slow"), RetryLaterError),
        (IncompleteReadError("half"), RetryLaterError),
        (aiohttp.ServerDisconnectedError(), RetryLaterError),
        (ConnectionResetError("reset"), RetryLaterError),
        (TimeoutError(), RetryLaterError),
        (unresolved(socket.EAI_AGAIN), RetryLaterError),
        (unresolved(socket.EAI_NONAME), ConfigurationError),
        (unresolved(socket.EAI_NODATA), ConfigurationError),
    ],
)
def test_an_error_of_a_service_has_one_class(error: Exception, expected: type[Exception]) -> None:
    mapped = service_error(error, "the service")
    assert type(mapped) is expected
    assert str(mapped).startswith("the service: ")


@pytest.mark.parametrize(
    "error",
    [
        error_response(404, ResourceNotFoundError),
        error_response(409),
        error_response(412),
        error_response(400),
        KeyError("a bug"),
    ],
)
def test_what_belongs_to_one_operation_or_to_none_is_left_alone(error: Exception) -> None:
    assert service_error(error, "the service") is None
    with pytest.raises(type(error)), ServiceBoundary("the service"):
        raise error


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"x-ms-retry-after-ms": "250", "Retry-After": "9"}, 0.25),
        ({"Retry-After": "soon"}, 0),
        ({"Retry-After": "-1"}, 0),
        ({"Retry-After": "Fri, 02 Jan 2026 03:04:05 GMT"}, 0),
        ({}, 0),
    ],
)
def test_the_services_retry_after_is_read_in_every_form(headers: dict[str, str], seconds: float) -> None:
    assert retry_after_seconds(headers) == seconds


def test_a_retry_after_may_be_a_date() -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 80 < retry_after_seconds({"Retry-After": at}) <= 90


def call(boundary: ServiceBoundary, error: Exception | None) -> None:
    with boundary:
        if error is not None:
            raise error


def test_two_failures_do_not_stop_the_calls_and_an_answer_begins_the_count_anew() -> None:
    boundary = ServiceBoundary("the service", CircuitBreaker("the service", clock=ManualClock()))
    for error in (
        error_response(503),
        error_response(503),
        None,
        error_response(503),
        error_response(503),
        error_response(404),
        error_response(503),
    ):
        if error is None:
            call(boundary, None)
        else:
            with pytest.raises((RetryLaterError, HttpResponseError)):
                call(boundary, error)
    call(boundary, None)


@pytest.mark.parametrize("seconds", [600, 7200])
def test_a_service_that_is_down_is_called_less_and_less_and_never_given_up(seconds: int) -> None:
    clock, calls = ManualClock(), 0
    boundary = ServiceBoundary("the service", CircuitBreaker("the service", clock=clock))
    while clock.now < seconds:
        with contextlib.suppress(RetryLaterError), boundary:
            calls += 1
            raise error_response(503)
        clock.now += 0.5
    assert seconds / (1.25 * timeouts.BREAKER_LONGEST_SECONDS) <= calls
    assert calls <= 3 + 6 + seconds / (0.75 * timeouts.BREAKER_LONGEST_SECONDS)


def test_an_open_breaker_lets_one_call_through_at_a_time() -> None:
    clock = ManualClock()
    breaker = CircuitBreaker("the service", clock=clock)
    boundary = ServiceBoundary("the service", breaker)
    for _ in range(3):
        with pytest.raises(RetryLaterError):
            call(boundary, error_response(503))
    clock.now += breaker.wait_seconds
    with boundary, pytest.raises(RetryLaterError, match="is not called"):
        call(boundary, None)
    call(boundary, None)


def test_an_open_breaker_waits_for_as_long_as_the_service_asks() -> None:
    breaker = CircuitBreaker("the service", clock=ManualClock())
    boundary = ServiceBoundary("the service", breaker)
    for _ in range(3):
        with pytest.raises(RetryLaterError):
            call(boundary, error_response(503, **{"Retry-After": "300"}))
    assert breaker.wait_seconds == 300


@pytest.mark.parametrize(
    ("error", "expected"),
    [(unresolved(socket.EAI_NONAME), ConfigurationError), (error_response(403), AccessDeniedError)],
)
def test_an_open_breaker_raises_what_opened_it(error: Exception, expected: type[Exception]) -> None:
    boundary = ServiceBoundary("the service", CircuitBreaker("the service", clock=ManualClock()))
    for _ in range(3):
        with pytest.raises(expected):
            call(boundary, error)
    with pytest.raises(expected, match="is not called") as raised:
        call(boundary, error)
    assert type(raised.value) is expected


def test_an_outcome_that_is_no_failure_is_an_answer() -> None:
    boundary = ServiceBoundary("the service", CircuitBreaker("the service", clock=ManualClock()))
    for _ in range(5):
        with pytest.raises(BlobNotFoundError):
            call(boundary, BlobNotFoundError("a.png"))


def boundary_after(*errors: Exception | None) -> CircuitBreaker:
    """The breaker of a boundary that saw these errors (None: an answer)."""
    breaker = CircuitBreaker("the service", clock=ManualClock())
    boundary = ServiceBoundary("the service", breaker)
    for error in errors:
        with contextlib.suppress(KeyError, HttpResponseError, PipelineError), boundary:
            if error is not None:
                raise error
    return breaker


@pytest.mark.parametrize(
    ("errors", "is_open"),
    [
        ([error_response(503)] * 3, True),
        ([error_response(503), error_response(503), None, error_response(503)], False),
        ([error_response(503), error_response(503), error_response(404), error_response(503)], False),
        ([error_response(503), error_response(503), BlobNotFoundError("a"), error_response(503)], False),
        ([error_response(503), error_response(503), KeyError("a bug"), error_response(503)], True),
        ([RetryLaterError("inner")] * 3, True),
        ([ConfigurationError("C", "inner")] * 3, True),
    ],
)
def test_only_an_answer_ends_a_row_of_failures(errors: list[Exception | None], *, is_open: bool) -> None:
    assert (boundary_after(*errors).wait_seconds > 0) is is_open


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "1500", "x-ms-retry-after-ms": "250", "Retry-After": "9"}, 1.5),
        ({"x-ms-retry-after-ms": "0.5"}, 0.0005),
        ({"x-ms-retry-after-ms": "soon", "Retry-After": "9"}, 9),
        ({"Retry-After": "2.5"}, 2.5),
        ({"Retry-After": "2.5s"}, 0),
        ({"Retry-After": ""}, 0),
    ],
)
def test_a_retry_after_in_milliseconds_comes_first(headers: dict[str, str], seconds: float) -> None:
    assert retry_after_seconds(headers) == seconds


def test_a_retry_after_date_without_a_zone_is_in_utc() -> None:
    at = (datetime.now(UTC) + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S -0000")
    assert 80 < retry_after_seconds({"Retry-After": at}) <= 90


def test_a_retry_after_of_an_answer_is_kept() -> None:
    error = service_error(error_response(503, **{"Retry-After": "17"}), "the service")
    assert isinstance(error, RetryLaterError)
    assert error.retry_after_seconds == 17


def test_the_text_of_an_error_is_its_first_line_cut_to_three_hundred_characters() -> None:
    assert str(service_error(ConnectionError("\n first \nsecond"), "the service")) == "the service: first "
    assert str(service_error(ConnectionError(), "the service")) == "the service: ConnectionError"
    assert str(service_error(ConnectionError("x" * 400), "the service")) == "the service: " + "x" * 300


@pytest.mark.parametrize("status", [400, 404, 409, 412, 416, 499])
def test_a_status_below_500_is_the_operations_own(status: int) -> None:
    assert service_error(error_response(status), "the service") is None
