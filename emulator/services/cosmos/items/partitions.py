"""Physical partitions: equal ranges of effective partition keys.

https://learn.microsoft.com/azure/cosmos-db/partitioning-overview#physical-partitions
"""

from dataclasses import dataclass
from functools import cache

from emulator.services.cosmos.items.effective_partition_key import MAXIMUM, MINIMUM

_HASH_BITS = 126
_HASH_DIGITS = 32


@dataclass(frozen=True, kw_only=True)
class KeyRange:
    """A range of effective partition keys: `minimum` is part of it, `maximum` is not."""

    minimum: str = MINIMUM
    maximum: str = MAXIMUM

    def contains(self, effective_key: str) -> bool:
        """Whether a key is in the range."""
        return self.minimum <= effective_key < self.maximum

    def overlap(self, other: "KeyRange") -> "KeyRange | None":
        """The keys in both ranges, or None if there can be none."""
        minimum = max(self.minimum, other.minimum)
        maximum = min(self.maximum, other.maximum)
        return KeyRange(minimum=minimum, maximum=maximum) if minimum < maximum else None


def prefix_range(effective_key: str) -> KeyRange:
    """The range of a key and of all keys that begin with it."""
    return KeyRange(minimum=effective_key, maximum=effective_key + MAXIMUM)


def single_key_range(effective_key: str) -> KeyRange:
    """The range of a complete key and no other."""
    following = f"{int(effective_key or '0', 16) + 1:0{len(effective_key)}X}"
    return KeyRange(minimum=effective_key, maximum=following)


@cache
def partition_ranges(count: int) -> tuple[KeyRange, ...]:
    """The ranges of `count` physical partitions."""
    limits = [f"{(index << _HASH_BITS) // count:0{_HASH_DIGITS}X}" for index in range(1, count)]
    return tuple(
        KeyRange(minimum=minimum, maximum=maximum)
        for minimum, maximum in zip([MINIMUM, *limits], [*limits, MAXIMUM], strict=True)
    )


def partition_of(effective_key: str, count: int) -> int:
    """The number of the physical partition, from 0, to which an effective partition key belongs."""
    if not effective_key:
        return 0
    return next(index for index, keys in enumerate(partition_ranges(count)) if keys.contains(effective_key))
