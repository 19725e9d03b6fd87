"""Cosmos DB's REST API: metadata, single items, lists and queries.

What is not supported (change feed, patch, batches, stored procedures) is refused with 501.
"""

from typing import Self, override
from urllib.parse import unquote

from aiohttp import web

from emulator.core.authorization import Authorization
from emulator.core.errors import ServiceError
from emulator.core.faults import Faults
from emulator.core.http import ServiceHandler
from emulator.core.identity import Caller, Identities, TokenError
from emulator.core.outages import Outage
from emulator.core.resource_store import Resource, ResourceStore
from emulator.core.virtual_networks import allows_network_access
from emulator.services.cosmos.addressing import Addressing
from emulator.services.cosmos.item_operations import ItemOperations
from emulator.services.cosmos.items.errors import CosmosError
from emulator.services.cosmos.items.store import ItemStore
from emulator.services.cosmos.operation import Operation, OperationType, check_consistency, read_operation
from emulator.services.cosmos.query_operations import QueryOperations
from emulator.services.cosmos.responses import (
    account_response,
    container_response,
    database_response,
    default_consistency,
    error_response,
    partition_key_ranges_response,
)
from emulator.services.cosmos.throughput import Throughput


class CosmosHandler(ServiceHandler[Resource, Operation]):
    """The requests to all deployed Cosmos DB accounts."""

    def __init__(self, resources: ResourceStore, identities: Identities, store: ItemStore, faults: Faults) -> None:
        super().__init__(identities, Outage(faults, "cosmos"))
        self._resources = resources
        self._authorization = Authorization(resources)
        self._store = store
        self._addressing = Addressing(resources, store)
        throughput = Throughput(faults, store.now, store.partitions)
        self._items = ItemOperations(store, throughput)
        self._queries = QueryOperations(store, throughput)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self._queries.close()

    @override
    def find_target(self, request: web.Request) -> Resource:
        name = request.host.partition(".")[0]
        account = self._resources.find_by_name("cosmosdb:DatabaseAccount", name)
        if account is None:
            raise CosmosError(404, "NotFound", f"The account {name} does not exist.")
        return account

    @override
    def check_network(self, request: web.Request, target: Resource) -> None:
        if not allows_network_access(self._resources, target, "Sql", request):
            # https://learn.microsoft.com/azure/cosmos-db/nosql/troubleshoot-forbidden#firewall-blocking-requests
            raise CosmosError(
                403,
                "Forbidden",
                f"Request originated from IP {request.remote} through public internet. This is blocked by your Cosmos"
                " DB account firewall settings. More info: https://aka.ms/cosmosdb-tsg-forbidden",
            )

    @override
    def read_token(self, request: web.Request) -> str:
        """The token in `type=aad&ver=1.0&sig=<token>`, which is URL-encoded.

        https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources
        """
        fields: dict[str, str] = {}
        for pair in unquote(request.headers.get("Authorization", "")).split("&"):
            name, _, value = pair.partition("=")
            fields[name] = value
        if fields.get("type") != "aad":
            message = "Local Authorization is disabled. Use an AAD token to authorize all requests."
            raise CosmosError(401, "Unauthorized", message)
        return fields.get("sig", "")

    @override
    def audiences(self, request: web.Request) -> set[str]:
        host = request.host.partition(":")[0]
        return {f"https://{host}", "https://cosmos.azure.com"}

    @override
    def token_error(self, request: web.Request, error: TokenError) -> ServiceError:
        return CosmosError(401, "Unauthorized", f"The token was refused: {error}")

    @override
    def read_operation(self, request: web.Request, target: Resource) -> Operation:
        return self._addressing.with_names(target, read_operation(request))

    @override
    def check_role(self, caller: Caller, target: Resource, operation: Operation) -> None:
        path = "".join(f"/{segment}" for segment in operation.segments[:4])
        for action in operation.actions:
            if not self._authorization.allows_cosmos(caller.object_id, action, target.id, path):
                raise CosmosError(
                    403,
                    "Forbidden",
                    f"Request blocked by Auth {target.name} : Request is blocked because principal [{caller.object_id}]"
                    f" does not have required RBAC permissions to perform action [{action}] on resource [{path}]."
                    " Learn more: https://aka.ms/cosmos-native-rbac.",
                    sub_status=5301,
                )

    @override
    async def answer(self, request: web.Request, target: Resource, operation: Operation) -> web.StreamResponse:
        check_consistency(request, default_consistency(target.inputs.get("consistencyPolicy") or {}))
        if operation.type is OperationType.ACCOUNT:
            return account_response(request, target)
        if operation.type is OperationType.DATABASE:
            return database_response(self._addressing.database(target, operation))
        opened = self._addressing.container(target, operation)
        match operation.type:
            case OperationType.CONTAINER:
                return container_response(opened.resource, opened.database, opened.stored)
            case OperationType.PARTITION_KEY_RANGES:
                return partition_key_ranges_response(request, opened.stored, self._store.partitions)
            case OperationType.QUERY | OperationType.QUERY_PLAN | OperationType.LIST:
                return await self._queries.answer(request, opened, operation.type)
            case _:
                return await self._items.answer(request, opened, operation)

    @override
    def error_response(self, error: ServiceError) -> web.Response:
        if not isinstance(error, CosmosError):
            error = CosmosError(error.status, error.code, str(error), headers=error.headers)
        return error_response(error)
