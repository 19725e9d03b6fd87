"""Custom Vision prediction: a project's published iteration, for classification or object detection.

Whether the service takes Entra tokens is not documented: every sample uses a key. Its operations are listed as data
actions for roles, which is a sign that it does. Nothing here was tried on Azure (docs/decisions/0006).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from azure.core import AsyncPipelineClient
from azure.core.rest import AsyncHttpResponse, HttpRequest

from classifier.adapters.azure_clients import World
from classifier.analyzers.account_pool import Pool, answer, client_options, post, reading
from classifier.analyzers.options import Options
from classifier.domain.errors import ImageRejectedError
from classifier.domain.models import Analysis, ImageInfo

_NAME = "azure-custom-vision"
_API_VERSION = "v3.1"
# https://learn.microsoft.com/azure/ai-services/custom-vision-service/limits-and-quotas
_MAX_BYTES = 4 * 1024 * 1024
_TASKS = ("multiclass", "multilabel", "detection")

_Client = AsyncPipelineClient[HttpRequest, AsyncHttpResponse]


class CustomVision:
    """`ports.Analyzer` over one published iteration."""

    def __init__(self, pool: Pool[_Client], url: str, task: str, features: Sequence[str]) -> None:
        self._pool = pool
        self._url = url
        self._task = task
        self.features = tuple(features)
        self.identity = f"{_NAME}/{_API_VERSION} {json.dumps([url, task, sorted(features)])}"

    def ready(self) -> None:
        """As `ports.Analyzer.ready`."""
        self._pool.ready()

    async def analyze(self, content: bytes, info: ImageInfo) -> Analysis:
        """As `ports.Analyzer.analyze`."""
        if len(content) > _MAX_BYTES:
            raise ImageRejectedError(
                "TooLargeForCustomVision",
                f"The file has {len(content)} bytes; Custom Vision takes at most {_MAX_BYTES}.",
                measured=len(content),
                limit=_MAX_BYTES,
            )

        async def send(client: _Client) -> dict[str, Any]:
            return answer(await client.send_request(post(self._url, content, {})))

        seen = await self._pool.call(send)
        return reading(lambda: self._analysis(seen, info))

    def _analysis(self, seen: Mapping[str, Any], info: ImageInfo) -> Analysis:
        predictions: list[dict[str, Any]] = [
            # A negative tag says that none of the others is there: it is no tag of the image.
            item
            for item in seen["predictions"]
            if item.get("tagType", "Regular") != "Negative"
        ]
        return Analysis(
            analyzer=_NAME,
            api_version=_API_VERSION,
            model_version=seen["iteration"],
            findings=self._findings(predictions, info),
            exclusive=self._task == "multiclass",
        )

    def _findings(self, predictions: Sequence[Mapping[str, Any]], info: ImageInfo) -> dict[str, Any]:
        surest: dict[str, float] = {}
        for item in predictions:
            surest[item["tagName"]] = max(item["probability"], surest.get(item["tagName"], 0.0))
        found: dict[str, Any] = {"tags": [{"name": name, "confidence": sure} for name, sure in surest.items()]}
        if "objects" in self.features:
            found["objects"] = [
                {"name": item["tagName"], "confidence": item["probability"], "box": _box(item["boundingBox"], info)}
                for item in predictions
            ]
        return found


def _box(box: Mapping[str, float], info: ImageInfo) -> dict[str, int]:
    """The service gives parts of the image's sides, the record pixels."""
    return {
        "x": round(box["left"] * info.width),
        "y": round(box["top"] * info.height),
        "width": round(box["width"] * info.width),
        "height": round(box["height"] * info.height),
    }


def build(options: Mapping[str, Any], features: Sequence[str], world: World) -> CustomVision:
    """The analyser; raises SettingsError."""
    read = Options(options, "custom-vision")
    endpoint, project, iteration = read.text("endpoint"), read.text("project"), read.text("iteration")
    task = read.choice("task", _TASKS)
    quota = read.quota()
    detects = task == "detection"
    read.finish(features, ("tags", "objects") if detects else ("tags",))
    url = (
        f"{endpoint.rstrip('/')}/customvision/{_API_VERSION}/Prediction/{quote(project, safe='')}"
        f"/{'detect' if detects else 'classify'}/iterations/{quote(iteration, safe='')}/image/nostore"
    )
    client: _Client = AsyncPipelineClient(endpoint, **client_options(world))
    return CustomVision(Pool([client], quota), url, task, features)
