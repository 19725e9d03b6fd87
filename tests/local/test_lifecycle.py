"""Lifecycle: what is old enough goes, page after page, and an event tells of it; everything else stays."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote

from local.gateway.lifecycle import Lifecycle
from tests.local.conftest import Deployment

NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Azurite:
    """Azurite's place: one container, listed one blob at a time."""

    def __init__(self, blobs: dict[str, datetime]) -> None:
        self.blobs = blobs

    @asynccontextmanager
    async def request(self, _service: str, account: str, method: str, path: str, **named: Any) -> Any:
        assert account == "stdata"
        query = dict(named.get("query", []))
        answer = type("Answer", (), {"status": 202 if method == "DELETE" else 200})()
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


class Events:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str]] = []

    def blob_event(self, kind: str, _account: Any, operation: Any, _data: Any) -> None:
        self.seen.append((kind, operation.container, operation.item))


def test_a_round_deletes_what_is_old_enough_and_says_so(deployment: Deployment) -> None:
    deployment.storage()
    definition = {
        "filters": {"blobTypes": ["blockBlob"], "prefixMatch": ["images/"]},
        "actions": {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": 30}}},
    }
    deployment.add(
        "storage:ManagementPolicy", resourceGroupName="rg", accountName="stdata", managementPolicyName="default",
        policy={"rules": [{"name": "expire", "enabled": True, "definition": definition}]},
    )  # fmt: skip
    ages = {"/images/a b.png": 31, "/images/new.png": 29, "/images/old.png": 400, "/images/today.png": 0}
    azurite = Azurite({name: NOW - timedelta(days=days) for name, days in ages.items()})
    azurite.blobs["/deadletter/old.json"] = NOW - timedelta(days=400)
    events = Events()
    lifecycle: Any = Lifecycle(deployment.resources, azurite, events)  # type: ignore[arg-type]
    assert asyncio.run(lifecycle.round(NOW)) == ["/images/a b.png", "/images/old.png"]
    assert set(azurite.blobs) == {"/images/new.png", "/images/today.png", "/deadletter/old.json"}
    assert events.seen == [
        ("Microsoft.Storage.BlobDeleted", "images", "a b.png"), ("Microsoft.Storage.BlobDeleted", "images", "old.png"),
    ]  # fmt: skip
    assert asyncio.run(lifecycle.round(NOW)) == []
