"""Effective partition keys: the hash by which Cosmos DB assigns items to physical partitions.

A partition key value of version 2 is encoded (a type byte, and the value) and hashed with MurmurHash3 (x64, 128 bits).
The hash, as hexadecimal digits in the order of a number, is below `FF`. A hierarchical key is the hashes of its levels,
one after the other, so that all items of a prefix are in one range. SDKs calculate the same hash for feed ranges:
`_get_effective_partition_key_for_hash_partitioning_v2` in
https://github.com/Azure/azure-sdk-for-python/blob/main/sdk/cosmos/azure-cosmos/azure/cosmos/partition_key.py
"""

import struct
from collections.abc import Sequence
from enum import Enum, auto

_MASK = (1 << 64) - 1
_C1 = 0x87C37B91114253D5
_C2 = 0x4CF5AD432745937F
MINIMUM = ""
MAXIMUM = "FF"


class Undefined(Enum):
    """The partition key value of an item that does not have the property."""

    UNDEFINED = auto()


UNDEFINED = Undefined.UNDEFINED
type PartitionKeyValue = str | float | bool | Undefined | None


def effective_partition_key(values: Sequence[PartitionKeyValue], *, hierarchical: bool) -> str:
    """The effective partition key of a partition key, or of a prefix of a hierarchical one."""
    if not values:
        return MINIMUM
    if hierarchical:
        return "".join(_hash_text(_encode(value)) for value in values)
    return _hash_text(b"".join(_encode(value) for value in values))


def _encode(value: PartitionKeyValue) -> bytes:
    if value is UNDEFINED:
        return b"\x00"
    if value is None:
        return b"\x01"
    if isinstance(value, bool):
        return b"\x03" if value else b"\x02"
    if isinstance(value, str):
        return b"\x08" + value.encode() + b"\xff"
    return b"\x05" + struct.pack("<d", float(value))


def _hash_text(data: bytes) -> str:
    low, high = murmur_hash3_128(data)
    number = (high << 64) | low
    # The two most significant bits are cleared, so that every hash is below "FF".
    return f"{number & ((1 << 126) - 1):032X}"


def murmur_hash3_128(data: bytes) -> tuple[int, int]:
    """The two halves of the 128-bit hash for 64-bit machines, with seed 0.

    https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp (public domain)
    """
    first = second = 0
    blocks = len(data) // 16
    for index in range(blocks):
        k1, k2 = struct.unpack_from("<QQ", data, index * 16)
        first ^= _mix_first(k1)
        first = (_rotate(first, 27) + second) & _MASK
        first = (first * 5 + 0x52DCE729) & _MASK
        second ^= _mix_second(k2)
        second = (_rotate(second, 31) + first) & _MASK
        second = (second * 5 + 0x38495AB5) & _MASK
    tail = data[blocks * 16 :].ljust(16, b"\x00")
    k1, k2 = struct.unpack("<QQ", tail)
    first ^= _mix_first(k1) ^ len(data)
    second ^= _mix_second(k2) ^ len(data)
    first = (first + second) & _MASK
    second = (second + first) & _MASK
    first = _finish(first)
    second = _finish(second)
    first = (first + second) & _MASK
    second = (second + first) & _MASK
    return first, second


def _mix_first(k1: int) -> int:
    return _rotate(k1 * _C1 & _MASK, 31) * _C2 & _MASK


def _mix_second(k2: int) -> int:
    return _rotate(k2 * _C2 & _MASK, 33) * _C1 & _MASK


def _rotate(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (64 - bits))) & _MASK


def _finish(value: int) -> int:
    value ^= value >> 33
    value = value * 0xFF51AFD7ED558CCD & _MASK
    value ^= value >> 33
    value = value * 0xC4CEB9FE1A85EC53 & _MASK
    return value ^ (value >> 33)
