"""Custom Vision prediction: a project's published iteration, for classification or object detection.

Whether the service accepts Entra ID tokens is not documented: every sample uses a key. Its operations are data actions
of role definitions, which indicates that it does. This module was not tested on Azure (docs/decisions/0006).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal
from urllib.parse import quote

import msgspec
from azure.core import AsyncPipelineClient
from azure.core.rest import AsyncHttpResponse, HttpRequest
from common.adapters.azure_clients import AzureClients
from common.domain.findings import BoundingBox, DetectedObject, Findings, Tag
from common.domain.image_limits import IMAGE_ANALYSIS_LIMITS
from common.domain.models import Analysis, ImageInfo
from msgspec import Meta

from classifier.analyzers.account_pool import AccountPool
from classifier.analyzers.http_requests import build_image_request, create_client_options
from classifier.analyzers.options import AnalyzerOptions, parse_options
from classifier.analyzers.responses import parse_response, read_result
from classifier.domain.errors import ImageRejectedError
from classifier.domain.ports import Analyzer

_NAME = "azure-custom-vision"
_API_VERSION = "v3.1"
# https://learn.microsoft.com/azure/ai-services/custom-vision-service/limits-and-quotas
_MAX_BYTES = 4 * 1024 * 1024

_Client = AsyncPipelineClient[HttpRequest, AsyncHttpResponse]


class CustomVisionOptions(AnalyzerOptions, frozen=True, kw_only=True, rename="camel"):
    """The options of Custom Vision."""

    endpoint: Annotated[
        str, Meta(description="Prediction endpoint of the account.", min_length=1, extra={"allowed": "a text"})
    ]
    project: Annotated[str, Meta(description="ID of the project.", min_length=1, extra={"allowed": "a text"})]
    iteration: Annotated[
        str, Meta(description="Name of the published iteration.", min_length=1, extra={"allowed": "a text"})
    ]
    task: Annotated[
        Literal["multiclass", "multilabel", "detection"],
        Meta(description="What the project does.", extra={"allowed": "one of multiclass, multilabel, detection"}),
    ]


class _Box(msgspec.Struct, frozen=True, kw_only=True):
    """A box in fractions of the image's sides."""

    left: float
    top: float
    width: float
    height: float

    def to_pixels(self, info: ImageInfo) -> BoundingBox:
        """Return the box in pixels."""
        return BoundingBox(
            x=round(self.left * info.width),
            y=round(self.top * info.height),
            width=round(self.width * info.width),
            height=round(self.height * info.height),
        )


class _Prediction(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One prediction; of classifications without a box."""

    probability: float
    tag_name: str
    tag_type: str | None = None
    bounding_box: _Box | None = None


class _Response(msgspec.Struct, frozen=True, kw_only=True):
    """https://learn.microsoft.com/rest/api/customvision/prediction/classify-image."""

    iteration: str
    predictions: tuple[_Prediction, ...]


class CustomVision:
    """`ports.Analyzer` for one published iteration, and its only `ports.AnalyzerCall`."""

    def __init__(self, pool: AccountPool[_Client], url: str, task: str, features: Sequence[str]) -> None:
        self._pool = pool
        self._url = url
        self._task = task
        self.features = tuple(features)
        # Its formats and dimensions are not documented; what it does not accept, it rejects itself.
        self.limits = IMAGE_ANALYSIS_LIMITS
        self.fingerprint = f"{_NAME}/{_API_VERSION} {json.dumps([url, task, sorted(features)])}"
        self.calls = (self,)

    def check_capacity(self) -> None:
        """Implements `ports.Analyzer.check_capacity`."""
        self._pool.check_capacity()

    async def analyze(self, content: bytes, info: ImageInfo, *, paid: bool) -> Analysis:
        """Implements `ports.AnalyzerCall.analyze`."""
        if len(content) > _MAX_BYTES:
            raise ImageRejectedError(
                "TooLargeForCustomVision",
                f"The file has {len(content)} bytes; Custom Vision takes at most {_MAX_BYTES}.",
                measured=len(content),
                limit=_MAX_BYTES,
            )

        async def send(client: _Client) -> object:
            return parse_response(await client.send_request(build_image_request(self._url, content, {})))

        response = await self._pool.call(send, paid=paid)
        return read_result(lambda: self._create_analysis(msgspec.convert(response, _Response), info))

    def _create_analysis(self, response: _Response, info: ImageInfo) -> Analysis:
        # A negative tag says that no other tag applies: it is no tag of the image.
        predictions = [prediction for prediction in response.predictions if prediction.tag_type != "Negative"]
        return Analysis(
            analyzer=_NAME,
            api_version=_API_VERSION,
            model_version=response.iteration,
            findings=Findings(
                tags=_map_tags(predictions),
                objects=_map_objects(predictions, info) if "objects" in self.features else msgspec.UNSET,
            ),
            exclusive=self._task == "multiclass",
        )


def _map_tags(predictions: Sequence[_Prediction]) -> tuple[Tag, ...]:
    """Return each tag with its highest probability."""
    confidences: dict[str, float] = {}
    for prediction in predictions:
        name = prediction.tag_name
        confidences[name] = max(prediction.probability, confidences.get(name, 0.0))
    return tuple(Tag(name=name, confidence=confidence) for name, confidence in confidences.items())


def _map_objects(predictions: Sequence[_Prediction], info: ImageInfo) -> tuple[DetectedObject, ...]:
    """Return each detected object. Raises ValueError if one has no box."""
    objects: list[DetectedObject] = []
    for prediction in predictions:
        if prediction.bounding_box is None:
            raise ValueError("a detected object has no boundingBox")
        box = prediction.bounding_box.to_pixels(info)
        objects.append(DetectedObject(name=prediction.tag_name, confidence=prediction.probability, box=box))
    return tuple(objects)


def build(options: Mapping[str, object], features: Sequence[str], azure: AzureClients) -> Analyzer:
    """Create the analyzer. Raises SettingsError if options or features are wrong."""
    supported = ("tags", "objects") if options.get("task") == "detection" else ("tags",)
    parsed = parse_options(
        options, CustomVisionOptions, analyzer="custom-vision", features=features, supported=supported
    )
    url = (
        f"{parsed.endpoint.rstrip('/')}/customvision/{_API_VERSION}/Prediction/{quote(parsed.project, safe='')}"
        f"/{'detect' if parsed.task == 'detection' else 'classify'}"
        f"/iterations/{quote(parsed.iteration, safe='')}/image/nostore"
    )
    client: _Client = AsyncPipelineClient(parsed.endpoint, **create_client_options(azure))
    return CustomVision(AccountPool([client], parsed.quota), url, parsed.task, features)
