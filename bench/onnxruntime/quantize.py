"""Quantizes an ONNX file with ONNX Runtime's own static quantizer, in every form that it writes for x86.

    python3 bench/onnxruntime/quantize.py model.onnx calibration.npz folder [--forms qdq_pt_u8s8,...]

The archive holds the calibration batches, an array each, in the order of their names: `0`, `1`, ... Written are files
`FORMAT_SCALES_TYPES.onnx`: qdq or qop (QOperator); pt or pc (scales per tensor or channel); types of activations, then weights.
Needs onnx and onnxruntime, as Debian 13 has them (python3-onnxruntime).
"""

import argparse
import itertools
import os

# Before onnxruntime, whose operators onnx.reference would find registered twice.
import onnx
import onnx.reference  # noqa: F401

import numpy as np
import onnx.version_converter
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

FORMATS = {"qdq": QuantFormat.QDQ, "qop": QuantFormat.QOperator}
TYPES = {"u8": QuantType.QUInt8, "s8": QuantType.QInt8}
FORMS = [
    f"{form}_{scales}_{types}"
    for form, scales, types in itertools.product(FORMATS, ("pt", "pc"), ("u8u8", "u8s8", "s8s8"))
]


class Batches(CalibrationDataReader):
    def __init__(self, name, arrays):
        self.batches = iter([{name: array} for array in arrays])

    def get_next(self):
        return next(self.batches, None)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("calibration")
    parser.add_argument("folder")
    parser.add_argument("--forms", default=",".join(FORMS))
    args = parser.parse_args()
    os.makedirs(args.folder, exist_ok=True)
    prepared = os.path.join(args.folder, "prepared.onnx")
    model = onnx.load(args.model)
    # Scales of channels came with operator set 13.
    if model.opset_import[0].version < 13:
        model = onnx.version_converter.convert_version(model, 13)
    onnx.save(model, prepared)
    quant_pre_process(prepared, prepared, skip_symbolic_shape=True)
    graph = onnx.load(prepared).graph
    constants = {tensor.name for tensor in graph.initializer}
    (name,) = [value.name for value in graph.input if value.name not in constants]
    with np.load(args.calibration) as archive:
        arrays = [archive[key] for key in sorted(archive.files, key=int)]
    for form in args.forms.split(","):
        layout, scales, types = form.split("_")
        quantize_static(
            prepared,
            os.path.join(args.folder, f"{form}.onnx"),
            Batches(name, arrays),
            quant_format=FORMATS[layout],
            per_channel=scales == "pc",
            activation_type=TYPES[types[:2]],
            weight_type=TYPES[types[2:]],
            calibrate_method=CalibrationMethod.MinMax,
        )
    os.remove(prepared)


main()
