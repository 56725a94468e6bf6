#!/usr/bin/env python3
"""Writes the little networks that tests/features and tests/archive run, and what they should give.

Run by hand (with python3-onnx and python3-numpy) when a network is to change; the files are kept in
the repository.  The expected numbers are computed here, in numpy and in double precision, from the
definitions of the operators: no network library has a part in them.
"""
import pathlib

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper, numpy_helper

HERE = pathlib.Path(__file__).parent
SIDE, CHANNELS, FILTERS, LENGTH = 8, 3, 4, 5


def save(name, nodes, inputs, outputs, constants=()):
    graph = helper.make_graph(nodes, name, inputs, outputs,
                              [numpy_helper.from_array(v, k) for k, v in constants])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    onnx.checker.check_model(model)
    (HERE / f"{name}.onnx").write_bytes(model.SerializeToString())


def info(name, shape, kind=T.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def weights():
    rng = np.random.RandomState(5)
    kernel = rng.uniform(-1, 1, (FILTERS, CHANNELS, 3, 3)).astype(np.float32)
    bias = rng.uniform(-0.2, 0.2, FILTERS).astype(np.float32)
    matrix = rng.uniform(-1, 1, (FILTERS, LENGTH)).astype(np.float32)
    return kernel, bias, matrix


def tiny(name, batch):
    """Convolution (3 x 3, stride 2, padded by 1), rectifier, mean over space, matrix."""
    kernel, bias, matrix = weights()
    save(name, [
        helper.make_node("Conv", ["image", "kernel", "bias"], ["a"], kernel_shape=[3, 3],
                         strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("GlobalAveragePool", ["b"], ["layer"]),
        helper.make_node("Flatten", ["layer"], ["c"]),
        helper.make_node("MatMul", ["c", "matrix"], ["embedding"]),
    ], [info("image", [batch, CHANNELS, SIDE, SIDE])],
        [info("embedding", [batch, LENGTH]), info("layer", [batch, FILTERS, 1, 1])],
        [("kernel", kernel), ("bias", bias), ("matrix", matrix)])


def picture(seed):
    """What the test draws: three channels of levels, by a formula that C has too."""
    y, x, c = np.mgrid[0:SIDE, 0:SIDE, 0:CHANNELS]
    return ((x * 31 + y * 17 + c * 53 + seed * 7) % 97) / 97.0


def expected_layer(image, mean, std):
    kernel, bias, _ = (w.astype(float) for w in weights())
    fed = (np.float32(image).astype(float) - mean) / std
    padded = np.zeros((SIDE + 2, SIDE + 2, CHANNELS))
    padded[1:-1, 1:-1] = fed
    half = SIDE // 2
    sums = np.zeros((FILTERS, half, half))
    for f in range(FILTERS):
        for i in range(half):
            for j in range(half):
                patch = padded[2 * i:2 * i + 3, 2 * j:2 * j + 3]
                sums[f, i, j] = (patch.transpose(2, 0, 1) * kernel[f]).sum() + bias[f]
    return np.maximum(sums, 0).mean(axis=(1, 2))


def write_expected():
    matrix = weights()[2].astype(float)
    mean, std = np.array([0.5, 0.25, 0.125]), np.array([0.25, 0.5, 2.0])
    lines = []
    for seed in range(3):
        layer = expected_layer(picture(seed), mean, std)
        lines += [f"embedding {seed} " + " ".join(f"{v:.9g}" for v in layer @ matrix),
                  f"layer {seed} " + " ".join(f"{v:.9g}" for v in layer)]
    (HERE / "expected.txt").write_text("\n".join(lines) + "\n")


def hostile():
    shape = ["n", CHANNELS, SIDE, SIDE]
    zero = np.zeros(1, np.float32)
    save("nan", [helper.make_node("GlobalAveragePool", ["image"], ["a"]),
                 helper.make_node("Flatten", ["a"], ["b"]),
                 helper.make_node("Mul", ["b", "zero"], ["c"]),
                 helper.make_node("Div", ["c", "zero"], ["embedding"])],
         [info("image", shape)], [info("embedding", ["n", CHANNELS])], [("zero", zero)])
    save("two-inputs", [helper.make_node("Add", ["image", "other"], ["a"]),
                        helper.make_node("GlobalAveragePool", ["a"], ["b"]),
                        helper.make_node("Flatten", ["b"], ["embedding"])],
         [info("image", shape), info("other", shape)], [info("embedding", ["n", CHANNELS])])
    save("integers", [helper.make_node("Cast", ["image"], ["a"], to=T.FLOAT),
                      helper.make_node("GlobalAveragePool", ["a"], ["b"]),
                      helper.make_node("Flatten", ["b"], ["embedding"])],
         [info("image", shape, T.UINT8)], [info("embedding", ["n", CHANNELS])])
    # The model says nothing of the output's size, and gives another one than the manifest.
    save("open-output", [helper.make_node("Flatten", ["image"], ["embedding"])],
         [info("image", ["n", CHANNELS, "h", "w"])], [info("embedding", ["n", "m"])])
    outside()


def outside():
    """Weights in another file, whose name leads out of the folder."""
    tensor = helper.make_tensor("zero", T.FLOAT, [1], [0.0])
    tensor.ClearField("float_data")
    tensor.data_location = T.EXTERNAL
    for key, value in (("location", "../../../../../../../../etc/hostname"), ("offset", "0"),
                       ("length", "4")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    graph = helper.make_graph(
        [helper.make_node("Add", ["image", "zero"], ["a"]),
         helper.make_node("GlobalAveragePool", ["a"], ["b"]),
         helper.make_node("Flatten", ["b"], ["embedding"])], "outside",
        [info("image", ["n", CHANNELS, SIDE, SIDE])], [info("embedding", ["n", CHANNELS])], [tensor])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    (HERE / "outside.onnx").write_bytes(model.SerializeToString())


if __name__ == "__main__":
    tiny("tiny", "n")
    tiny("one-at-a-time", 1)
    hostile()
    write_expected()
