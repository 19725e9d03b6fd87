"""The models: classes, objects and text of an image, with pixels and confidences."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image
from rapidocr import RapidOCR
from smartcrop import SmartCrop

from emulator.services.vision.detectable import DETECTABLE

# Below it NanoDet sees cars and telephones that are not there (docs/decisions/0011).
_DETECTION_FLOOR = 0.4
_OVERLAP = 0.5


@dataclass(frozen=True, kw_only=True)
class Box:
    """Pixels; x and y of the upper left corner."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Detection:
    """An object and its place in the image."""

    name: str
    confidence: float
    box: Box


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of text; `polygon` holds its four corners, clockwise from the upper left."""

    text: str
    confidence: float
    polygon: list[tuple[int, int]]


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _infer(
    session: onnxruntime.InferenceSession, outputs: list[str], inputs: dict[str, np.ndarray]
) -> list[np.ndarray]:
    """The values of the named outputs."""
    return [np.asarray(value) for value in session.run(outputs, inputs)]


class Classifier:
    """EfficientNet-Lite0 over the thousand ImageNet classes."""

    def __init__(self, folder: Path) -> None:
        self._session = _session(folder / "lite0.onnx")

    def probabilities(self, image: Image.Image) -> np.ndarray:
        """Return the probability of each class; the names of the classes are in hierarchy.json."""
        small = image.resize((256, 256), Image.Resampling.BICUBIC).crop((16, 16, 240, 240))
        pixels = (np.asarray(small, np.float32) - 127) / 128
        (output,) = _infer(self._session, ["probs"], {"input": pixels.transpose(2, 0, 1)[None]})
        return output[0]


class Detector:
    """NanoDet over the eighty COCO classes."""

    _SIDE = 416
    _BINS = 11
    _MEAN = np.array([103.53, 116.28, 123.675], np.float32)
    _DEVIATION = np.array([57.375, 57.12, 58.395], np.float32)
    # Stride of each output pair: (stride, class scores, box distributions).
    _HEADS = (
        (8, "out_Identity", "out_Identity_3"),
        (16, "out_Identity_1", "out_Identity_4"),
        (32, "out_Identity_2", "out_Identity_5"),
    )

    def __init__(self, folder: Path) -> None:
        self._session = _session(folder / "nanodet.onnx")

    def detect(self, image: Image.Image) -> list[Detection]:
        """The objects in an image, by falling confidence."""
        scale = self._SIDE / max(image.size)
        width = max(1, round(image.width * scale))
        height = max(1, round(image.height * scale))
        left = (self._SIDE - width) // 2
        top = (self._SIDE - height) // 2
        canvas = Image.new("RGB", (self._SIDE, self._SIDE))
        canvas.paste(image.resize((width, height), Image.Resampling.BILINEAR), (left, top))
        pixels = (np.asarray(canvas, np.float32)[..., ::-1] - self._MEAN) / self._DEVIATION
        boxes, scores = self._decode(pixels.transpose(2, 0, 1)[None])
        detections: list[Detection] = []
        for label in np.unique(np.nonzero(scores > _DETECTION_FLOOR)[1]):
            likely = np.nonzero(scores[:, label] > _DETECTION_FLOOR)[0]
            for index in likely[_distinct(boxes[likely], scores[likely, label])]:
                x1, y1, x2, y2 = (boxes[index] - [left, top, left, top]) / scale
                detections.append(
                    Detection(
                        name=DETECTABLE[label],
                        confidence=float(scores[index, label]),
                        box=_inside(x1, y1, x2, y2, image),
                    )
                )
        return sorted(detections, key=lambda detection: detection.confidence, reverse=True)

    def _decode(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Boxes [n, 4] and scores [n, 80]: each side of a box is the mean of a distribution over eleven distances."""
        names = [name for head in self._HEADS for name in head[1:]]
        answers = dict(zip(names, _infer(self._session, names, {"input_1": pixels}), strict=True))
        boxes: list[np.ndarray] = []
        scores: list[np.ndarray] = []
        for stride, classes, distances in self._HEADS:
            cells = self._SIDE // stride
            logits = answers[distances][0].reshape(-1, 4, self._BINS)
            weights = np.exp(logits - logits.max(-1, keepdims=True))
            sides = (weights / weights.sum(-1, keepdims=True) * np.arange(self._BINS)).sum(-1) * stride
            rows, columns = np.mgrid[:cells, :cells]
            x = (columns.ravel() + 0.5) * stride
            y = (rows.ravel() + 0.5) * stride
            boxes.append(np.stack([x - sides[:, 0], y - sides[:, 1], x + sides[:, 2], y + sides[:, 3]], 1))
            scores.append(answers[classes][0])
        return np.concatenate(boxes), np.concatenate(scores)


