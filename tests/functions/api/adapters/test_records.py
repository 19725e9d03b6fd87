"""Reads and queries of Cosmos DB: passed on as they are, and a denied access names the right that is missing."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import pytest
from common.domain.errors import AccessDeniedError
from common.domain.queries import RecordFilter, SortOrder
from common.domain.record import RecordStatus
from image_api.adapters.records import CheckedCursorKeys, CheckedRecordQueries, CheckedRecordReader
from image_api.domain.errors import MissingRightError

FILTER = RecordFilter(status=RecordStatus.CLASSIFIED)
DAY = date(2026, 1, 2)
ITEMS = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/"


class Service:
    """Notes each call, and returns the same answer or raises the same error."""

    def __init__(self, answer: object) -> None:
        self._answer = answer
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        async def call(*arguments: Any, **options: Any) -> object:
            self.calls.append((name, arguments, options))
            if isinstance(self._answer, Exception):
                raise self._answer
            return self._answer

        return call


# The checked class, its method with arguments and options, the service and the right of an error.
CALLS: list[tuple[type[Any], str, tuple[Any, ...], dict[str, Any], str, str]] = [
    (CheckedRecordReader, "get", ("abc",), {}, "Cosmos DB", f"{ITEMS}items/read"),
    (
        CheckedCursorKeys,
        "get_key",
        (DAY,),
        {},
        "Blob Storage",
        "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
    ),
    (
        CheckedRecordQueries,
        "list_records",
        (FILTER,),
        {"order": SortOrder.OLDEST, "page_size": 20, "cursor": "next"},
        "Cosmos DB",
        f"{ITEMS}executeQuery",
    ),
    (
        CheckedRecordQueries,
        "search",
        (FILTER,),
        {"words": ("cat",), "vector": (0.5,), "page_size": 20, "cursor": "next"},
        "Cosmos DB",
        f"{ITEMS}executeQuery",
    ),
    (
        CheckedRecordQueries,
        "find_similar",
        (FILTER,),
        {"vector": (0.5,), "exclude_id": "abc", "limit": 3},
        "Cosmos DB",
        f"{ITEMS}executeQuery",
    ),
    (CheckedRecordQueries, "count", (DAY, date(2026, 1, 3)), {}, "Cosmos DB", f"{ITEMS}executeQuery"),
]
each_call = pytest.mark.parametrize(
    ("checked", "method", "arguments", "options", "service", "right"), CALLS, ids=[call[1] for call in CALLS]
)


@each_call
def test_a_call_and_its_answer_are_passed_on(
    checked: type[Any], method: str, arguments: tuple[Any, ...], options: dict[str, Any], service: str, right: str
) -> None:
    del service, right
    answer = object()
    inner = Service(answer)
    assert asyncio.run(getattr(checked(inner), method)(*arguments, **options)) is answer
    assert inner.calls == [(method, arguments, options)]


@each_call
def test_a_denied_access_names_the_right(
    checked: type[Any], method: str, arguments: tuple[Any, ...], options: dict[str, Any], service: str, right: str
) -> None:
    inner = Service(AccessDeniedError("denied"))
    with pytest.raises(MissingRightError) as error:
        asyncio.run(getattr(checked(inner), method)(*arguments, **options))
    assert (error.value.service, error.value.right) == (service, right)
