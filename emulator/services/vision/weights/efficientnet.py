"""EfficientNet-Lite0 as an ONNX graph, with batch normalisation folded into the convolutions.

Architecture: https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.
Input: [N, 3, 224, 224], (pixel - 127) / 128.
Outputs: `probs` [N, 1000] over the ImageNet classes.
"""

import itertools
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_SIDE = 224
_EPSILON = 1e-3
_STAGE_STRIDES = (1, 2, 2, 2, 1, 2, 1)


def graph(weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    """The model."""
    return _Builder(weights).build()


class _Builder:
    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._counter = itertools.count()

    def build(self) -> onnx.ModelProto:
        self._constant(np.float32(0), "zero")
        self._constant(np.float32(6), "six")
        value = self._conv("input", "_conv_stem", "_bn0", stride=2)
        value = self._blocks(value)
        value = self._conv(value, "_conv_head", "_bn1")
        pooled = self._node("Flatten", [self._node("GlobalAveragePool", [value])])
        classifier = [
            pooled,
            self._constant(self._weights["_fc.weight"], "fc.weight"),
            self._constant(self._weights["_fc.bias"], "fc.bias"),
        ]
        logits = self._node("Gemm", classifier, transB=1)
        self._nodes.append(helper.make_node("Softmax", [logits], ["probs"], axis=1))
        inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, _SIDE, _SIDE])]
        outputs = [helper.make_tensor_value_info("probs", TensorProto.FLOAT, ["N", 1000])]
        model = helper.make_model(
            helper.make_graph(self._nodes, "efficientnet-lite0", inputs, outputs, self._constants),
            opset_imports=[helper.make_opsetid("", 18)],
            ir_version=9,
        )
        onnx.checker.check_model(model)
        return model

    def _blocks(self, value: str) -> str:
        channels_in = 32
        stage = -1
        previous = None
        for index in itertools.count():
            block = f"_blocks.{index}."
            if f"{block}_project_conv.weight" not in self._weights:
                return value
            channels_out = self._weights[f"{block}_project_conv.weight"].shape[0]
            stride = 1
            if channels_out != previous:
                stage += 1
                previous = channels_out
                stride = _STAGE_STRIDES[stage]
            residual = value
            if f"{block}_expand_conv.weight" in self._weights:
                value = self._conv(value, f"{block}_expand_conv", f"{block}_bn0")
            value = self._conv(value, f"{block}_depthwise_conv", f"{block}_bn1", stride=stride)
            value = self._conv(value, f"{block}_project_conv", f"{block}_bn2", activate=False)
            if stride == 1 and channels_in == channels_out:
                value = self._node("Add", [value, residual])
            channels_in = channels_out
        raise AssertionError("unreachable")

    def _conv(self, value: str, conv: str, norm: str, *, stride: int = 1, activate: bool = True) -> str:
        kernel = self._weights[f"{conv}.weight"]
        scale = self._weights[f"{norm}.weight"] / np.sqrt(self._weights[f"{norm}.running_var"] + _EPSILON)
        bias = self._weights[f"{norm}.bias"] - self._weights[f"{norm}.running_mean"] * scale
        inputs = [
            value,
            self._constant(kernel * scale[:, None, None, None], f"{conv}.weight"),
            self._constant(bias, f"{conv}.bias"),
        ]
        out = self._node(
            "Conv",
            inputs,
            strides=[stride, stride],
            group=kernel.shape[0] if "depthwise" in conv else 1,
            kernel_shape=list(kernel.shape[2:]),
            auto_pad="SAME_UPPER",
        )
        return self._node("Clip", [out, "zero", "six"]) if activate else out

    def _node(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        name = f"{operator.lower()}{next(self._counter)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def _constant(self, value: np.ndarray | np.float32, name: str) -> str:
        array = np.asarray(value, np.float32, order="C")
        self._constants.append(numpy_helper.from_array(array, name))
        return name
