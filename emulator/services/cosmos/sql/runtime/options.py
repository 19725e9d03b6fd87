"""What a query depends on beside its text, its parameters and the items."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

type Path = tuple[str, ...]
"""The names of properties from an item down, as ("address", "city")."""

type DistanceFunction = Literal["cosine", "dotproduct", "euclidean"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The container's policies as far as they change results, and the clock.

    Attributes:
        now: the time in seconds since 1970, for `GetCurrentDateTime` and its like; None for the time of the run.
        order_by_undefined: whether ORDER BY with one expression returns the items for which it is undefined. Azure
            does if the indexing policy includes the path explicitly, and not with `/*`:
            https://learn.microsoft.com/cosmos-db/query/order-by#remarks
        distance_functions: for paths of the vector policy; `cosine` for all others.
        languages: for paths of the full-text policy, as `en-US`; `en-US` for all others.
    """

    now: float | None = None
    order_by_undefined: bool = False
    distance_functions: Mapping[Path, DistanceFunction] = field(default_factory=dict)
    languages: Mapping[Path, str] = field(default_factory=dict)
