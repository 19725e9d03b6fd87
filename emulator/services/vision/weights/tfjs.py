"""TensorFlow.js graph models as ONNX graphs, for the operators that NanoDet uses; any other is refused."""

import base64
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_STORED = {"float32": np.dtype(np.float32), "int32": np.dtype(np.int32), "bool": np.dtype(np.uint8)}
_QUANTIZED = {"float16": np.dtype(np.float16), "uint8": np.dtype(np.uint8), "uint16": np.dtype(np.uint16)}
_CONSTANT_TYPES = {"DT_FLOAT": np.float32, "DT_INT32": np.int32, "DT_INT64": np.int64, "DT_BOOL": np.bool_}
_Node = dict[str, Any]


def convert(path: Path) -> onnx.ModelProto:
    """The model in `path` (model.json, its weights beside it); outputs are named `out_<name>`."""
    document = json.loads(path.read_text())
    return _Converter(document, _weights(document, path.parent)).build()


def _weights(document: dict[str, Any], folder: Path) -> dict[str, np.ndarray]:
    weights: dict[str, np.ndarray] = {}
    for group in document["weightsManifest"]:
        buffer = b"".join((folder / name).read_bytes() for name in group["paths"])
        offset = 0
        for weight in group["weights"]:
            count = int(np.prod(weight["shape"])) if weight["shape"] else 1
            target = _STORED[weight["dtype"]]
            quantization = weight.get("quantization")
            kind = _QUANTIZED[quantization["dtype"]] if quantization else target
            array = np.frombuffer(buffer, kind, count, offset)
            offset += count * kind.itemsize
            if quantization and quantization["dtype"] != "float16":
                array = array.astype(np.float32) * quantization["scale"] + quantization["min"]
            weights[weight["name"]] = array.astype(target).reshape(weight["shape"])
    return weights


