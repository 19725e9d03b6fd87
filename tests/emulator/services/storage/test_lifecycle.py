"""Lifecycle: what is old enough goes, page after page, and an event tells of it; everything else stays."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import aiohttp
import pytest

from emulator.core.state_directory import StateDirectory
from emulator.services.storage import azurite
from emulator.services.storage.azurite_client import AzuriteClient
from emulator.services.storage.lifecycle import Lifecycle
from scripts.installation import TOOLS
from tests.emulator.conftest import Deployment
from tests.emulator.support import PublishedEvents

NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Azurite:
    """Azurite's place: one container, listed one blob at a time."""

    def __init__(self, blobs: dict[str, datetime]) -> None:
        self.blobs = blobs

    @asynccontextmanager
    async def request(self, _service: str, account: str, method: str, path: str, **named: Any) -> AsyncIterator[Any]:
        assert account == "stdata"
        query = dict(named.get("query", []))
        answer: Any = type("Answer", (), {"status": 202 if method == "DELETE" else 200})()
        if method == "DELETE":
            del self.blobs[unquote(path)]
        else:
            names = sorted(name for name in self.blobs if name > query["marker"] and name.startswith(f"{path}/"))
            page = "".join(
                f"<Blob><Name>{name.removeprefix(f'{path}/')}</Name><Properties><Last-Modified>"
                f"{format_datetime(self.blobs[name], usegmt=True)}</Last-Modified></Properties></Blob>"
                for name in names[:1]
            )
            more = names[0] if len(names) > 1 else ""
            text = f"<EnumerationResults><Blobs>{page}</Blobs><NextMarker>{more}</NextMarker></EnumerationResults>"

            async def read() -> bytes:
                return text.encode()

            answer.read = read
        yield answer


def deploy_policy(deployment: Deployment) -> None:
    definition = {
        "filters": {"blobTypes": ["blockBlob"], "prefixMatch": ["images/"]},
        "actions": {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": 30}}},
    }
    deployment.add(
        "storage:ManagementPolicy",
        resourceGroupName="rg",
        accountName="stdata",
        managementPolicyName="default",
        policy={"rules": [{"name": "expire", "enabled": True, "definition": definition}]},
    )


def node() -> str:
    """The Node.js that `make` has found or installed."""
    return str(TOOLS / json.loads((TOOLS / "local.json").read_text())["node"])


def test_a_round_deletes_what_is_old_enough_and_says_so(deployment: Deployment) -> None:
    deployment.storage()
    deploy_policy(deployment)
    ages = {"/images/a b.png": 31, "/images/new.png": 29, "/images/old.png": 400, "/images/today.png": 0}
    azurite = Azurite({name: NOW - timedelta(days=days) for name, days in ages.items()})
    azurite.blobs["/deadletter/old.json"] = NOW - timedelta(days=400)
    published = PublishedEvents()
    lifecycle = Lifecycle(deployment.resources, azurite, published.publish)  # type: ignore[arg-type]
    assert asyncio.run(lifecycle.apply_policies(NOW)) == ["/images/a b.png", "/images/old.png"]
    assert set(azurite.blobs) == {"/images/new.png", "/images/today.png", "/deadletter/old.json"}
    assert [(event.type, event.operation.container, event.operation.item) for event in published.events] == [
        ("Microsoft.Storage.BlobDeleted", "images", "a b.png"),
        ("Microsoft.Storage.BlobDeleted", "images", "old.png"),
    ]
    assert asyncio.run(lifecycle.apply_policies(NOW)) == []


@pytest.mark.emulator
def test_azurite_itself_is_cleared_of_what_is_old_enough(deployment: Deployment, tmp_path: Path) -> None:
    deployment.storage()
    deploy_policy(deployment)
    state_directory = StateDirectory(tmp_path / "home")
    state_directory.create()

    async def conversation() -> tuple[list[str], list[str], set[str]]:
        blobs = await azurite.start(state_directory, node())
        try:
            async with aiohttp.ClientSession(auto_decompress=False) as session:
                client = AzuriteClient(blobs, azurite.AccountSlots(state_directory.data / "slots.json"), session)
                for path in ("/images", "/images/a%20b.png", "/images/%E6%97%A5.png", "/deadletter", "/deadletter/x"):
                    query = [("restype", "container")] if path.count("/") == 1 else []
                    headers = {} if query else {"x-ms-blob-type": "BlockBlob"}
                    async with client.request("blob", "stdata", "PUT", path, query=query, headers=headers) as answer:
                        assert answer.status == 201, await answer.text()
                lifecycle = Lifecycle(deployment.resources, client, PublishedEvents().publish)
                early = await lifecycle.apply_policies(datetime.now(UTC) + timedelta(days=29))
                late = await lifecycle.apply_policies(datetime.now(UTC) + timedelta(days=31))
                remaining = set()
                for container in ("images", "deadletter"):
                    query = [("restype", "container"), ("comp", "list")]
                    async with client.request("blob", "stdata", "GET", f"/{container}", query=query) as answer:
                        remaining |= set(re.findall(r"<Name>(.*?)</Name>", await answer.text()))
                return early, late, remaining
        finally:
            await blobs.child.stop()

    assert asyncio.run(conversation()) == ([], ["/images/a b.png", "/images/日.png"], {"x"})
