"""Quantizes an ONNX file with ONNX Runtime's own dynamic quantizer, as it is used for recurrent networks.

    python3 bench/onnxruntime/quantize_dynamic.py model.onnx folder

Written are files by the types of activations, then weights: `u8s8.onnx`, `u8u8.onnx`; none where the quantizer changes nothing,
as with a GRU: it knows no recurrent layer but LSTM. Needs onnx and onnxruntime, as Debian 13 has them (python3-onnxruntime).
"""

import argparse
import os

# Before onnxruntime, whose operators onnx.reference would find registered twice.
import onnx
import onnx.reference  # noqa: F401

from onnxruntime.quantization import QuantType, quantize_dynamic

WEIGHTS = {"u8s8": QuantType.QInt8, "u8u8": QuantType.QUInt8}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("folder")
    args = parser.parse_args()
    for types, weight_type in WEIGHTS.items():
        path = os.path.join(args.folder, f"{types}.onnx")
        quantize_dynamic(args.model, path, weight_type=weight_type)
        if all(node.op_type != "DynamicQuantizeLSTM" for node in onnx.load(path).graph.node):
            os.remove(path)


main()