def _distinct(boxes: np.ndarray, scores: np.ndarray) -> list[int]:
    """Non-maximum suppression: the boxes that do not overlap mostly with one of higher confidence."""
    order = scores.argsort()[::-1]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    selected: list[int] = []
    while len(order):
        best = order[0]
        rest = order[1:]
        selected.append(int(best))
        overlap_x = np.minimum(boxes[best, 2], boxes[rest, 2]) - np.maximum(boxes[best, 0], boxes[rest, 0])
        overlap_y = np.minimum(boxes[best, 3], boxes[rest, 3]) - np.maximum(boxes[best, 1], boxes[rest, 1])
        common = np.clip(overlap_x, 0, None) * np.clip(overlap_y, 0, None)
        order = rest[common / (areas[best] + areas[rest] - common + 1e-9) < _OVERLAP]
    return selected


def _inside(x1: float, y1: float, x2: float, y2: float, image: Image.Image) -> Box:
    left = max(0, round(x1))
    top = max(0, round(y1))
    right = min(image.width, round(x2))
    bottom = min(image.height, round(y2))
    return Box(x=left, y=top, width=max(0, right - left), height=max(0, bottom - top))


class TextReader:
    """PP-OCR, as RapidOCR packages it."""

    def __init__(self) -> None:
        logging.getLogger("RapidOCR").setLevel(logging.ERROR)
        self._engine = RapidOCR(
            params={
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                "Det.limit_type": "max",
                "Det.limit_side_len": 960,
                "Global.log_level": "error",
            }
        )
        self.read(Image.new("RGB", (64, 64)))  # the models are loaded at the first picture

    def read(self, image: Image.Image) -> list[Line]:
        """Lines of text, from top to bottom."""
        answer: Any = self._engine(np.asarray(image)[:, :, ::-1])
        if answer.txts is None:
            return []
        lines = [
            Line(text=text, confidence=float(score), polygon=[(round(float(x)), round(float(y))) for x, y in box])
            for text, score, box in zip(answer.txts, answer.scores, answer.boxes, strict=True)
        ]
        return [line for line in lines if _is_text(line, image)]


def _is_text(line: Line, image: Image.Image) -> bool:
    """Pictures without text give single characters, or one box over most of the picture; confidence does not tell."""
    xs, ys = zip(*line.polygon, strict=True)
    area = (max(xs) - min(xs)) * (max(ys) - min(ys))
    return len(line.text.strip()) > 1 and area <= 0.4 * image.width * image.height


class Cropper:
    """smartcrop.py: the most salient part of an image."""

    def __init__(self) -> None:
        self._engine = SmartCrop()

    def crop(self, image: Image.Image, aspect_ratio: float) -> Box:
        """The best crop with this ratio of width to height."""
        width = round(100 * aspect_ratio)
        height = 100
        best: dict[str, float] = self._engine.crop(image, width, height)["top_crop"]
        return _inside(best["x"], best["y"], best["x"] + best["width"], best["y"] + best["height"], image)
