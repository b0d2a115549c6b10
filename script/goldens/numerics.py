"""What PyTorch 2.6 finds between stages of quantization (test/numerics):

    python3 script/goldens/numerics.py . test/fixtures/numerics

The first argument is the project's folder. Writes comparators.json, and for each network <name>.json: the handles of all nodes, and
per handle what its values differ by, captured against converted and prepared against converted; and by how much weights differ.
"""

import copy
import io
import json
import math
import re
import sys
import zipfile

import numpy
import torch
import torch.ao.quantization.quantizer.x86_inductor_quantizer as xiq
import torch.nn.functional as F
from torch.ao.ns.fx.utils import compute_cosine_similarity, compute_normalized_l2_error, compute_sqnr
from torch.ao.quantization import (
    compare_results,
    extract_results_from_loggers,
    generate_numeric_debug_handle,
    prepare_for_propagation_comparison,
)
from torch.ao.quantization.quantize_pt2e import convert_pt2e, prepare_pt2e

torch.set_num_threads(1)
CONVOLUTION = torch.ops.aten.conv2d.default
BATCH_NORM = torch.ops.aten.batch_norm.default
LAYERS = {CONVOLUTION, torch.ops.aten.linear.default}


def number(value):
    value = float(value)
    return value if math.isfinite(value) else str(value)


def measures(actual, ref):
    return {
        "mse": number(F.mse_loss(actual, ref)),
        "sqnr": number(compute_sqnr(actual, ref)),
        # In float32 the cosine of a million elements is off by 1e-5, more than what it is away from 1.
        "cosine": number(F.cosine_similarity(actual.double().flatten(), ref.double().flatten(), dim=0)),
        "l2": number(compute_normalized_l2_error(actual, ref)),
        "max": number((actual - ref).abs().max()),
    }


def comparators(folder):
    generator = torch.Generator().manual_seed(3)
    cases = []
    for shape in [[], [1], [7], [2, 3], [2, 3, 4, 5]]:
        x = torch.randn(shape, generator=generator)
        y = x + 0.1 * torch.randn(shape, generator=generator)
        for a, b in [(x, y), (x, x), (torch.zeros(shape), y), (x, torch.zeros(shape)), (x * 1e10, y * 1e10)]:
            tensors = {"shape": shape, "x": a.flatten().tolist(), "y": b.flatten().tolist()}
            cases.append({**tensors, **measures(a, b), "cosine": number(compute_cosine_similarity(a, b))})
    with open(f"{folder}/comparators.json", "w") as file:
        json.dump(cases, file)


def stored(root, name):
    path = f"{root}/test/fixtures/pt2e/tiny_cnn/{name}"
    with open(f"{path}.json") as file:
        shape = json.load(file)["shape"]
    return torch.from_numpy(numpy.fromfile(f"{path}.bin", dtype=numpy.float32).reshape(shape))


def glyphs(root, name):
    pixels = numpy.load(f"{root}/models/glyphs/{name}.npz")["x"]
    images = torch.from_numpy(pixels.reshape(-1, 3, 32, 32)).float()
    return (images / 255 - 0.5) / 0.25


def summaries(reference, actual):
    return [
        {
            "handle": handle,
            "ref_node": summary.ref_node_name,
            "actual_node": summary.actual_node_name,
            "ref_module": summary.ref_module_stack,
            "actual_module": summary.actual_module_stack,
            **measures(summary.results[0].actual.float(), summary.results[0].ref.float()),
        }
        for handle, summary in compare_results(reference, actual).items()
    ]


def folded_norms(captured):
    """By the handle of a convolution: that of the batch norm that is folded into it."""
    handle = lambda node: node.meta["custom"]["numeric_debug_handle"]
    return {
        handle(node.args[0]): handle(node)
        for node in captured.graph.nodes
        if node.target == BATCH_NORM and node.args[0].target == CONVOLUTION
    }


