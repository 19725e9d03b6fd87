"""Numbers of the query language: 64-bit floating point, with integers of 64 bits kept exact."""

MAX_INTEGER = 2**63 - 1
MIN_INTEGER = -(2**63)
MAX_SAFE_INTEGER = 2**53
"""Up to here every integer has a floating point number of its own."""


def normalize(number: float) -> int | float:
    """The integer that a floating point number is equal to, so that it is written as `2` and not as `2.0`."""
    if -MAX_SAFE_INTEGER < number < MAX_SAFE_INTEGER and number == int(number):
        return int(number)
    return number
