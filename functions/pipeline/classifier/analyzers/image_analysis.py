"""Azure AI Vision: Image Analysis 4.0, adult content detection of version 3.2, and multimodal embeddings.

The requests have the bytes of the image, so the blobs can stay private. All three use the same accounts and one role.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated

from azure.ai.vision.imageanalysis.aio import ImageAnalysisClient
from msgspec import Meta
from msgspec.structs import replace

from classifier.adapters.azure_clients import AzureClients
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
from classifier.domain.findings import AdultContent, Findings
from classifier.domain.models import Analysis, ImageFormat, ImageInfo
from classifier.domain.ports import Analyzer

_NAME = "azure-image-analysis"
API_VERSION = "2023-10-01"
# https://learn.microsoft.com/azure/ai-services/computer-vision/how-to/image-retrieval
_RETRIEVAL = {"api-version": "2024-02-01", "model-version": "2023-04-15"}
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


class ImageAnalysis:
    """`ports.Analyzer` for a pool of Vision accounts."""

    def __init__(
        self, pool: AccountPool[ImageAnalysisClient], features: Sequence[str], query: Mapping[str, str]
    ) -> None:
        self._pool = pool
        self.features = tuple(features)
        self._visual_features = [feature for feature in features if feature in VISUAL_FEATURES]
        self._query = dict(query)
        request = json.dumps([sorted(features), sorted(self._query.items())])
        self.fingerprint = f"{_NAME}/{API_VERSION}/latest {request}"

    def check_capacity(self) -> None:
        """Implements `ports.Analyzer.check_capacity`."""
        self._pool.check_capacity()

    async def analyze(self, content: bytes, info: ImageInfo) -> Analysis:
        """Implements `ports.Analyzer.analyze`."""
        findings = Findings()
        models: list[str] = []
        if self._visual_features:
            query = {"api-version": API_VERSION, "features": ",".join(self._visual_features), **self._query}
            response = await self._post("/imageanalysis:analyze", content, query)
            findings = read_result(lambda: map_findings(response, self._visual_features))
            models.append(read_result(lambda: map_model_version(response)))
        if "safety" in self.features:
            adult, model = await self._detect_adult_content(content, info)
            findings = replace(findings, adult=adult)
            if model:
                models.append(f"3.2 {model}")
        if "embeddings" in self.features:
            embedding = await self._post("/retrieval:vectorizeImage", content, _RETRIEVAL, paid=bool(models))
            findings = replace(findings, vector=read_result(lambda: map_vector(embedding)))
            models.append(f"vectorizeImage {read_result(lambda: map_model_version(embedding))}")
        return Analysis(analyzer=_NAME, api_version=API_VERSION, model_version=", ".join(models), findings=findings)

    async def _detect_adult_content(self, content: bytes, info: ImageInfo) -> tuple[AdultContent, str | None]:
        """Return the findings on adult content, and the version of the model; None if the image was not sent."""
        if info.format not in _ADULT_CONTENT_FORMATS:
            return unknown_adult_content(f"{info.format} is none of {', '.join(_ADULT_CONTENT_FORMATS)}"), None
        if len(content) >= _ADULT_CONTENT_MAX_BYTES or max(info.width, info.height) > _ADULT_CONTENT_MAX_SIDE:
            limit = f"{_ADULT_CONTENT_MAX_BYTES} bytes and {_ADULT_CONTENT_MAX_SIDE} pixels a side"
            reason = f"{len(content)} bytes, {info.width} x {info.height} pixels; judged are up to {limit}"
            return unknown_adult_content(reason), None
        query = {"visualFeatures": "Adult"}
        response = await self._post("{endpoint}/vision/v3.2/analyze", content, query, paid=bool(self._visual_features))
        return read_result(lambda: (map_adult_content(response), map_model_version(response)))

    async def _post(self, path: str, content: bytes, query: Mapping[str, str], *, paid: bool = False) -> object:
        async def send(client: ImageAnalysisClient) -> object:
            # The SDK's own pipeline, without its model classes: parsing a response with them takes longer than all
            # other processing of it (docs/decisions/0023).
            return parse_response(await client.send_request(build_image_request(path, content, query)))

        return await self._pool.call(send, paid=paid)


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
