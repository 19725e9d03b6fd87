"""Effective partition keys are those of Microsoft's SDK."""

from typing import Any

import pytest
from azure.cosmos.partition_key import NonePartitionKeyValue, PartitionKey
from hypothesis import given
from hypothesis import strategies as st

from emulator.services.cosmos.items.effective_partition_key import UNDEFINED, effective_partition_key
from emulator.services.cosmos.items.partitions import partition_of, partition_ranges

SCALARS = st.one_of(
    st.none(), st.booleans(), st.floats(allow_nan=False), st.integers(-(2**53), 2**53), st.text(), st.just(UNDEFINED)
)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("", "32E9366E637A71B4E710384B2F4970A0"),
        ("x", "11E3F358618BE9AA5BAFF4C7C74F0716"),
        ("photos/cat.jpg", "3C835A726B2AB6CF867E74BFC3B40465"),
        ("ä你", "1A9E87C19B17A41278CF3658979AC0FC"),
        (5, "19C08621B135968252FB34B4CF66F811"),
        (-1.5, "151793206780805FF6E1DCAE6C787B6A"),
        (True, "0E711127C5B5A8E4726AC6DD306A3E59"),
        (False, "2FE1BE91E90A3439635E0E9E37361EF2"),
        (None, "378867E4430E67857ACE5C908374FE16"),
        (UNDEFINED, "11622DAA78F835834610ABE56EFF5CB5"),
    ],
)
def test_effective_partition_keys(value: Any, key: str) -> None:
    assert effective_partition_key([value], hierarchical=False) == key


def test_a_hierarchical_key_begins_with_the_key_of_its_prefix() -> None:
    prefix = "3B310042FC8EA24E4CB78FD8BFEDBAA7"
    assert effective_partition_key(["t"], hierarchical=True) == prefix
    whole = effective_partition_key(["t", "u"], hierarchical=True)
    assert whole == prefix + "29E7D08B5A25B26B4FB56A0F9A7E5DFD"


@given(st.lists(SCALARS, min_size=1, max_size=3))
def test_the_sdk_calculates_the_same_keys(values: list[Any]) -> None:
    of_sdk = [NonePartitionKeyValue if value is UNDEFINED else value for value in values]
    single = PartitionKey(path="/a")
    levels = PartitionKey(path=["/a", "/b", "/c"])
    assert effective_partition_key(values[:1], hierarchical=False) == single._get_effective_partition_key_string(
        of_sdk[:1]
    )
    assert effective_partition_key(values, hierarchical=True) == levels._get_effective_partition_key_string(of_sdk)


def test_partitions_are_equal_ranges_without_gaps() -> None:
    three = [(keys.minimum, keys.maximum) for keys in partition_ranges(3)]
    assert three == [
        ("", "15555555555555555555555555555555"),
        ("15555555555555555555555555555555", "2AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("2AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "FF"),
    ]
    assert [(keys.minimum, keys.maximum) for keys in partition_ranges(1)] == [("", "FF")]


@pytest.mark.parametrize(
    ("key", "partition"),
    [
        ("", 0),
        ("15555555555555555555555555555554", 0),
        ("15555555555555555555555555555555", 1),
        ("3FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", 2),
    ],
)
def test_a_key_belongs_to_the_partition_whose_range_has_it(key: str, partition: int) -> None:
    assert partition_of(key, 3) == partition
