"""Exports torchvision's models for `npm run zoo`, with what PyTorch computes for them in float and in its own int8.

    python3 export.py FOLDER SECONDS

The first line of standard output describes the versions and lists the models; then each line of standard input names one,
which is answered with one JSON document. The files go to FOLDER: the model as NAME.pt2, and as NAME.npz its inputs and
PyTorch's results. Each model has a process of its own, which gives all its memory back and ends after so many seconds.
"""

import copy
import json
import math
import os
import signal
import sys
import traceback
import warnings

import numpy
import torch
import torchvision
from torch.utils import _pytree as pytree

FAMILIES = {
    "classification": torchvision.models,
    "segmentation": torchvision.models.segmentation,
    "video": torchvision.models.video,
}

# The smallest inputs that a model takes; those of one size only have the size that they were made for.
SHAPES = {
    "vit_h_14": (2, 3, 56, 56),
    "vit": (2, 3, 64, 64),
    "maxvit": (1, 3, 224, 224),
    "s3d": (1, 3, 16, 224, 224),
    "mvit": (1, 3, 16, 224, 224),
    "video": (1, 3, 8, 64, 64),
    "": (2, 3, 96, 96),
}


def count_of_inputs(shape):
    """The signal to noise of one input says little: where single roundings fall decides about half a decibel."""
    return 8 if math.prod(shape) < 1e6 else 4  # PyTorch needs seconds for each of the large ones


def find_quantizer():
    """PyTorch's own int8: torchao's today, which PyTorch itself held until 2.9."""
    try:
        from torchao.quantization.pt2e import quantize_pt2e
        from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86

        return "torchao", quantize_pt2e, x86
    except ImportError as missing:
        try:
            from torch.ao.quantization import quantize_pt2e
            from torch.ao.quantization.quantizer import x86_inductor_quantizer as x86

            return "torch.ao", quantize_pt2e, x86
        except ImportError:
            return f"none: {missing}", None, None


QUANTIZER, quantize_pt2e, x86 = find_quantizer()


def list_models():
    return {
        name: family for family, module in FAMILIES.items() for name in torchvision.models.list_models(module=module)
    }


def shape_of(name, family):
    return next(shape for prefix, shape in SHAPES.items() if f"{name} {family}".startswith(prefix) or prefix == family)


@torch.no_grad()
def make_model(name, shape):
    """A model with random weights, none of which is as trivial as initialization leaves some."""
    torch.manual_seed(0)
    options = {"image_size": shape[-1]} if name.startswith("vit") else {}
    if name in ("googlenet", "inception_v3"):
        options["init_weights"] = True
    if name.startswith(("deeplabv3", "fcn", "lraspp")):
        options["weights_backbone"] = None
    model = torchvision.models.get_model(name, weights=None, **options).eval()
    for parameter in model.parameters():
        start = parameter.flatten()[0].item()
        if not torch.all(parameter == start):
            continue
        if start != 0:  # weights of normalizations, layer scales (1e-6 would hide the layers that they scale)
            parameter.uniform_(0.5, 1.5).mul_(max(abs(start), 0.1))
        elif parameter.dim() == 2:  # the last layer of vision transformers
            parameter.normal_(0, parameter.shape[1] ** -0.5)
        else:
            parameter.normal_(0, 0.1)
    norms = [module for module in model.modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    if norms:
        # Of two images the last layers would see a few pixels: a deep network then enlarges rounding errors to 1e-3.
        model(torch.randn(shape if len(shape) > 4 else (8, *shape[1:])))
    for norm, momentum in zip(norms, momenta):
        norm.eval()
        norm.momentum = momentum
        norm.running_mean.add_(0.1 * norm.running_var.sqrt() * torch.randn_like(norm.running_mean))
        norm.running_var.mul_(torch.empty_like(norm.running_var).uniform_(0.8, 1.25))
    return model


def export(model, x):
    """Strictly, as the quantizer wants it; otherwise as far as it goes."""
    try:
        return torch.export.export(model, (x,), strict=True), "strict"
    except Exception:
        traceback.print_exc()
        return torch.export.export(model, (x,), strict=False), "not strict"


def quantize(program, batches):
    quantizer = x86.X86InductorQuantizer()
    quantizer.set_global(x86.get_default_x86_inductor_quantization_config())
    prepared = quantize_pt2e.prepare_pt2e(program.module(), quantizer)
    for batch in batches:
        prepared(batch)
    return quantize_pt2e.convert_pt2e(prepared)


def variable_nodes(module):
    """What depends on the model's inputs. Octavo quantizes nothing that is computed from constants alone."""
    variable = set()
    for node in module.graph.nodes:
        if node.op == "placeholder" or variable & set(node.all_input_nodes):
            variable.add(node)
    return variable


def describe_quantization(module):
    """Scales and zero points of the activations, and how many weights are read as integers."""
    variable = variable_nodes(module)

    def calls(operator):
        target = f"quantized_decomposed.{operator}."
        return [node for node in module.graph.nodes if str(node.target).startswith(target)]

    activations = [node for node in calls("quantize_per_tensor") if node in variable]
    weights = [node for node in calls("dequantize_per_channel") if variable & set(node.users)]
    return {"activations": [node.args[1:3] for node in activations], "weights": len(weights)}


def results(name, values):
    return {f"{name}_{i}": value for i, value in enumerate(pytree.tree_leaves(values))}


@torch.no_grad()
def examine(name, family, folder):
    shape = shape_of(name, family)
    model = make_model(name, shape)
    batches = [torch.randn(shape) for _ in range(2)]
    inputs = [torch.randn(shape) for _ in range(count_of_inputs(shape))]
    arrays = results("calibration", batches) | results("x", inputs)
    for i, x in enumerate(inputs):
        arrays |= results(f"float_{i}", model(x))
    arrays |= results("float64", copy.deepcopy(model).double()(inputs[0].double()))
    program, mode = export(model, inputs[0])
    torch.export.save(program, os.path.join(folder, f"{name}.pt2"))
    reply = {"shape": shape, "export": mode}
    del model
    if quantize_pt2e:
        try:
            converted = quantize(program, batches)
            for i, x in enumerate(inputs):
                arrays |= results(f"int8_{i}", converted(x))
            reply |= describe_quantization(converted)
        except Exception as error:
            traceback.print_exc()
            reply["quantizerError"] = describe(error)
    numpy.savez(os.path.join(folder, f"{name}.npz"), **{key: value.numpy() for key, value in arrays.items()})
    return reply


def describe(error):
    return f"{type(error).__name__}: {error}".strip().split("\n")[0]


def main(folder, seconds):
    # What libraries print must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")  # one for each batch norm that is folded

    def answer(document):
        print(json.dumps(document), file=answers, flush=True)

    models = list_models()
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__, "quantizer": QUANTIZER}
    answer({**versions, "models": models})
    for line in sys.stdin:
        name = line.strip()
        child = os.fork()
        if child == 0:
            signal.alarm(seconds)  # nothing handles the signal: it ends this process
            try:
                answer(examine(name, models[name], folder))
            except Exception as error:
                traceback.print_exc()
                answer({"error": describe(error)})
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status == signal.SIGALRM:
            answer({"error": f"PyTorch took longer than {seconds} s"})
        elif status:
            answer({"error": f"the process ended with status {status}, as it does when memory is short"})


main(sys.argv[1], int(sys.argv[2]))
