"""Queries and lists of items over HTTP."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import msgspec
from aiohttp import web

from emulator.services.cosmos.addressing import OpenContainer
from emulator.services.cosmos.item_operations import session_token
from emulator.services.cosmos.items.charges import QueryCost, format_charge, query_metrics
from emulator.services.cosmos.items.database import connect
from emulator.services.cosmos.items.errors import CosmosError, backend_error, bad_request
from emulator.services.cosmos.items.store import ItemStore
from emulator.services.cosmos.operation import OperationType, flag
from emulator.services.cosmos.query.continuation import Progress, read_token, write_token
from emulator.services.cosmos.query.execution import Page, PartitionQuery
from emulator.services.cosmos.query.plan_document import QueryPlan, required_features
from emulator.services.cosmos.query.prepared_query import PreparedQuery, prepare_query
from emulator.services.cosmos.query.query_plan import plan_query
from emulator.services.cosmos.query.query_ranges import query_ranges
from emulator.services.cosmos.query.query_text import QueryText, query_error, read_query, with_weights
from emulator.services.cosmos.responses import json_response
from emulator.services.cosmos.scopes import RequestScopes, read_scopes
from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.errors import QueryError
from emulator.services.cosmos.sql.parser import parse
from emulator.services.cosmos.throughput import Throughput

_ALL_ITEMS = QueryText(text="SELECT * FROM c", parameters={})
_DEFAULT_PAGE = 1000
_UNLIMITED_PAGE = 1_000_000
_NOT_SERVED = (
    "The provided cross partition query can not be directly served by the gateway. This is a first chance (internal)"
    " exception that all newer clients will know how to handle gracefully. This exception is traced, but unless you see"
    " it bubble up as an exception (which only happens on older SDK clients), then you can safely ignore this message."
)


@dataclass(frozen=True, kw_only=True)
class _Results:
    """A page, the physical partition that it is from, what was read there, and how long that took, in seconds."""

    page: Page
    partition: int
    cost: QueryCost
    seconds: float


class QueryOperations:
    """Queries, which run in a thread of their own so that other requests are answered meanwhile."""

    def __init__(self, store: ItemStore, throughput: Throughput) -> None:
        self._store = store
        self._throughput = throughput
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="cosmos-query")
        self._database = connect(store.path)

    def close(self) -> None:
        """Wait for the query that is running, and close the database."""
        self._thread.shutdown()
        self._database.close()

    async def answer(self, request: web.Request, opened: OpenContainer, operation: OperationType) -> web.Response:
        """The response to a query, a request for its plan, or a list of items. Raises CosmosError."""
        text = _ALL_ITEMS if operation is OperationType.LIST else read_query(await request.read())
        try:
            query = with_weights(parse(text.text), text.parameters)
            if operation is OperationType.QUERY_PLAN:
                return _plan_response(request, plan_query(query, text.parameters, opened.container))
            return await self._query(request, opened, query, text)
        except QueryError as error:
            raise query_error(error) from error

    async def _query(
        self, request: web.Request, opened: OpenContainer, query: tree.Query, text: QueryText
    ) -> web.Response:
        maximum = _page_size(request)
        ranges = query_ranges(query, text.parameters, opened.container)
        scopes = read_scopes(request, opened, self._store.partitions, ranges)
        is_ranked = query.order_by is not None and query.order_by.rank
        # A query for the items of a partition key is ranked there, as Azure does in test_query_hybrid_search.py of
        # azure-cosmos: test_hybrid_search_partitioned_query_response_hook.
        if scopes.is_whole_query or (is_ranked and not scopes.has_partition_key):
            _check_is_served(plan_query(query, text.parameters, opened.container))
        prepared = prepare_query(query, text.parameters, opened.container)
        scope_identities = [scope.identity for scope in scopes.scopes]
        context = f"{opened.stored.rid}\0{text.identity}\0{scope_identities}"
        token = request.headers.get("x-ms-continuation")
        start = Progress()
        if token:
            start = read_token(token, secret=self._store.secret, context=context)
        self._throughput.admit(opened.resource, scopes.scopes[start.partition].partition)
        loop = asyncio.get_running_loop()
        results = await loop.run_in_executor(self._thread, self._run, prepared, scopes, start, maximum)
        self._throughput.spend(opened.resource, results.partition, results.cost.charge)
        headers = {
            "x-ms-request-charge": format_charge(results.cost.charge),
            "x-ms-item-count": str(len(results.page.results)),
            "x-ms-session-token": session_token(results.partition, opened.stored.writes),
            "x-ms-documentdb-partitionkeyrangeid": str(results.partition),
        }
        if flag(request, "x-ms-documentdb-populatequerymetrics"):
            headers["x-ms-documentdb-query-metrics"] = query_metrics(results.cost, results.seconds)
        if results.page.progress is not None:
            headers["x-ms-continuation"] = write_token(
                results.page.progress, secret=self._store.secret, context=context
            )
        return json_response(_body(opened, results.page), 200, headers)

    def _run(self, prepared: PreparedQuery, scopes: RequestScopes, start: Progress, maximum: int) -> _Results:
        """A page of one physical partition: it is empty if the partition has no results, or if it takes too long.

        That Azure answers with a page for each partition, an empty one too, is what test_query_cross_partition.py of
        azure-cosmos expects: test_cross_partition_query_response_hook.
        """
        began = time.perf_counter()
        scope = scopes.scopes[start.partition]
        cost = QueryCost()
        page = PartitionQuery(self._database, prepared, scope, cost=cost, now=self._store.now()).page(start, maximum)
        if page.progress is None and start.partition + 1 < len(scopes.scopes):
            page = replace(page, progress=Progress(partition=start.partition + 1))
        return _Results(page=page, partition=scope.partition, cost=cost, seconds=time.perf_counter() - began)


def _plan_response(request: web.Request, plan: QueryPlan) -> web.Response:
    supported = {
        feature.strip() for feature in request.headers.get("x-ms-cosmos-supported-query-features", "").split(",")
    }
    missing = [feature for feature in required_features(plan) if feature not in supported]
    if missing:
        # https://github.com/Azure/azure-sdk-for-python has no GROUP BY across partitions, and gets this.
        raise bad_request(
            "Query contains the following features, which the calling client does not support: " + " ".join(missing)
        )
    return json_response(plan.to_json())


def _check_is_served(plan: QueryPlan) -> None:
    """Raise CosmosError 400 for a query over several partitions that an SDK has to carry out, with its plan."""
    info = plan.query_info
    if any(aggregate is not None for aggregate in info.group_by_alias_to_aggregate_type.values()):
        raise bad_request("Cross partition query only supports 'VALUE <AggregateFunc>' for aggregates.")
    if not info.is_passed_through or plan.hybrid_search_query_info is not None:
        raise CosmosError(400, "BadRequest", _NOT_SERVED, sub_status=1004, additional_info=plan.to_json())


def _page_size(request: web.Request) -> int:
    """The largest number of results, from the header `x-ms-max-item-count`: 0 is the default, -1 no limit."""
    header = request.headers.get("x-ms-max-item-count")
    if header is None:
        return _DEFAULT_PAGE
    try:
        size = int(header)
    except ValueError:
        size = -2
    if size < -1:
        raise backend_error(
            f"The input PageSize {header} is invalid. Ensure to pass a valid page size which must be a positive integer"
            " or -1 for a dynamic page size."
        )
    return {0: _DEFAULT_PAGE, -1: _UNLIMITED_PAGE}.get(size, size)


def _body(opened: OpenContainer, page: Page) -> str:
    documents = b",".join(page.results).decode()
    rid = msgspec.json.encode(opened.stored.rid).decode()
    return f'{{"_rid":{rid},"Documents":[{documents}],"_count":{len(page.results)}}}'
