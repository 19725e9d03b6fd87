"""Azure AI Vision: Image Analysis 4.0, adult content detection of version 3.2, and multimodal embeddings.

The requests have the bytes of the image, so the blobs can stay private. All three use the same accounts and one role.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated

from azure.ai.vision.imageanalysis.aio import ImageAnalysisClient
from common.adapters.azure_clients import AzureClients
from common.domain import embedding_model
from common.domain.findings import Findings
from common.domain.image_limits import IMAGE_ANALYSIS_LIMITS
from common.domain.models import Analysis, ImageFormat, ImageInfo
from msgspec import Meta

from classifier.analyzers.account_pool import AccountPool
from classifier.analyzers.http_requests import build_image_request, create_client_options
from classifier.analyzers.options import AnalyzerOptions, parse_options
from classifier.analyzers.response_mapping import (
    VISUAL_FEATURES,
    map_adult_content,
    map_findings,
    map_model_version,
    map_vector,
    unknown_adult_content,
)
from classifier.analyzers.responses import parse_response, read_result
from classifier.domain.ports import Analyzer, AnalyzerCall

_NAME = "azure-image-analysis"
API_VERSION = "2023-10-01"
# https://learn.microsoft.com/azure/ai-services/computer-vision/overview-image-analysis (version 3.2)
_ADULT_CONTENT_FORMATS = (ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.GIF, ImageFormat.BMP)
_ADULT_CONTENT_MAX_BYTES = 4 * 1024 * 1024
_ADULT_CONTENT_MAX_SIDE = 10_000
FEATURES = (*VISUAL_FEATURES, "safety", "embeddings")


class ImageAnalysisOptions(AnalyzerOptions, frozen=True, kw_only=True, rename="camel"):
    """The options of Image Analysis."""

    endpoints: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(description="Endpoints of the accounts.", min_length=1, extra={"allowed": "a list of texts"}),
    ]
    language: Annotated[
        str, Meta(description="Language of tags and captions.", min_length=1, extra={"allowed": "a text"})
    ]
    gender_neutral_captions: Annotated[
        bool, Meta(description="Whether captions name no gender.", extra={"allowed": "true or false"})
    ]
    smart_crop_aspect_ratios: Annotated[
        tuple[float, ...],
        Meta(
            description="Aspect ratios of smart crops; the service chooses without.",
            extra={"allowed": "a list of numbers"},
        ),
    ]


class _VisionCall:
    """One request to the accounts of a pool."""

    def __init__(self, pool: AccountPool[ImageAnalysisClient], path: str, query: Mapping[str, str]) -> None:
        self._pool = pool
        self._path = path
        self._query = query

    async def post(self, content: bytes, *, paid: bool) -> object:
        """Send an image, and return the JSON of the response."""

        async def send(client: ImageAnalysisClient) -> object:
            # The SDK's own pipeline, without its model classes: parsing a response with them takes longer than all
            # other processing of it (docs/decisions/0023).
            request = build_image_request(self._path, content, self._query)
            return parse_response(await client.send_request(request))

        return await self._pool.call(send, paid=paid)


def _create_analysis(findings: Findings, model_version: str) -> Analysis:
    return Analysis(analyzer=_NAME, api_version=API_VERSION, model_version=model_version, findings=findings)


class VisualFeatures:
    """`ports.AnalyzerCall`: all requested features of Image Analysis 4.0 in one call."""

    def __init__(
        self, pool: AccountPool[ImageAnalysisClient], features: Sequence[str], query: Mapping[str, str]
    ) -> None:
        self._features = tuple(features)
        request = {"api-version": API_VERSION, "features": ",".join(features), **query}
        self._call = _VisionCall(pool, "/imageanalysis:analyze", request)
        self.fingerprint = f"{_NAME}/{API_VERSION}/latest {json.dumps([sorted(features), sorted(query.items())])}"

    async def analyze(self, content: bytes, info: ImageInfo, *, paid: bool) -> Analysis:
        """Implements `ports.AnalyzerCall.analyze`."""
        response = await self._call.post(content, paid=paid)
        findings = read_result(lambda: map_findings(response, self._features))
        return _create_analysis(findings, read_result(lambda: map_model_version(response)))


class AdultContentDetection:
    """`ports.AnalyzerCall`: adult content detection of version 3.2. Images that it does not accept are not sent."""

    fingerprint = f"{_NAME}/3.2/latest adult"

    def __init__(self, pool: AccountPool[ImageAnalysisClient]) -> None:
        self._call = _VisionCall(pool, "{endpoint}/vision/v3.2/analyze", {"visualFeatures": "Adult"})

    async def analyze(self, content: bytes, info: ImageInfo, *, paid: bool) -> Analysis:
        """Implements `ports.AnalyzerCall.analyze`."""
        if info.format not in _ADULT_CONTENT_FORMATS:
            return self._unknown(f"{info.format} is none of {', '.join(_ADULT_CONTENT_FORMATS)}")
        if len(content) >= _ADULT_CONTENT_MAX_BYTES or max(info.width, info.height) > _ADULT_CONTENT_MAX_SIDE:
            limit = f"{_ADULT_CONTENT_MAX_BYTES} bytes and {_ADULT_CONTENT_MAX_SIDE} pixels a side"
            return self._unknown(f"{len(content)} bytes, {info.width} x {info.height} pixels; judged are up to {limit}")
        response = await self._call.post(content, paid=paid)
        adult = read_result(lambda: map_adult_content(response))
        return _create_analysis(Findings(adult=adult), f"3.2 {read_result(lambda: map_model_version(response))}")

    @staticmethod
    def _unknown(reason: str) -> Analysis:
        return _create_analysis(Findings(adult=unknown_adult_content(reason)), "")


class ImageEmbedding:
    """`ports.AnalyzerCall`: the embedding of an image."""

    fingerprint = f"{_NAME}/{embedding_model.API_VERSION} vectorizeImage {embedding_model.MODEL_VERSION}"

    def __init__(self, pool: AccountPool[ImageAnalysisClient]) -> None:
        self._call = _VisionCall(pool, "/retrieval:vectorizeImage", embedding_model.REQUEST_PARAMETERS)

    async def analyze(self, content: bytes, info: ImageInfo, *, paid: bool) -> Analysis:
        """Implements `ports.AnalyzerCall.analyze`."""
        response = await self._call.post(content, paid=paid)
        findings = Findings(vector=read_result(lambda: map_vector(response)))
        return _create_analysis(findings, f"vectorizeImage {read_result(lambda: map_model_version(response))}")


class ImageAnalysis:
    """`ports.Analyzer` for a pool of Vision accounts."""

    def __init__(
        self, pool: AccountPool[ImageAnalysisClient], features: Sequence[str], query: Mapping[str, str]
    ) -> None:
        self._pool = pool
        self.features = tuple(features)
        self.limits = IMAGE_ANALYSIS_LIMITS
        request = json.dumps([sorted(features), sorted(query.items())])
        self.fingerprint = f"{_NAME}/{API_VERSION}/latest {request}"
        visual_features = [feature for feature in features if feature in VISUAL_FEATURES]
        calls: list[AnalyzerCall] = []
        if visual_features:
            calls.append(VisualFeatures(pool, visual_features, query))
        if "safety" in features:
            calls.append(AdultContentDetection(pool))
        if "embeddings" in features:
            calls.append(ImageEmbedding(pool))
        self.calls = tuple(calls)

    def check_capacity(self) -> None:
        """Implements `ports.Analyzer.check_capacity`."""
        self._pool.check_capacity()


def build(options: Mapping[str, object], features: Sequence[str], azure: AzureClients) -> Analyzer:
    """Create the analyzer. Raises SettingsError if options or features are wrong."""
    parsed = parse_options(
        options, ImageAnalysisOptions, analyzer="image-analysis", features=features, supported=FEATURES
    )
    query = {"language": parsed.language}
    if {"caption", "denseCaptions"} & set(features):
        query["gender-neutral-caption"] = str(parsed.gender_neutral_captions).lower()
    if "smartCrops" in features and parsed.smart_crop_aspect_ratios:
        query["smartcrops-aspect-ratios"] = ",".join(f"{ratio:g}" for ratio in parsed.smart_crop_aspect_ratios)
    clients = [
        # Azure's endpoints end with a slash, and the SDK would add a second one.
        ImageAnalysisClient(
            endpoint.rstrip("/"), azure.credential, api_version=API_VERSION, **create_client_options(azure)
        )
        for endpoint in parsed.endpoints
    ]
    return ImageAnalysis(AccountPool(clients, parsed.quota), features, query)
