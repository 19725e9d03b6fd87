"""Records and cached analyses in Cosmos DB."""

import contextlib
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
from classifier.reconcile import Kept

_IF_MATCH = MatchConditions.IfNotModified
_CHANGED = (CosmosAccessConditionFailedError, CosmosResourceNotFoundError)
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


async def _write(container: ContainerProxy, item: dict[str, Any], replacing: str | None) -> str:
    """The ETag of the item as written, in the place of exactly the version `replacing` (None: of none).

    No answer need have a body: the client is set up to ask for none (`wiring`). Raises Superseded.
    """
    try:
        if replacing is None:
            written = await container.create_item(item, response_hook=_charge)
        else:
            written = await container.replace_item(
                item["id"], item, etag=replacing, match_condition=_IF_MATCH, response_hook=_charge
            )
    except CosmosResourceExistsError as error:
        raise Superseded(item["id"]) from error
    except _CHANGED as error:
        if replacing is None:
            raise  # the container itself is missing
        raise Superseded(item["id"]) from error
    return written.get_response_headers()["etag"]


async def _delete(container: ContainerProxy, item_id: str, etag: str) -> None:
    try:
        await container.delete_item(item_id, item_id, etag=etag, match_condition=_IF_MATCH, response_hook=_charge)
    except _CHANGED as error:
        raise Superseded(item_id) from error


class CosmosRecords:
    """`ports.Records` over the `images` container."""

    def __init__(self, container: ContainerProxy) -> None:
        self._container = container

    async def get(self, record_id: str) -> dict[str, Any] | None:
        """As `ports.Records.get`."""
        return await _read(self._container, record_id)

    async def put(self, record: dict[str, Any], replacing: dict[str, Any] | None) -> None:
        """As `ports.Records.put`: created, or replaced under the ETag that was read, so no write is ever lost."""
        await _write(self._container, record, replacing["_etag"] if replacing else None)

    async def delete(self, record: dict[str, Any]) -> None:
        """As `ports.Records.delete`."""
        await _delete(self._container, record["id"], record["_etag"])


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
            return Claim(key=key, etag=await _write(self._container, claim, None))
        except Superseded:
            item = await _read(self._container, key)
        if item is None:  # released, or expired, in between
            raise Later(0, "another analysis of the same content has just failed")
        if "findings" in item:
            return Analysis.from_item(item)
        if item["claimedUntil"] > self._now():
            raise Later(_SOON_SECONDS, "the same content is being analysed")
        try:
            return Claim(key=key, etag=await _write(self._container, claim, item["_etag"]))
        except Superseded as error:
            raise Later(_SOON_SECONDS, "the same content is being analysed") from error

    async def finish(self, claim: Claim, analysis: Analysis) -> None:
        """As `ports.Analyses.finish`."""
        with contextlib.suppress(Superseded):
            await _write(self._container, analysis.to_item(claim.key), claim.etag)

    async def release(self, claim: Claim) -> None:
        """As `ports.Analyses.release`."""
        with contextlib.suppress(Superseded):
            await _delete(self._container, claim.key, claim.etag)


class CosmosMemory:
    """`reconcile.Memory`: one item among the analyses, which does not expire."""

    _ID = "reconcile-watermark"

    def __init__(self, container: ContainerProxy) -> None:
        self._container = container

    async def load(self) -> Kept | None:
        """As `reconcile.Memory.load`."""
        item = await _read(self._container, self._ID)
        return None if item is None else Kept(item["watermark"], item["_etag"])

    async def store(self, value: dict[str, Any], replacing: Kept | None) -> Kept:
        """As `reconcile.Memory.store`."""
        item = {"id": self._ID, "watermark": value, "ttl": -1}
        return Kept(value, await _write(self._container, item, replacing.etag if replacing else None))
