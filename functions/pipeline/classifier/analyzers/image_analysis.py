"""Azure AI Vision: Image Analysis 4.0, and beside it 3.2's judgement of adult content and the image's embedding.

The image's bytes are sent, so the blobs may stay private. All three calls go to the same accounts, under one role.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from azure.ai.vision.imageanalysis.aio import ImageAnalysisClient

from classifier.adapters.azure_clients import World
from classifier.analyzers.account_pool import Pool, answer, client_options, post, reading
from classifier.analyzers.options import Options
from classifier.analyzers.response_mapping import READERS, adult, not_judged
from classifier.domain.models import Analysis, ImageInfo

_NAME = "azure-image-analysis"
API_VERSION = "2023-10-01"
# https://learn.microsoft.com/azure/ai-services/computer-vision/how-to/image-retrieval
_RETRIEVAL = {"api-version": "2024-02-01", "model-version": "2023-04-15"}
# https://learn.microsoft.com/azure/ai-services/computer-vision/overview-image-analysis (version 3.2)
_JUDGED_FORMATS, _JUDGED_BYTES, _JUDGED_SIDE = ("JPEG", "PNG", "GIF", "BMP"), 4 * 1024 * 1024, 10_000
FEATURES = (*READERS, "safety", "embeddings")


class ImageAnalysis:
    """`ports.Analyzer` over a pool of Vision accounts."""

    def __init__(self, pool: Pool[ImageAnalysisClient], features: Sequence[str], asked: Mapping[str, str]) -> None:
        self._pool = pool
        self.features = tuple(features)
        self._visual = [feature for feature in features if feature in READERS]
        self._asked = dict(asked)
        asked_for = json.dumps([sorted(features), sorted(self._asked.items())])
        self.identity = f"{_NAME}/{API_VERSION}/latest {asked_for}"

    def ready(self) -> None:
        """As `ports.Analyzer.ready`."""
        self._pool.ready()

    async def analyze(self, content: bytes, info: ImageInfo) -> Analysis:
        """As `ports.Analyzer.analyze`."""
        findings: dict[str, Any] = {}
        models: list[str] = []
        if self._visual:
            query = {"api-version": API_VERSION, "features": ",".join(self._visual), **self._asked}
            seen = await self._post("/imageanalysis:analyze", content, query)
            findings |= reading(lambda: {feature: READERS[feature](seen) for feature in self._visual})
            models.append(reading(lambda: str(seen["modelVersion"])))
        if "safety" in self.features:
            findings["adult"], model = await self._judge(content, info)
            models += [f"3.2 {model}"] * bool(model)
        if "embeddings" in self.features:
            embedded = await self._post("/retrieval:vectorizeImage", content, _RETRIEVAL, paid=bool(models))
            findings["vector"] = reading(lambda: embedded["vector"])
            models.append(reading(lambda: f"vectorizeImage {embedded['modelVersion']}"))
        return Analysis(analyzer=_NAME, api_version=API_VERSION, model_version=", ".join(models), findings=findings)

    async def _judge(self, content: bytes, info: ImageInfo) -> tuple[dict[str, Any], str]:
        """The verdict on adult content, and the model that gave it."""
        if info.format not in _JUDGED_FORMATS:
            return not_judged(f"{info.format} is none of {', '.join(_JUDGED_FORMATS)}"), ""
        if len(content) >= _JUDGED_BYTES or max(info.width, info.height) > _JUDGED_SIDE:
            limit = f"{_JUDGED_BYTES} bytes and {_JUDGED_SIDE} pixels a side"
            return not_judged(
                f"{len(content)} bytes, {info.width} x {info.height} pixels; judged are up to {limit}"
            ), ""
        query = {"visualFeatures": "Adult"}
        judged = await self._post("{endpoint}/vision/v3.2/analyze", content, query, paid=bool(self._visual))
        return reading(lambda: (adult(judged), str(judged["modelVersion"])))

    async def _post(self, path: str, content: bytes, query: Mapping[str, str], *, paid: bool = False) -> dict[str, Any]:
        async def send(client: ImageAnalysisClient) -> dict[str, Any]:
            # The SDK's own pipeline, without its model classes: reading an answer through them takes longer than
            # everything else that is done for it (docs/decisions/0023).
            return answer(await client.send_request(post(path, content, query)))

        return await self._pool.call(send, paid=paid)


def build(options: Mapping[str, Any], features: Sequence[str], world: World) -> ImageAnalysis:
    """The analyser; raises SettingsError."""
    read = Options(options, "image-analysis")
    endpoints = read.texts("endpoints")
    language, neutral = read.text("language"), read.boolean("genderNeutralCaptions")
    ratios = read.numbers("smartCropAspectRatios")
    quota = read.quota()
    read.finish(features, FEATURES)
    asked = {"language": language}
    if {"caption", "denseCaptions"} & set(features):
        asked["gender-neutral-caption"] = str(neutral).lower()
    if "smartCrops" in features and ratios:
        asked["smartcrops-aspect-ratios"] = ",".join(f"{ratio:g}" for ratio in ratios)
    clients = [
        # Azure gives the endpoint with a slash at its end, and the SDK would add a second one.
        ImageAnalysisClient(endpoint.rstrip("/"), world.credential, api_version=API_VERSION, **client_options(world))
        for endpoint in endpoints
    ]
    return ImageAnalysis(Pool(clients, quota), features, asked)
