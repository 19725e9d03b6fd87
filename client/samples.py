"""Sample photos out of installed packages, so that this repository contains none."""

from importlib.resources import files
from pathlib import Path

# scikit-image: public domain or CC0 (skimage/data/README.txt);
# scikit-learn: CC BY 2.0 (sklearn/datasets/images/README.txt).
_SAMPLES = {
    "skimage.data": (
        "chelsea.png",
        "coffee.png",
        "astronaut.png",
        "motorcycle_left.png",
        "horse.png",
        "camera.png",
        "rocket.jpg",
        "page.png",
    ),
    "sklearn.datasets.images": ("china.jpg",),
}


def sample_photos() -> list[Path]:
    """Return the paths of the sample photos; chelsea.png is a cat."""
    return [Path(str(files(package) / name)) for package, names in _SAMPLES.items() for name in names]
