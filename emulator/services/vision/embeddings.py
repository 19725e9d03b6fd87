"""Multimodal embeddings, in the emulator's own space (semantic_space.py)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from emulator.services.vision.colors import color_shares
from emulator.services.vision.images import ImageLimits, check_media_type, decode_image
from emulator.services.vision.recognition import Recognizer
from emulator.services.vision.requests import (
    Request,
    RequestError,
    check_api_version,
    check_parameters,
    check_value,
)
from emulator.services.vision.semantic_space import SemanticSpace

# https://learn.microsoft.com/azure/ai-services/computer-vision/how-to/image-retrieval
API_VERSIONS = ("2024-02-01",)
# What callers ask for is Azure's model; the answer names the model that it comes from.
AZURE_MODEL_VERSION = "2023-04-15"
MODEL_VERSION = "emulator-embedding-1"
# https://learn.microsoft.com/azure/ai-services/computer-vision/concept-image-retrieval#input-requirements
_MOST_WORDS = 70
_LIMITS = ImageLimits(
    formats=("JPEG", "PNG", "GIF", "BMP", "WEBP", "ICO", "TIFF", "MPO"),
    max_bytes=20 * 1024 * 1024,
    min_side=10,
    size_code=None,
)


class _TextRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, msgspec.Meta(min_length=1)]


class ImageEmbedder:
    """`retrieval:vectorizeImage`; not for more than one thread at a time."""

    def __init__(self, recognizer: Recognizer, space: SemanticSpace) -> None:
        self._recognizer = recognizer
        self._space = space

    def vectorize(self, request: Request) -> dict[str, Any]:
        """Return the service's answer to an image. Raises RequestError."""
        _check_query(request.query)
        check_media_type(request)
        image = decode_image(request.content, _LIMITS).pixels
        detections = self._recognizer.detect(image)
        colors = color_shares(image, [detection.box for detection in detections])
        return _answer(self._space.embed_image(self._recognizer.tags(image, detections), colors))


class TextEmbedder:
    """`retrieval:vectorizeText`, for any thread."""

    def __init__(self, space: SemanticSpace) -> None:
        self._space = space

    def vectorize(self, request: Request) -> dict[str, Any]:
        """Return the service's answer to `{"text": "…"}`. Raises RequestError."""
        _check_query(request.query)
        if request.content_type != "application/json":
            raise RequestError(None, f"The provided content type {request.content_type} is not supported")
        try:
            text = msgspec.json.decode(request.content, type=_TextRequest).text
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise RequestError(None, f"The request body is not valid: {error}") from error
        words = len(text.split())
        if not 1 <= words <= _MOST_WORDS:
            raise RequestError(None, f"The text has {words} words; allowed are 1 to {_MOST_WORDS}.")
        return _answer(self._space.embed_text(text))


def create_embedders(recognizer: Recognizer, folder: Path) -> tuple[ImageEmbedder, TextEmbedder]:
    """Return both operations on the space of the lexicon in a folder."""
    space = SemanticSpace(folder / "lexicon.npz")
    return ImageEmbedder(recognizer, space), TextEmbedder(space)


def _check_query(query: Mapping[str, str]) -> None:
    check_api_version(query, API_VERSIONS)
    check_parameters(query, {"api-version", "model-version"})
    check_value(query, "model-version", {AZURE_MODEL_VERSION, MODEL_VERSION})


def _answer(vector: np.ndarray) -> dict[str, Any]:
    return {"modelVersion": MODEL_VERSION, "vector": vector.tolist()}
