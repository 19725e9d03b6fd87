"""Waits for what a service does in its own time."""

from collections.abc import Callable

from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_delay, wait_exponential

# Seconds between two reads: at first, and at most.
_FIRST_WAIT = 0.1
_LONGEST_WAIT = 2


def wait_for[Value](read: Callable[[], Value | None], timeout_seconds: float) -> Value | None:
    """Return the first value that `read` returns, or None when it returns none in time."""

    def is_missing(value: Value | None) -> bool:
        return value is None

    def return_none(_state: RetryCallState) -> None:
        return None

    retrying = Retrying(
        retry=retry_if_result(is_missing),
        wait=wait_exponential(multiplier=_FIRST_WAIT, max=_LONGEST_WAIT),
        stop=stop_after_delay(timeout_seconds),
        retry_error_callback=return_none,
    )
    return retrying(read)
