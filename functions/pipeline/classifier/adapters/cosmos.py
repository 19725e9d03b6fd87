"""Records and cached analyses in Cosmos DB."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

from azure.core import MatchConditions
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from classifier.adapters.service_errors import ServiceBoundary
from classifier.domain import metrics as measures
from classifier.domain import timeouts
from classifier.domain.errors import ConcurrencyError, ConfigurationError, LeasedError
from classifier.domain.models import Analysis, Claim
from classifier.use_cases.reconcile import Kept

_IF_MATCH = MatchConditions.IfNotModified
_CHANGED = (CosmosAccessConditionFailedError, CosmosResourceNotFoundError)
# No item has this ETag.
_NO_ETAG = '"00000000-0000-0000-0000-000000000000"'


def _charge(headers: Mapping[str, str], _body: Any = None) -> None:
    measures.add("requestUnits", float(headers.get("x-ms-request-charge", 0)))


class CosmosContainer:
    """The operations on items of one container, with their charges and errors."""

    def __init__(self, container: ContainerProxy, boundary: ServiceBoundary) -> None:
        self._container = container
        self._boundary = boundary

    async def read(self, item_id: str) -> dict[str, Any] | None:
        """The item, or None."""
        try:
            with self._boundary:
                return dict(await self._charged(self._container.read_item(item_id, item_id, response_hook=_charge)))
        except CosmosResourceNotFoundError:
            return None

    async def write(self, item: dict[str, Any], replacing: str | None) -> str:
        """The ETag of the item as written, in the place of exactly the version `replacing` (None: of none).

        No answer need have a body: the client is set up to ask for none (`wiring`). Raises ConcurrencyError.
        """
        try:
            with self._boundary:
                if replacing is None:
                    sent = self._container.create_item(item, response_hook=_charge)
                else:
                    sent = self._container.replace_item(
                        item["id"], item, etag=replacing, match_condition=_IF_MATCH, response_hook=_charge
                    )
                written = await self._charged(sent)
        except CosmosResourceExistsError as error:
            raise ConcurrencyError(item["id"]) from error
        except _CHANGED as error:
            if replacing is None:
                raise ConfigurationError("ContainerNotFound", "the Cosmos DB container does not exist") from error
            raise ConcurrencyError(item["id"]) from error
        return written.get_response_headers()["etag"]

    async def delete(self, item_id: str, etag: str) -> None:
        """Removes exactly this version of the item. Raises ConcurrencyError."""
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
        """Whether there is an item, by the primary replica: a write that cannot succeed is refused with 404 or 412.

        A read in session consistency is of the session's own writes or later, and of other sessions' some time ago:
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
    async def _charged[Answer](sent: Awaitable[Answer]) -> Answer:
        """What was sent gives; the SDK calls its response hook for good answers only, and refusals are charged too."""
        try:
            return await sent
        except CosmosHttpResponseError as error:
            # The SDK leaves the type of an error's headers open.
            headers = cast("Mapping[str, str] | None", error.headers)  # pyright: ignore[reportUnknownMemberType]
            _charge(headers or {})
            raise


class CosmosRecords:
    """`ports.Records` over the `images` container."""

    def __init__(self, container: CosmosContainer) -> None:
        self._container = container

    async def get(self, record_id: str) -> dict[str, Any] | None:
        """As `ports.Records.get`."""
        return await self._container.read(record_id)

    async def put(self, record: dict[str, Any], replacing: dict[str, Any] | None) -> None:
        """As `ports.Records.put`: created, or replaced under the ETag that was read, so no write is ever lost."""
        await self._container.write(record, replacing["_etag"] if replacing else None)

    async def delete(self, record: dict[str, Any]) -> None:
        """As `ports.Records.delete`."""
        await self._container.delete(record["id"], record["_etag"])

    async def exists(self, record_id: str) -> bool:
        """As `ports.Records.exists`."""
        return await self._container.exists(record_id)


class CosmosAnalyses:
    """`ports.Analyses` over the `analyses` container, whose items expire by themselves.

    A claim is an item that says until when it holds. Whoever finds one that has run out takes it over, under its ETag,
    so that only one does; who lost it finds out when storing the analysis, and loses nothing but the cache entry.
    """

    def __init__(
        self,
        container: CosmosContainer,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        poll_seconds: Sequence[float] = timeouts.ANALYSIS_POLL_SECONDS,
    ) -> None:
        self._container = container
        self._now = now
        self._sleep = sleep
        self._poll_seconds = poll_seconds

    async def get(self, key: str) -> Analysis | None:
        """As `ports.Analyses.get`."""
        item = await self._container.read(key)
        return Analysis.from_item(item) if item is not None and "findings" in item else None

    async def begin(self, key: str) -> Analysis | Claim:
        """As `ports.Analyses.begin`.

        An analysis takes about a second, so one that is under way is waited for here some seconds, image in memory,
        and then in the queue until its lease ends.
        """
        with contextlib.suppress(ConcurrencyError):
            return await self._lease(key, None)
        remaining = 0.0
        for wait in (*self._poll_seconds, None):
            item = await self._container.read(key)
            if item is not None and "findings" in item:
                return Analysis.from_item(item)
            remaining = 0.0 if item is None else max(0.0, item["claimedUntil"] - self._now())
            if remaining == 0:  # released, expired, or held by a worker that has crashed
                with contextlib.suppress(ConcurrencyError):
                    return await self._lease(key, None if item is None else item["_etag"])
            if wait is not None:
                await self._sleep(wait)
        raise LeasedError("the same content is being analyzed", retry_after_seconds=remaining)

    async def _lease(self, key: str, replacing: str | None) -> Claim:
        until = self._now() + timeouts.ANALYSIS_LEASE_SECONDS
        claim = {"id": key, "claimedBy": str(uuid.uuid4()), "claimedUntil": until}
        return Claim(key=key, etag=await self._container.write(claim, replacing))

    async def finish(self, claim: Claim, analysis: Analysis) -> None:
        """As `ports.Analyses.finish`."""
        with contextlib.suppress(ConcurrencyError):
            await self._container.write(analysis.to_item(claim.key), claim.etag)

    async def release(self, claim: Claim) -> None:
        """As `ports.Analyses.release`."""
        with contextlib.suppress(ConcurrencyError):
            await self._container.delete(claim.key, claim.etag)


class CosmosMemory:
    """`reconcile.Memory`: one item among the analyses, which does not expire."""

    _ID = "reconcile-watermark"

    def __init__(self, container: CosmosContainer) -> None:
        self._container = container

    async def load(self) -> Kept | None:
        """As `reconcile.Memory.load`."""
        item = await self._container.read(self._ID)
        return None if item is None else Kept(item["watermark"], item["_etag"])

    async def store(self, value: dict[str, Any], replacing: Kept | None) -> Kept:
        """As `reconcile.Memory.store`."""
        item = {"id": self._ID, "watermark": value, "ttl": -1}
        return Kept(value, await self._container.write(item, replacing.etag if replacing else None))
