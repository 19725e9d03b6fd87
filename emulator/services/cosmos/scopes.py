"""What a query reads, from the headers of its request."""

from dataclasses import replace

from aiohttp import web

from emulator.services.cosmos.addressing import OpenContainer
from emulator.services.cosmos.item_operations import PARTITION_KEY_HEADER
from emulator.services.cosmos.items.errors import CosmosError, bad_request
from emulator.services.cosmos.items.item_rules import read_partition_key
from emulator.services.cosmos.items.partitions import KeyRange, partition_of, partition_ranges, prefix_range
from emulator.services.cosmos.operation import flag
from emulator.services.cosmos.query.query_ranges import QueryRanges
from emulator.services.cosmos.query.scan import Scope

_RANGE_HEADER = "x-ms-documentdb-partitionkeyrangeid"
_CROSS_PARTITION_HEADER = "x-ms-documentdb-query-enablecrosspartition"


class RequestScopes:
    """What a query reads.

    Attributes:
        scopes: The physical partitions, or the part of one.
        is_whole_query: Whether the client leaves it to the gateway to find the partitions.
        has_partition_key: Whether the client states a partition key.
    """

    def __init__(self, scopes: list[Scope], *, is_whole_query: bool = False, has_partition_key: bool = False) -> None:
        self.scopes = scopes
        self.is_whole_query = is_whole_query
        self.has_partition_key = has_partition_key


def read_scopes(request: web.Request, opened: OpenContainer, count: int, ranges: QueryRanges) -> RequestScopes:
    """The scopes of a request.

    Args:
        request: The request.
        opened: The container.
        count: The number of physical partitions.
        ranges: The ranges that the query's filters limit it to.

    Raises:
        CosmosError: 400, or 410 for a physical partition that does not exist.
    """
    header = request.headers.get(PARTITION_KEY_HEADER)
    range_id = request.headers.get(_RANGE_HEADER)
    if header is not None:
        scope = _key_scope(header, opened, count)
        is_elsewhere = (
            range_id is not None and _range_scope(request, range_id, opened, count).partition != scope.partition
        )
        return RequestScopes([_nothing(scope) if is_elsewhere else scope], has_partition_key=True)
    if range_id is not None:
        return RequestScopes([_range_scope(request, range_id, opened, count)])
    if ranges.is_single_key:
        assert ranges.keys is not None
        (key,) = ranges.keys
        return RequestScopes([_one_key(opened, key, count)], is_whole_query=True)
    if request.method == "POST" and not flag(request, _CROSS_PARTITION_HEADER):
        raise bad_request(
            "Cross partition query is required but disabled. Please set x-ms-documentdb-query-enablecrosspartition to"
            " true, specify x-ms-documentdb-partitionkey, or revise your query to avoid this exception."
        )
    return RequestScopes(_overlapping(opened, count, ranges), is_whole_query=True)


def _nothing(scope: Scope) -> Scope:
    """No item: a query of a partition key is sent to a physical partition that does not have it."""
    return replace(scope, effective_key=None, keys=KeyRange(minimum="", maximum=""))


def _one_key(opened: OpenContainer, effective_key: str, count: int) -> Scope:
    return Scope(
        container=opened.stored.number, partition=partition_of(effective_key, count), effective_key=effective_key
    )


def _key_scope(header: str, opened: OpenContainer, count: int) -> Scope:
    key = read_partition_key(header, opened.container, allow_prefix=True)
    effective_key = opened.container.effective_key(key)
    if len(key) == len(opened.container.partition_paths):
        return _one_key(opened, effective_key, count)
    partition = partition_of(effective_key, count)
    return Scope(container=opened.stored.number, partition=partition, keys=prefix_range(effective_key))


def _range_scope(request: web.Request, range_id: str, opened: OpenContainer, count: int) -> Scope:
    # SDKs write `collection,range` for some requests.
    number = range_id.rpartition(",")[2]
    if not number.isdecimal() or int(number) >= count:
        raise CosmosError(
            410,
            "Gone",
            f"The requested resource is no longer available at the server: partition key range {range_id}.",
            sub_status=1002,
        )
    partition = int(number)
    start = request.headers.get("x-ms-start-epk")
    end = request.headers.get("x-ms-end-epk")
    if start is None and end is None:
        return Scope(container=opened.stored.number, partition=partition)
    stated = KeyRange(minimum=start or "", maximum=end or KeyRange().maximum)
    keys = stated.overlap(partition_ranges(count)[partition])
    if keys is None:
        raise bad_request(f"The range from {start!r} to {end!r} is not in the partition key range {range_id}.")
    is_whole = keys == partition_ranges(count)[partition]
    return Scope(container=opened.stored.number, partition=partition, keys=None if is_whole else keys)


def _overlapping(opened: OpenContainer, count: int, ranges: QueryRanges) -> list[Scope]:
    """The physical partitions in which the query can have results."""
    partitions = set(range(count)) if ranges.keys is None else {partition_of(key, count) for key in ranges.keys}
    return [Scope(container=opened.stored.number, partition=partition) for partition in sorted(partitions)]
