"""Cosmos DB: the client, operations on single items, and the records by their id."""

import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
from azure.core import MatchConditions
from azure.cosmos.aio import ContainerProxy, CosmosClient
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from common.adapters.azure_clients import AzureClients
from common.adapters.service_errors import ServiceBoundary
from common.domain import metrics, timeouts
from common.domain.errors import ConcurrencyError, ConfigurationError
from common.domain.models import Versioned
from common.domain.record import ImageRecord, StoredRecord

_log = logging.getLogger("common")
_IF_MATCH = MatchConditions.IfNotModified
_CHANGED = (CosmosAccessConditionFailedError, CosmosResourceNotFoundError)
# Reads go to the write region, and follow a failover. Without preferred locations the SDK stays with the order of the
# regions that it read first; no region has this name, and then it reads from the write region:
# https://github.com/Azure/azure-sdk-for-python/blob/main/sdk/cosmos/azure-cosmos/azure/cosmos/_location_cache.py
# (get_preferred_regional_routing_contexts). With one region there is no difference.
_WRITE_REGION = "write region"
# No item has this ETag.
_NO_ETAG = '"00000000-0000-0000-0000-000000000000"'


def create_cosmos_client(endpoint: str, azure: AzureClients) -> CosmosClient:
    """Create the client of a Cosmos DB account, in the event loop that is running now."""
    return CosmosClient(
        endpoint,
        **azure.client_options,
        # The Cosmos DB client has timeouts of its own.
        connection_timeout=timeouts.CONNECTION_SECONDS,
        read_timeout=timeouts.READ_SECONDS,
        # Retries after 429; the SDK's default of nine retries and thirty seconds would only cost instance time.
        retry_total=3,
        retry_backoff_max=5,
        # Responses to writes need no body.
        no_response_on_write=True,
        preferred_locations=[_WRITE_REGION],
    )


def write_region(client: CosmosClient) -> str:
    """Return the host name of the region that the account is written in, as of the client's last request."""
    # The SDK keeps the account's regions to itself, and reads them again every five minutes and after an error.
    endpoint: str = client.client_connection._WriteEndpoint  # pyright: ignore[reportPrivateUsage] # noqa: SLF001
    return urlsplit(endpoint).hostname or endpoint


def _charge(headers: Mapping[str, str], _body: object = None) -> None:
    metrics.add("requestUnits", float(headers.get("x-ms-request-charge", 0)))


@dataclass(frozen=True, kw_only=True)
class StoredItem:
    """An item as it was read: `fields` are its JSON, with the system fields of Cosmos DB."""

    fields: Mapping[str, object]
    etag: str

    def decode[Item](self, item_type: type[Item]) -> Item | None:
        """Return the item, or None if it does not match the type, as an item of another version of the code may."""
        try:
            return msgspec.convert(self.fields, item_type)
        except msgspec.ValidationError as error:
            _log.warning("the item %s is no %s: %s", self.fields.get("id"), item_type.__name__, error)
            return None


class CosmosContainer:
    """Operations on the items of one container. Measures their charge and maps their errors."""

    def __init__(self, container: ContainerProxy, boundary: ServiceBoundary) -> None:
        self._container = container
        self._boundary = boundary

    async def read(self, item_id: str) -> StoredItem | None:
        """Return the item, or None."""
        try:
            with self._boundary:
                fields = await self._charged(self._container.read_item(item_id, item_id, response_hook=_charge))
                return StoredItem(fields=fields, etag=fields["_etag"])
        except CosmosResourceNotFoundError:
            return None

    async def write(self, item_id: str, item: msgspec.Struct, previous_etag: str | None) -> str:
        """Write an item. Needs no body of the response, so the client requests none (`composition`).

        Args:
            item_id: the id of the item.
            item: the new item.
            previous_etag: the ETag of the version that it replaces; None if there is none yet.

        Returns:
            The ETag of the new version.

        Raises:
            ConcurrencyError: the stored version is another one.
        """
        fields: dict[str, Any] = msgspec.to_builtins(item)
        try:
            with self._boundary:
                if previous_etag is None:
                    operation = self._container.create_item(fields, response_hook=_charge)
                else:
                    operation = self._container.replace_item(
                        item_id, fields, etag=previous_etag, match_condition=_IF_MATCH, response_hook=_charge
                    )
                response = await self._charged(operation)
        except CosmosResourceExistsError as error:
            raise ConcurrencyError(item_id) from error
        except _CHANGED as error:
            if previous_etag is None:
                raise ConfigurationError("ContainerNotFound", "the Cosmos DB container does not exist") from error
            raise ConcurrencyError(item_id) from error
        return response.get_response_headers()["etag"]

    async def delete(self, item_id: str, etag: str) -> None:
        """Delete this version of an item. Raises ConcurrencyError if the stored version is another one."""
        try:
            with self._boundary:
                await self._charged(
                    self._container.delete_item(
                        item_id, item_id, etag=etag, match_condition=_IF_MATCH, response_hook=_charge
                    )
                )
        except _CHANGED as error:
            raise ConcurrencyError(item_id) from error

    async def exists(self, item_id: str) -> bool:
        """Return whether the primary replica has an item: it answers an impossible delete with 404 or 412.

        A read with session consistency returns the session's own writes, and may lag behind those of other sessions:
        https://learn.microsoft.com/azure/cosmos-db/consistency-levels#session-consistency
        """
        try:
            with self._boundary:
                await self._charged(
                    self._container.delete_item(
                        item_id, item_id, etag=_NO_ETAG, match_condition=_IF_MATCH, response_hook=_charge
                    )
                )
        except CosmosAccessConditionFailedError:
            return True
        except CosmosResourceNotFoundError:
            return False
        raise AssertionError(f"{item_id} was deleted under an ETag that no item has")

    @staticmethod
    async def _charged[Response](operation: Awaitable[Response]) -> Response:
        """Await an operation. Errors are charged too, but the SDK calls its response hook for successes only."""
        try:
            return await operation
        except CosmosHttpResponseError as error:
            # The SDK leaves the type of an error's headers open.
            headers = cast("Mapping[str, str] | None", error.headers)  # pyright: ignore[reportUnknownMemberType]
            _charge(headers or {})
            raise


class CosmosRecordReader:
    """The records of the container `images`, by their id."""

    def __init__(self, container: CosmosContainer) -> None:
        self._container = container

    async def get(self, record_id: str) -> StoredRecord | None:
        """Return the record and its ETag, or None if there is no item.

        The value is None if the stored item does not match the schema.
        """
        item = await self._container.read(record_id)
        return None if item is None else Versioned(item.decode(ImageRecord), item.etag)