def tensor_of(module, node):
    value = module
    for name in node.target.split("."):
        value = getattr(value, name)
    return value.detach()


def float_weight(module, node):
    while node.op == "call_module":
        node = node.args[0]
    return tensor_of(module, node)


def dequantized_weight(module, node):
    weight, scales, zero_points, axis, low, high, dtype = node.args
    tensors = [tensor_of(module, argument) for argument in (weight, scales, zero_points)]
    return torch.ops.quantized_decomposed.dequantize_per_channel(*tensors, axis, low, high, dtype)


def weights(prepared, converted):
    layers = {node.name: node for node in converted.graph.nodes if node.target in LAYERS}
    found = []
    for node in prepared.graph.nodes:
        if node.target not in LAYERS:
            continue
        ref = float_weight(prepared, node.args[1])
        actual = dequantized_weight(converted, layers[node.name].args[1])
        channels = [measures(a, r) for a, r in zip(actual, ref)]
        found.append({"node": node.name, "layer": measures(actual, ref), "channels": channels})
    return found


def positional(module):
    """A program that was saved gives defaults by name, which prepare_pt2e does not take."""
    for node in module.graph.nodes:
        if node.op == "call_function" and node.kwargs:
            rest = [a for a in node.target._schema.arguments[len(node.args) :] if a.name in node.kwargs]
            node.args = (*node.args, *[node.kwargs[a.name] for a in rest])
            node.kwargs = {}


def load(path):
    """The program, with paths of modules as this version of PyTorch reads them: getattr(x, '0') has a comma that it splits at."""
    stored = zipfile.ZipFile(path)
    readable = io.BytesIO()
    with zipfile.ZipFile(readable, "w") as archive:
        for name in stored.namelist():
            content = stored.read(name)
            if name.endswith("serialized_exported_program.json"):
                text, count = content.decode(), 1
                while count:
                    text, count = re.subn(r"getattr\(([^(),]*), '(\w+)'\)", r"\1.\2", text)
                content = text.encode()
            archive.writestr(name, content)
    readable.seek(0)
    return torch.export.load(readable)


def network(root, folder, name, calibration, batch):
    program = load(f"{root}/models/{name}.pt2")
    generate_numeric_debug_handle(program)
    captured = program.module()
    positional(captured)
    handles = {
        node.name: node.meta["custom"]["numeric_debug_handle"]
        for node in captured.graph.nodes
        if "numeric_debug_handle" in node.meta.get("custom", {})
    }
    norms = folded_norms(captured)

    def logged(module):
        module = prepare_for_propagation_comparison(module)
        module(batch)
        return extract_results_from_loggers(module)

    reference = logged(captured)
    quantizer = xiq.X86InductorQuantizer()
    quantizer.set_global(xiq.get_default_x86_inductor_quantization_config())
    prepared = prepare_pt2e(captured, quantizer)
    for images in calibration:
        prepared(images)
    floating = logged(prepared)
    weight_reference = copy.deepcopy(prepared)
    converted = convert_pt2e(prepared)
    quantized = logged(converted)
    # PyTorch calls a folded convolution by the convolution's handle, though its value is the batch norm's: compared as what it is.
    renamed = {norms.get(handle, handle): result for handle, result in quantized.items()}
    golden = {
        "handles": handles,
        "folded": norms,
        "captured": summaries(reference, renamed),
        "prepared": summaries(floating, quantized),
        "weights": weights(weight_reference, converted),
    }
    with open(f"{folder}/{name}.json", "w") as file:
        json.dump(golden, file)


def main(root, folder):
    comparators(folder)
    with torch.no_grad():
        network(root, folder, "tiny_cnn", [stored(root, f"calib_{i}") for i in range(4)], stored(root, "eval_in"))
        images = glyphs(root, "calib")
        batches = [images[i : i + 64] for i in range(0, 512, 64)]
        network(root, folder, "glyph_resnet", batches, glyphs(root, "test")[:64])


main(*sys.argv[1:])