class _Converter:
    """Visits the graph from its outputs. A value is a name; names in `_known` are constants, worked out at once."""

    def __init__(self, document: dict[str, Any], weights: dict[str, np.ndarray]) -> None:
        self._graph: dict[str, _Node] = {node["name"]: node for node in document["modelTopology"]["node"]}
        self._outputs: dict[str, Any] = document["signature"]["outputs"]
        self._weights = weights
        self._known: dict[str, np.ndarray] = {}
        self._value_names: dict[str, list[str]] = {}
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._counter = itertools.count()

    def build(self) -> onnx.ModelProto:
        outputs: list[onnx.ValueInfoProto] = []
        for key, info in sorted(self._outputs.items()):
            name = f"out_{key.partition(':')[0]}"
            shape = [int(dimension["size"]) for dimension in info["tensorShape"]["dim"]]
            self._nodes.append(helper.make_node("Identity", [self._value(key.partition(":")[0])], [name]))
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        model = helper.make_model(
            helper.make_graph(self._nodes, "tfjs", self._inputs, outputs, [*self._constants.values()]),
            opset_imports=[helper.make_opsetid("", 18)],
            ir_version=9,
        )
        onnx.checker.check_model(model)
        return model

    def _value(self, reference: str) -> str:
        name, _, index = reference.partition(":")
        if name not in self._value_names:
            self._visit(name)
        return self._value_names[name][int(index or 0)]

    def _visit(self, name: str) -> None:
        node = self._graph[name]
        attributes: dict[str, Any] = node.get("attr", {})
        inputs = [self._value(reference) for reference in node.get("input", []) if not reference.startswith("^")]
        operator = node["op"]
        if operator == "Const":
            self._set_constants(name, self._weights[name].astype(_CONSTANT_TYPES[attributes["dtype"]["type"]]))
        elif operator == "Placeholder":
            shape = [int(dimension["size"]) for dimension in attributes["shape"]["shape"]["dim"]]
            self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
            self._value_names[name] = [name]
        elif inputs and all(value in self._known for value in inputs):
            self._fold(name, operator, [self._known[value] for value in inputs])
        else:
            self._value_names[name] = self._translate(operator, attributes, inputs)

    def _set_constants(self, name: str, *arrays: np.ndarray) -> None:
        names = [name] if len(arrays) == 1 else [f"{name}:{index}" for index in range(len(arrays))]
        self._known.update(zip(names, arrays, strict=True))
        self._value_names[name] = names

    def _fold(self, name: str, operator: str, values: list[np.ndarray]) -> None:
        match operator:
            case "SparseToDense":
                indices, shape, entries, default = values
                dense = np.full(shape.astype(int), default, entries.dtype)
                rows = indices.reshape(-1, len(shape))
                for row, item in zip(rows, np.broadcast_to(entries, (len(rows),)), strict=True):
                    dense[tuple(row)] = item
                self._set_constants(name, dense)
            case "Add" | "AddV2":
                self._set_constants(name, np.asarray(values[0] + values[1]))
            case "Identity":
                self._set_constants(name, values[0])
            case "Transpose":
                self._set_constants(name, np.transpose(values[0], values[1]))
            case "Reshape":
                self._set_constants(name, values[0].reshape(values[1].astype(int)))
            case "SplitV":
                self._set_constants(name, *np.split(values[0], np.cumsum(values[1])[:-1], axis=int(values[2])))
            case _:
                raise NotImplementedError(f"the constant operator {operator} is not known")

    def _translate(self, operator: str, attributes: dict[str, Any], inputs: list[str]) -> list[str]:
        match operator:
            case "Conv2D":
                return [self._convolve(attributes, inputs)]
            case "MaxPool":
                pooled = self._emit(
                    "MaxPool",
                    [self._emit("Transpose", [self._lift(inputs[0])], perm=[0, 3, 1, 2])],
                    kernel_shape=_numbers(attributes["ksize"])[1:3],
                    strides=_numbers(attributes["strides"])[1:3],
                    auto_pad=_padding(attributes),
                )
                return [self._emit("Transpose", [pooled], perm=[0, 2, 3, 1])]
            case "ResizeBilinear":
                return [self._resize(attributes, inputs)]
            case "Add" | "AddV2":
                return [self._emit("Add", [self._lift(value) for value in inputs])]
            case "Sigmoid" | "Identity":
                return [self._emit(operator, [self._lift(inputs[0])])]
            case "LeakyRelu":
                return [self._emit(operator, [self._lift(inputs[0])], alpha=attributes["alpha"]["f"])]
            case "Pad" | "PadV2":
                padding = self._known[inputs[1]].astype(np.int64)
                # The padding of a maximum is minus infinity, which ONNX wants as a finite number.
                fill = np.maximum(self._known[inputs[2]], np.float32(-3e38)) if len(inputs) > 2 else np.float32(0)
                edges = self._constant(np.concatenate([padding[:, 0], padding[:, 1]]))
                return [self._emit("Pad", [self._lift(inputs[0]), edges, self._constant(np.asarray(fill))])]
            case "Transpose":
                order = [int(axis) for axis in self._known[inputs[1]]]
                return [self._emit("Transpose", [self._lift(inputs[0])], perm=order)]
            case "ConcatV2":
                axis = int(self._known[inputs[-1]])
                return [self._emit("Concat", [self._lift(value) for value in inputs[:-1]], axis=axis)]
            case "Reshape":
                shape = self._constant(self._known[inputs[1]].astype(np.int64))
                return [self._emit("Reshape", [self._lift(inputs[0]), shape])]
            case "SplitV":
                sizes = self._known[inputs[1]].astype(np.int64)
                axis = int(self._known[inputs[2]])
                names = [self._name("Split") for _ in sizes]
                split = [self._lift(inputs[0]), self._constant(sizes)]
                self._nodes.append(helper.make_node("Split", split, names, axis=axis))
                return names
            case _:
                raise NotImplementedError(f"the operator {operator} is not known")

    def _convolve(self, attributes: dict[str, Any], inputs: list[str]) -> str:
        if _text(attributes["data_format"]) != "NHWC":
            raise NotImplementedError("only NHWC convolutions are known")
        kernel = self._known[inputs[1]].transpose(3, 2, 0, 1)
        out = self._emit(
            "Conv",
            [self._emit("Transpose", [self._lift(inputs[0])], perm=[0, 3, 1, 2]), self._constant(kernel)],
            strides=_numbers(attributes["strides"])[1:3],
            dilations=_numbers(attributes["dilations"])[1:3],
            kernel_shape=list(kernel.shape[2:]),
            auto_pad=_padding(attributes),
        )
        return self._emit("Transpose", [out], perm=[0, 2, 3, 1])

    def _resize(self, attributes: dict[str, Any], inputs: list[str]) -> str:
        if attributes["align_corners"].get("b"):
            mode = "align_corners"
        else:
            mode = "half_pixel" if attributes.get("half_pixel_centers", {}).get("b") else "asymmetric"
        value = self._emit("Transpose", [self._lift(inputs[0])], perm=[0, 3, 1, 2])
        offsets = [self._constant(np.array([edge], np.int64)) for edge in (0, 2)]
        channels = self._emit("Slice", [self._emit("Shape", [value]), *offsets])
        sizes = self._emit("Concat", [channels, self._constant(self._known[inputs[1]].astype(np.int64))], axis=0)
        out = self._emit("Resize", [value, "", "", sizes], mode="linear", coordinate_transformation_mode=mode)
        return self._emit("Transpose", [out], perm=[0, 2, 3, 1])

    def _lift(self, value: str) -> str:
        """A value as the graph's: constants get a place in it when they are first needed."""
        return self._constant(self._known[value], value) if value in self._known else value

    def _constant(self, array: np.ndarray, name: str | None = None) -> str:
        name = name or self._name("constant")
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def _emit(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        name = self._name(operator)
        self._nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def _name(self, kind: str) -> str:
        return f"{kind.lower()}_{next(self._counter)}"


def _text(attribute: dict[str, Any]) -> str:
    return base64.b64decode(attribute["s"]).decode()


def _numbers(attribute: dict[str, Any]) -> list[int]:
    return [int(number) for number in attribute["list"].get("i", [])]


def _padding(attributes: dict[str, Any]) -> str:
    return {"SAME": "SAME_UPPER", "VALID": "VALID"}[_text(attributes["padding"])]
