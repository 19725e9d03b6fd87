"""Custom Vision prediction: a project's published iteration, for classification or object detection.

Whether the service accepts Entra ID tokens is not documented: every sample uses a key. Its operations are data actions
of role definitions, which indicates that it does. This module was not tested on Azure (docs/decisions/0006).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from azure.core import AsyncPipelineClient
from azure.core.rest import AsyncHttpResponse, HttpRequest

from classifier.adapters.azure_clients import AzureClients
from classifier.analyzers.account_pool import AccountPool
from classifier.analyzers.http_requests import build_image_request, create_client_options
from classifier.analyzers.options import Options
from classifier.analyzers.responses import parse_response, read_result
from classifier.domain.errors import ImageRejectedError
from classifier.domain.models import Analysis, ImageInfo
from classifier.domain.ports import Analyzer

_NAME = "azure-custom-vision"
_API_VERSION = "v3.1"
# https://learn.microsoft.com/azure/ai-services/custom-vision-service/limits-and-quotas
_MAX_BYTES = 4 * 1024 * 1024
_TASKS = ("multiclass", "multilabel", "detection")

_Client = AsyncPipelineClient[HttpRequest, AsyncHttpResponse]


class CustomVision:
    """`ports.Analyzer` for one published iteration."""

    def __init__(self, pool: AccountPool[_Client], url: str, task: str, features: Sequence[str]) -> None:
        self._pool = pool
        self._url = url
        self._task = task
        self.features = tuple(features)
        self.fingerprint = f"{_NAME}/{_API_VERSION} {json.dumps([url, task, sorted(features)])}"

    def check_capacity(self) -> None:
        """Implements `ports.Analyzer.check_capacity`."""
        self._pool.check_capacity()

    async def analyze(self, content: bytes, info: ImageInfo) -> Analysis:
        """Implements `ports.Analyzer.analyze`."""
        if len(content) > _MAX_BYTES:
            raise ImageRejectedError(
                "TooLargeForCustomVision",
                f"The file has {len(content)} bytes; Custom Vision takes at most {_MAX_BYTES}.",
                measured=len(content),
                limit=_MAX_BYTES,
            )

        async def send(client: _Client) -> dict[str, Any]:
            return parse_response(await client.send_request(build_image_request(self._url, content, {})))

        response = await self._pool.call(send)
        return read_result(lambda: self._create_analysis(response, info))

    def _create_analysis(self, response: Mapping[str, Any], info: ImageInfo) -> Analysis:
        # A negative tag says that no other tag applies: it is no tag of the image.
        predictions: list[dict[str, Any]] = [
            item for item in response["predictions"] if item.get("tagType", "Regular") != "Negative"
        ]
        return Analysis(
            analyzer=_NAME,
            api_version=_API_VERSION,
            model_version=response["iteration"],
            findings=self._findings(predictions, info),
            exclusive=self._task == "multiclass",
        )

    def _findings(self, predictions: Sequence[Mapping[str, Any]], info: ImageInfo) -> dict[str, Any]:
        confidences: dict[str, float] = {}
        for item in predictions:
            confidences[item["tagName"]] = max(item["probability"], confidences.get(item["tagName"], 0.0))
        tags = [{"name": name, "confidence": confidence} for name, confidence in confidences.items()]
        findings: dict[str, Any] = {"tags": tags}
        if "objects" in self.features:
            findings["objects"] = [
                {"name": item["tagName"], "confidence": item["probability"], "box": _box(item["boundingBox"], info)}
                for item in predictions
            ]
        return findings


def _box(box: Mapping[str, float], info: ImageInfo) -> dict[str, int]:
    """Return a box in pixels; the service has fractions of the image's sides."""
    return {
        "x": round(box["left"] * info.width),
        "y": round(box["top"] * info.height),
        "width": round(box["width"] * info.width),
        "height": round(box["height"] * info.height),
    }


def build(options: Mapping[str, Any], features: Sequence[str], azure: AzureClients) -> Analyzer:
    """Create the analyzer. Raises SettingsError if options or features are wrong."""
    reader = Options(options, "custom-vision")
    endpoint = reader.text("endpoint")
    project = reader.text("project")
    iteration = reader.text("iteration")
    task = reader.choice("task", _TASKS)
    quota = reader.quota()
    is_detection = task == "detection"
    reader.raise_if_invalid(features, ("tags", "objects") if is_detection else ("tags",))
    url = (
        f"{endpoint.rstrip('/')}/customvision/{_API_VERSION}/Prediction/{quote(project, safe='')}"
        f"/{'detect' if is_detection else 'classify'}/iterations/{quote(iteration, safe='')}/image/nostore"
    )
    client: _Client = AsyncPipelineClient(endpoint, **create_client_options(azure))
    return CustomVision(AccountPool([client], quota), url, task, features)
