"""Tensors out of a legacy PyTorch file, without PyTorch: https://github.com/pytorch/pytorch/blob/main/torch/serialization.py."""

import collections
import pickle
import struct
from pathlib import Path
from typing import IO, Any

import numpy as np

_TYPES = {"FloatStorage": np.dtype(np.float32), "LongStorage": np.dtype(np.int64), "HalfStorage": np.dtype(np.float16)}


def read(path: Path) -> dict[str, np.ndarray]:
    """Every tensor of a state dictionary, by name."""
    storages: dict[str, tuple[str, int]] = {}
    with path.open("rb") as file:
        for _ in ("magic number", "protocol version", "system information"):
            _Unpickler(file, storages).load()
        views: dict[str, tuple[str, int, tuple[int, ...], tuple[int, ...]]] = _Unpickler(file, storages).load()
        keys: list[str] = _Unpickler(file, storages).load()
        data = {key: _storage(file, *storages[key]) for key in keys}
    return {
        name: np.lib.stride_tricks.as_strided(
            # Strides count: kernels converted from TensorFlow are permuted views of their storage.
            data[key][offset:],
            size,
            [step * data[key].itemsize for step in stride],
        ).copy()
        for name, (key, offset, size, stride) in views.items()
    }


def _storage(file: IO[bytes], kind: str, count: int) -> np.ndarray:
    (stored,) = struct.unpack("<q", file.read(8))
    if stored != count:
        raise ValueError(f"a storage holds {stored} numbers, not {count}")
    return np.frombuffer(file.read(count * _TYPES[kind].itemsize), _TYPES[kind])


class _Unpickler(pickle.Unpickler):
    """Knows the four names that such a file may refer to, so that nothing else in it can ever run."""

    def __init__(self, file: IO[bytes], storages: dict[str, tuple[str, int]]) -> None:
        super().__init__(file)
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, size, stride, *_rest: (storage, offset, size, stride)
        if module == "torch" and name in _TYPES:
            return name
        raise pickle.UnpicklingError(f"{module}.{name} is not expected in a file of weights")

    def persistent_load(self, pid: Any) -> str:
        _, kind, key, _device, count, *_view = pid
        self._storages.setdefault(key, (kind, count))
        return key
