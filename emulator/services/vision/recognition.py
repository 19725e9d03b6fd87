"""What an image shows: tags and objects, for all operations."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from emulator.services.vision.detectable import DETECTABLE
from emulator.services.vision.models import Classifier, Detection, Detector
from emulator.services.vision.tags import Tag, TagHierarchy


class Recognizer:
    """Classifier and detector, loaded once; not for more than one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._classifier = Classifier(folder)
        self._detector = Detector(folder)
        self.hierarchy = TagHierarchy(folder / "hierarchy.json", DETECTABLE)

    def detect(self, image: Image.Image) -> list[Detection]:
        """Return the located objects, by falling confidence."""
        return self._detector.detect(image)

    def tags(self, image: Image.Image, detections: Sequence[Detection]) -> list[Tag]:
        """Return the tags, by falling confidence."""
        return self.hierarchy.tags(self._classifier.probabilities(image), detections)
