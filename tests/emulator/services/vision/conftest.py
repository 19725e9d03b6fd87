"""The models, loaded once."""

from importlib.resources import files
from pathlib import Path

import pytest

from emulator.services.vision.analysis import Analyzer
from emulator.services.vision.recognition import Recognizer
from scripts.setup import build_models

PHOTOS = Path(str(files("skimage.data")))


@pytest.fixture(scope="session")
def recognizer() -> Recognizer:
    return Recognizer(build_models())


@pytest.fixture(scope="session")
def analyzer(recognizer: Recognizer) -> Analyzer:
    return Analyzer(recognizer)
