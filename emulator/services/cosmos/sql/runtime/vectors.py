"""Vector distances: https://learn.microsoft.com/cosmos-db/query/vectordistance.

Numbers are computed with 64 bits, where the service computes with 32. Vectors of different lengths, and a cosine with a
vector of zeros, are undefined.
"""

import math
from collections.abc import Callable

from emulator.services.cosmos.sql.errors import InvalidQueryError
from emulator.services.cosmos.sql.runtime.options import DistanceFunction
from emulator.services.cosmos.sql.values import UNDEFINED, Value

type Distance = Callable[[Value, Value], Value]

_NUMBERS = {int, float}
_DISTANCE_FUNCTIONS: dict[str, DistanceFunction] = {
    "cosine": "cosine",
    "dotproduct": "dotproduct",
    "euclidean": "euclidean",
}
_DATA_TYPES = frozenset({"float32", "float16", "int8", "uint8"})


def distance_function(options: Value, default: DistanceFunction) -> DistanceFunction:
    """The metric that the options of a call state, or the one of the container's policy.

    Raises InvalidQueryError for an option that does not exist, or a wrong value of one.
    """
    if options is UNDEFINED:
        return default
    if not isinstance(options, dict):
        raise InvalidQueryError("", "The options of the VectorDistance function must be an object.")
    result = default
    for name, value in options.items():
        text = value.lower() if isinstance(value, str) else ""
        if name == "distanceFunction" and text in _DISTANCE_FUNCTIONS:
            result = _DISTANCE_FUNCTIONS[text]
        elif name == "searchListSizeMultiplier":
            _check_multiplier(value)
        elif name != "dataType" or text not in _DATA_TYPES:
            raise InvalidQueryError(
                "", f"The option '{name}' of the VectorDistance function does not exist or has a wrong value."
            )
    return result


def _check_multiplier(value: Value) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 100:
        raise InvalidQueryError(
            "SC2213",
            f"The 'searchListSizeMultiplier' value {value} specified in the VectorDistance function is outside the"
            " supported range. The value must be between 1 and 100.",
        )


def is_ascending(function: DistanceFunction) -> bool:
    """Whether the most similar vector has the smallest distance."""
    return function == "euclidean"


def distance(function: DistanceFunction) -> Distance:
    """The distance, or similarity, of two vectors by a metric."""
    measure = _MEASURES[function]

    def evaluate(left: Value, right: Value) -> Value:
        if not isinstance(left, list) or not isinstance(right, list) or len(left) != len(right):
            return UNDEFINED
        if not left or not (set(map(type, left)) <= _NUMBERS and set(map(type, right)) <= _NUMBERS):
            return UNDEFINED
        return measure(left, right)

    return evaluate


def _cosine(left: list[float], right: list[float]) -> Value:
    lengths = math.sqrt(math.sumprod(left, left)) * math.sqrt(math.sumprod(right, right))
    if lengths == 0:
        return UNDEFINED
    return math.sumprod(left, right) / lengths


_MEASURES: dict[DistanceFunction, Callable[..., Value]] = {
    "cosine": _cosine,
    "dotproduct": math.sumprod,
    "euclidean": math.dist,
}
