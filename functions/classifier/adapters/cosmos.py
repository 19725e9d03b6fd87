"""Records and cached analyses in Cosmos DB."""

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from azure.core import MatchConditions
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from classifier import measures
from classifier.models import Analysis, Claim
from classifier.ports import Later, Superseded

_LOST = (CosmosResourceExistsError, CosmosAccessConditionFailedError, CosmosResourceNotFoundError)
# Longer than an analysis may take (wiring.BUDGET_SECONDS): whoever still holds a claim after that has crashed.
CLAIM_SECONDS = 300
# How soon to ask again for what somebody else is analysing: an analysis takes about a second.
_SOON_SECONDS = 3


def _charge(headers: Mapping[str, str], _body: Any = None) -> None:
    measures.add("requestUnits", float(headers.get("x-ms-request-charge", 0)))


async def _read(container: ContainerProxy, item_id: str) -> dict[str, Any] | None:
    try:
        return dict(await container.read_item(item_id, partition_key=item_id, response_hook=_charge))
    except CosmosResourceNotFoundError:
        return None


async def _create(container: ContainerProxy, item: dict[str, Any]) -> dict[str, Any]:
    return dict(await container.create_item(item, response_hook=_charge))


async def _replace(container: ContainerProxy, item: dict[str, Any], etag: str) -> dict[str, Any]:
    return dict(
        await container.replace_item(
            item["id"], item, etag=etag, match_condition=MatchConditions.IfNotModified, response_hook=_charge
        )
    )


async def _delete(container: ContainerProxy, item_id: str, etag: str) -> None:
    await container.delete_item(
        item_id, item_id, etag=etag, match_condition=MatchConditions.IfNotModified, response_hook=_charge
    )


class CosmosRecords:
    """`ports.Records` over the `images` container."""

    def __init__(self, container: ContainerProxy) -> None:
        self._container = container

    async def get(self, record_id: str) -> dict[str, Any] | None:
        """As `ports.Records.get`."""
        return await _read(self._container, record_id)

    async def put(self, record: dict[str, Any], replacing: dict[str, Any] | None) -> None:
        """As `ports.Records.put`: created, or replaced under the ETag that was read, so no write is ever lost."""
        try:
            if replacing is None:
                await _create(self._container, record)
            else:
                await _replace(self._container, record, replacing["_etag"])
        except _LOST as error:
            raise Superseded(record["id"]) from error

    async def delete(self, record: dict[str, Any]) -> None:
        """As `ports.Records.delete`."""
        try:
            await _delete(self._container, record["id"], record["_etag"])
        except _LOST as error:
            raise Superseded(record["id"]) from error


class CosmosAnalyses:
    """`ports.Analyses` over the `analyses` container, whose items expire by themselves.

    A claim is an item that says until when it holds. Whoever finds one that has run out takes it over, under its ETag,
    so that only one does; who lost it finds out when storing the analysis, and loses nothing but the cache entry.
    """

    def __init__(self, container: ContainerProxy, now: Callable[[], float] = time.time) -> None:
        self._container = container
        self._now = now

    async def begin(self, key: str) -> Analysis | Claim:
        """As `ports.Analyses.begin`."""
        claim = {"id": key, "claimedBy": str(uuid.uuid4()), "claimedUntil": self._now() + CLAIM_SECONDS}
        try:
            return Claim(key=key, etag=(await _create(self._container, claim))["_etag"])
        except CosmosResourceExistsError:
            item = await _read(self._container, key)
        if item is None:  # released, or expired, in between
            raise Later(0, "another analysis of the same content has just failed")
        if "findings" in item:
            return Analysis.from_item(item)
        if item["claimedUntil"] > self._now():
            raise Later(_SOON_SECONDS, "the same content is being analysed")
        try:
            return Claim(key=key, etag=(await _replace(self._container, claim, item["_etag"]))["_etag"])
        except _LOST as error:
            raise Later(_SOON_SECONDS, "the same content is being analysed") from error

    async def finish(self, claim: Claim, analysis: Analysis) -> None:
        """As `ports.Analyses.finish`."""
        try:
            await _replace(self._container, analysis.to_item(claim.key), claim.etag)
        except _LOST:
            return

    async def release(self, claim: Claim) -> None:
        """As `ports.Analyses.release`."""
        try:
            await _delete(self._container, claim.key, claim.etag)
        except _LOST:
            return


class CosmosMemory:
    """`reconcile.Memory`: one item among the analyses, which does not expire."""

    _ID = "reconcile-watermark"

    def __init__(self, container: ContainerProxy) -> None:
        self._container = container

    async def load(self) -> dict[str, Any] | None:
        """As `reconcile.Memory.load`."""
        item = await _read(self._container, self._ID)
        return None if item is None else item["watermark"]

    async def store(self, value: dict[str, Any]) -> None:
        """As `reconcile.Memory.store`; the last one to store wins: a backfill is asked for again if it was lost."""
        item = {"id": self._ID, "watermark": value, "ttl": -1}
        while True:
            seen = await _read(self._container, self._ID)
            try:
                if seen is None:
                    await _create(self._container, item)
                else:
                    await _replace(self._container, item, seen["_etag"])
            except _LOST:
                continue
            return
