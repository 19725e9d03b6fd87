"""Requests to an emulated account with Content Understanding, whose models are a double."""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image

from emulator.core.faults import Faults
from emulator.core.identity import Identities
from emulator.gateway.proxy import ConnectionOrigins
from emulator.gateway.router import create_application
from emulator.services.content_understanding.analyses import Analyses
from emulator.services.content_understanding.analyzer_store import AnalyzerStore
from emulator.services.content_understanding.handler import ContentUnderstandingHandler
from emulator.services.content_understanding.quotas import RequestQuotas
from tests.emulator.conftest import Deployment

VERSION = "?api-version=2025-11-01"
PREFIX = "/contentunderstanding"
READER, OWNER = "379c52cb-64de-498c-8b5b-c6170d6c49d4", "4b42bd01-da42-4c92-9b07-15ea5bd6a602"
DEFINITION: dict[str, Any] = {
    "baseAnalyzerId": "prebuilt-image",
    "models": {"completion": "gpt-5.4-mini"},
    "processingLocation": "dataZone",
    "fieldSchema": {
        "name": "Image",
        "fields": {
            "caption": {"type": "string", "method": "generate", "description": "One sentence."},
            "tags": {"type": "array", "method": "generate", "items": {"type": "string"}},
            "category": {"type": "string", "method": "classify", "enum": ["animal", "street", "other"]},
        },
    },
}
IMAGE_ANALYSIS = {
    "metadata": {"width": 640, "height": 480},
    "tagsResult": {"values": [{"name": "cat", "confidence": 0.9}, {"name": "animal", "confidence": 0.8}]},
    "captionResult": {"text": "template: a cat", "confidence": 0.9},
    "readResult": {
        "blocks": [
            {
                "lines": [
                    {
                        "text": "HELLO BIG CAT",
                        "boundingPolygon": [{"x": 1, "y": 2}, {"x": 9, "y": 2}, {"x": 9, "y": 4.5}, {"x": 1, "y": 4.5}],
                        "words": [
                            {"text": "HELLO", "confidence": 0.9, "boundingPolygon": [{"x": 1, "y": 2}]},
                            {"text": "BIG", "confidence": 0.8, "boundingPolygon": []},
                            {"text": "CAT", "confidence": 0.7, "boundingPolygon": []},
                        ],
                    },
                    {"text": "BYE"},
                ]
            }
        ]
    },
}


def picture(kind: str = "PNG", size: tuple[int, int] = (640, 480)) -> bytes:
    """An image file."""
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, kind)
    return buffer.getvalue()


@dataclass
class Answer:
    """An answer of the service."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def inner(self) -> str:
        """The code of the inner error."""
        return self.body["error"]["innererror"]["code"]


class Clock:
    """A time that stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Account:
    """The client of the account `f`, as a caller with a role or without."""

    client: TestClient[web.Request, web.Application]
    headers: Mapping[str, str]
    clock: Clock

    async def send(self, method: str, path: str, body: Any = None, *, query: str = VERSION, **headers: str) -> Answer:
        data = io.BytesIO(body) if isinstance(body, bytes) else None if body is None else json.dumps(body)
        full = {"Host": "f.services.ai.azure.com", **self.headers, **headers}
        async with self.client.request(method, PREFIX + path + query, data=data, headers=full) as response:
            text = await response.text()
            return Answer(response.status, json.loads(text) if text else None, response.headers)

    async def prepare(self, analyzer_id: str = "mine", definition: Any = None) -> None:
        """Let the account have defaults and an analyzer that is ready."""
        patched = await self.send("PATCH", "/defaults", {"modelDeployments": {"gpt-5.4-mini": "vision"}})
        assert patched.status == 200, patched.body
        created = await self.send("PUT", f"/analyzers/{analyzer_id}", definition or DEFINITION)
        assert created.status == 201, created.body
        self.clock.now += 1

    async def analyze(self, analyzer_id: str = "mine", content: bytes | None = None) -> Answer:
        """Start an analysis."""
        return await self.send("POST", f"/analyzers/{analyzer_id}:analyzeBinary", content or picture())

    async def result(self, started: Answer, *, seconds: float = 60.0) -> Answer:
        """The operation after some time."""
        assert started.status == 202, started.body
        self.clock.now += seconds
        # The models may need longer than the clock says.
        while True:
            answer = await self.send("GET", f"/analyzerResults/{started.body['id']}")
            if answer.status != 200 or answer.body["status"] in {"Succeeded", "Failed"}:
                return answer


@dataclass
class Service:
    """Runs conversations with one account."""

    deployment: Deployment
    identities: Identities
    folder: Path
    headers: Mapping[str, str]
    models: tuple[int, Any] = (200, IMAGE_ANALYSIS)
    clock: Clock = field(default_factory=Clock)

    def run[Result](
        self,
        conversation: Callable[[Account], Awaitable[Result]],
        *,
        faults: str = "{}",
        headers: Mapping[str, str] | None = None,
    ) -> Result:
        """The result of a conversation. What was stored before is there."""

        async def serve() -> Result:
            async def answer(_request: web.Request) -> web.Response:
                return web.json_response(self.models[1], status=self.models[0])

            application = web.Application(client_max_size=64 * 1024 * 1024)
            application.router.add_post("/{path:.*}", answer)
            (self.folder / "faults.json").write_text(faults)
            store = AnalyzerStore(self.folder / "content_understanding.db", self.clock)
            try:
                async with TestServer(application) as server, ClientSession() as session:
                    handler = ContentUnderstandingHandler(
                        self.deployment.resources,
                        self.identities,
                        session,
                        str(server.make_url("")).rstrip("/"),
                        Faults(self.folder / "faults.json"),
                        analyzers=store,
                        quotas=RequestQuotas(self.clock),
                        analyses=Analyses(self.clock),
                    )
                    gateway = create_application({"services.ai.azure.com": handler.handle}, ConnectionOrigins())
                    async with TestClient(TestServer(gateway)) as client:
                        return await conversation(
                            Account(client, self.headers if headers is None else headers, self.clock)
                        )
            finally:
                store.close()

        return asyncio.run(serve())
