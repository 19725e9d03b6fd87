"""Date and time functions. The cases are the documentation's: https://learn.microsoft.com/cosmos-db/query/functions."""

from typing import Any

import pytest

from emulator.services.cosmos.sql.runtime.options import Options
from tests.support.cosmos_queries import UNDEFINED, value

_START = "'2018-03-05T05:00:00.0000000'"
_END = "'2019-02-04T16:00:00.0000000'"
_TIME = "'2016-05-29T08:30:00.1301617'"
_BIN = "'2021-01-08T18:35:00.0000000'"

CASES: list[tuple[str, Any]] = [
    ("DateTimeAdd('yyyy', 1, '2020-07-03T00:00:00.0000000')", "2021-07-03T00:00:00.0000000Z"),
    ("DateTimeAdd('mm', -1, '2020-07-03T00:00:00.0000000')", "2020-06-03T00:00:00.0000000Z"),
    ("DateTimeAdd('mm', 1, '2021-01-31T01:02:03Z')", "2021-02-28T01:02:03.0000000Z"),
    ("DateTimeAdd('hh', -1, '2020-07-03T00:00:00.0000000')", "2020-07-02T23:00:00.0000000Z"),
    ("DateTimeAdd('ss', 5 * -5, '2020-07-03T00:00:00.0000000')", "2020-07-02T23:59:35.0000000Z"),
    ("DateTimeAdd('ns', 250, '2020-07-03T00:00:00.0000000Z')", "2020-07-03T00:00:00.0000002Z"),
    ("DateTimeAdd('yyyy', 9000, '2020-07-03T00:00:00Z')", UNDEFINED),
    ("DateTimeAdd('yyyy', 1e300, '2020-07-03T00:00:00Z')", UNDEFINED),
    ("DateTimeAdd('fortnight', 1, '2020-07-03T00:00:00Z')", UNDEFINED),
    ("DateTimeAdd('dd', 1, '2020-02-30T00:00:00Z')", UNDEFINED),
    (f"DateTimeDiff('yyyy', {_START}, {_END})", 1),
    (f"DateTimeDiff('mm', {_START}, {_END})", 11),
    (f"DateTimeDiff('dd', {_END}, {_START})", -336),
    (f"DateTimeDiff('hh', {_START}, {_END})", 8075),
    (f"DateTimeDiff('ss', {_START}, {_END})", 29070000),
    (f"DateTimeDiff('ns', {_TIME}, '2016-05-29T08:30:00.1301618')", 100),
    (f"DateTimePart('yyyy', {_TIME})", 2016),
    (f"DateTimePart('mm', {_TIME})", 5),
    (f"DateTimePart('dd', {_TIME})", 29),
    (f"DateTimePart('hh', {_TIME})", 8),
    (f"DateTimePart('mi', {_TIME})", 30),
    (f"DateTimePart('ss', {_TIME})", 0),
    (f"DateTimePart('ms', {_TIME})", 130),
    (f"DateTimePart('mcs', {_TIME})", 130161),
    (f"DateTimePart('ns', {_TIME})", 130161700),
    (f"DateTimeBin({_BIN}, 'dd')", "2021-01-08T00:00:00.0000000Z"),
    (f"DateTimeBin({_BIN}, 'hh', 5)", "2021-01-08T15:00:00.0000000Z"),
    (f"DateTimeBin({_BIN}, 'dd', 7)", "2021-01-07T00:00:00.0000000Z"),
    (f"DateTimeBin({_BIN}, 'dd', 7, '1601-01-01T00:00:00.0000000')", "2021-01-04T00:00:00.0000000Z"),
    (f"DateTimeBin({_BIN}, 'yyyy')", "2021-01-01T00:00:00.0000000Z"),
    (f"DateTimeBin({_BIN}, 'dd', 0)", UNDEFINED),
    ("DateTimeFromParts(2017, 4, 20)", "2017-04-20T00:00:00.0000000Z"),
    ("DateTimeFromParts(2017, 4, 20, 13, 15, 20, 3456789)", "2017-04-20T13:15:20.3456789Z"),
    ("DateTimeFromParts(-2000, -1, -1)", UNDEFINED),
    ("DateTimeFromParts(2017, 4, 20, 24)", UNDEFINED),
    ("DateTimeFromParts(2017, 4, 20.5)", UNDEFINED),
    ("DateTimeToTicks('2015-05-19T12:00:00.0000000')", 14320368000000000),
    ("DateTimeToTimestamp('2015-05-19T12:00:00.0000000')", 1432036800000),
    ("DateTimeToTimestamp('2015-05-19')", 1431993600000),
    ("DateTimeToTimestamp('yesterday')", UNDEFINED),
    ("TicksToDateTime(15973607943002652)", "2020-08-13T23:19:54.3002652Z"),
    ("TicksToDateTime(-116444736000000000)", "1601-01-01T00:00:00.0000000Z"),
    ("TimestampToDateTime(1597360794300)", "2020-08-13T23:19:54.3000000Z"),
    ("TimestampToDateTime(9e18)", UNDEFINED),
]


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_date_functions(expression: str, expected: Any) -> None:
    assert value(expression) == expected


def test_the_time_of_a_query() -> None:
    options = Options(now=1432036800.25)
    expression = "[GetCurrentDateTime(), GetCurrentTimestamp(), GetCurrentTicks(), GetCurrentTimestampStatic()]"
    assert value(expression, options=options) == [
        "2015-05-19T12:00:00.2500000Z",
        1432036800250,
        14320368002500000,
        1432036800250,
    ]
