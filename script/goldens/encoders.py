"""Encoders of text and of images, and a tagger, as PyTorch exports and quantizes them: writes the cases `bert_encoder`,
`vit_encoder` and `lstm_tagger_two_layers` of test/fixtures/cases.

    python3 script/goldens/encoders.py test/fixtures/cases

Needs PyTorch on the CPU. 2.6 (Debian 13: python3-torch, python3-onnx) writes NAME.pt2, the inputs and float results of every
run (NAME.in.npz, NAME.runN.in.npz, …), torchscript/NAME.onnx, and prints for index.json the decibels that PyTorch's own
dynamic int8 reaches in each run. Later versions write pytorch_VERSION/NAME.pt2 and, with onnxscript, dynamo/NAME.onnx, after
they have checked that they compute the same results. Seeded: running it again gives the same numbers.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.export import Dim

IS_FIRST = torch.__version__.startswith("2.6")


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.query, self.key, self.value, self.dense = (nn.Linear(width, width) for _ in range(4))
        self.heads = heads

    def forward(self, x, mask=None):
        batch, length, width = x.shape
        query, key, value = (
            layer(x).view(batch, length, self.heads, width // self.heads).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self.dense(attended.transpose(1, 2).reshape(batch, length, width))


class FeedForward(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.intermediate, self.output = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        return self.output(F.gelu(self.intermediate(x)))


class BertLayer(nn.Module):
    """Normalized after each addition."""

    def __init__(self, width, heads, hidden):
        super().__init__()
        self.attention, self.feed_forward = Attention(width, heads), FeedForward(width, hidden)
        self.norms = nn.ModuleList(nn.LayerNorm(width, eps=1e-12) for _ in range(2))

    def forward(self, x, mask):
        x = self.norms[0](self.attention(x, mask) + x)
        return self.norms[1](self.feed_forward(x) + x)


class Bert(nn.Module):
    """Hidden states, and the first one pooled, as Hugging Face's BertModel returns them."""

    def __init__(self, vocabulary=96, positions=48, width=32, heads=4, hidden=64, layers=2):
        super().__init__()
        self.words = nn.Embedding(vocabulary, width, padding_idx=0)
        self.positions, self.types = nn.Embedding(positions, width), nn.Embedding(2, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.layers = nn.ModuleList(BertLayer(width, heads, hidden) for _ in range(layers))
        self.pooler = nn.Linear(width, width)

    def forward(self, input_ids, attention_mask, token_type_ids):
        positions = torch.arange(input_ids.shape[1], device=input_ids.device).unsqueeze(0)
        x = self.norm(self.words(input_ids) + self.types(token_type_ids) + self.positions(positions))
        mask = (1.0 - attention_mask[:, None, None, :].to(x.dtype)) * torch.finfo(x.dtype).min
        for layer in self.layers:
            x = layer(x, mask)
        return x, torch.tanh(self.pooler(x[:, 0]))


class VitLayer(nn.Module):
    """Normalized before each sum."""

    def __init__(self, width, heads, hidden):
        super().__init__()
        self.attention, self.feed_forward = Attention(width, heads), FeedForward(width, hidden)
        self.norms = nn.ModuleList(nn.LayerNorm(width, eps=1e-6) for _ in range(2))

    def forward(self, x):
        x = x + self.attention(self.norms[0](x))
        return x + self.feed_forward(self.norms[1](x))


class Vit(nn.Module):
    def __init__(self, image=32, patch=8, width=32, heads=4, hidden=64, layers=2, classes=10):
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, (image // patch) ** 2 + 1, width))
        self.layers = nn.ModuleList(VitLayer(width, heads, hidden) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, classes)

    def forward(self, pixels):
        x = self.patches(pixels).flatten(2).transpose(1, 2)
        x = torch.cat((self.token.expand(x.shape[0], -1, -1), x), 1) + self.positions
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x)[:, 0])


class Tagger(nn.Module):
    def __init__(self, vocabulary=64, width=16, hidden=16, tags=7):
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.lstm = nn.LSTM(width, hidden, num_layers=2, bidirectional=True, batch_first=True)
        self.tags = nn.Linear(2 * hidden, tags)

    def forward(self, tokens):
        return self.tags(self.lstm(self.words(tokens))[0])


def sentences(batch, length, padded=0):
    """Tokens of which the last sentence lacks some at its end."""
    ids = torch.randint(1, 96, (batch, length))
    mask = torch.ones(batch, length, dtype=torch.int64)
    if padded:
        ids[-1, -padded:], mask[-1, -padded:] = 0, 0
    return ids, mask, (torch.arange(length) >= length // 2).long().expand(batch, length).contiguous()


def dims(**bounds):
    return {name: Dim(name, min=low, max=high) for name, (low, high) in bounds.items()}


TEXT = dims(batch=(1, 64), length=(2, 48))
OF_TEXT = {0: TEXT["batch"], 1: TEXT["length"]}

CASES = {
    "bert_encoder": (
        Bert,
        [lambda shape=shape: sentences(*shape) for shape in ((2, 9), (1, 5), (3, 17, 6), (2, 40, 31), (8, 24, 3))],
        {"input_ids": OF_TEXT, "attention_mask": OF_TEXT, "token_type_ids": OF_TEXT},
        ["hidden", "pooled"],
    ),
    "vit_encoder": (
        Vit,
        [lambda batch=batch: (torch.randn(batch, 3, 32, 32),) for batch in (2, 1, 5)],
        {"pixels": {0: TEXT["batch"]}},
        ["scores"],
    ),
    "lstm_tagger_two_layers": (
        Tagger,
        [lambda shape=shape: (torch.randint(0, 64, shape),) for shape in ((2, 9), (1, 9), (5, 9), (3, 20), (1, 40))],
        {"tokens": OF_TEXT},
        ["tags"],
    ),
}


def outputs(model, inputs):
    with torch.no_grad():
        results = model(*inputs)
    return results if isinstance(results, tuple) else (results,)


def has_lstm(model):
    return any(isinstance(module, nn.LSTM) for module in model.modules())


def exported(model, inputs, dynamic):
    if has_lstm(model):  # torch.export knows these for one number of steps alone
        dynamic = {name: {0: shape[0]} for name, shape in dynamic.items()}
    if IS_FIRST:
        return torch.export.export_for_training(model, inputs, dynamic_shapes=dynamic, strict=True)
    return torch.export.export(model, inputs, dynamic_shapes=dynamic)


def by_dynamic_recipe(model, inputs, dynamic):
    """Linear layers as X86InductorQuantizer, LSTMs as quantize_dynamic, which has no PT2E form."""
    from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic
    from torch.ao.quantization.quantize_pt2e import convert_pt2e, prepare_pt2e
    from torch.ao.quantization.quantizer.x86_inductor_quantizer import (
        X86InductorQuantizer,
        get_default_x86_inductor_quantization_config,
    )

    if has_lstm(model):
        types = {nn.LSTM: torch.ao.quantization.default_dynamic_qconfig, nn.Linear: per_channel_dynamic_qconfig}
        return quantize_dynamic(model, types)
    quantizer = X86InductorQuantizer()
    quantizer.set_module_type_qconfig(nn.Linear, get_default_x86_inductor_quantization_config(is_dynamic=True))
    prepared = prepare_pt2e(exported(model, inputs, dynamic).module(), quantizer)
    outputs(prepared, inputs)
    return convert_pt2e(prepared)


def decibels(results, wanted):
    """Of the worst result, as the test computes it."""
    each = [(want.square().sum() / (want - got).square().sum()).log10().item() for got, want in zip(results, wanted)]
    return round(10 * min(each), 1)


def write_npz(path, tensors):
    np.savez(path, **{f"t{i}": tensor.numpy() for i, tensor in enumerate(tensors)})


def write_onnx(path, model, inputs, dynamic, names):
    path.parent.mkdir(exist_ok=True)
    axes = {name: {axis: str(dim.__name__) for axis, dim in shape.items()} for name, shape in dynamic.items()}
    names = {"input_names": [*dynamic], "output_names": names}
    if IS_FIRST:
        torch.onnx.export(model, inputs, path, dynamo=False, opset_version=17, dynamic_axes=axes, **names)
    else:
        torch.onnx.export(
            model, inputs, path, dynamo=True, dynamic_shapes=dynamic, external_data=False, verbose=False, **names
        )


def main():
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1])
    found = {}
    for name, (model_class, runs, dynamic, names) in CASES.items():
        torch.manual_seed(len(name))
        model = model_class().eval()
        requests = [make() for make in runs]
        labels = ["example", *(f"run{i}" for i in range(len(runs) - 1))]
        stems = [name, *(f"{name}.run{i}" for i in range(len(runs) - 1))]
        wanted = [outputs(model, inputs) for inputs in requests]
        for stem, inputs, results in zip(stems, requests, wanted):
            if IS_FIRST:
                write_npz(folder / f"{stem}.in.npz", inputs)
                write_npz(folder / f"{stem}.out.npz", results)
            else:
                expected = np.load(folder / f"{stem}.out.npz")
                for i, result in enumerate(results):
                    np.testing.assert_allclose(result.numpy(), expected[f"t{i}"], rtol=1e-4, atol=1e-5)
        version = ".".join(torch.__version__.split(".")[:2])
        models = folder if IS_FIRST else folder / f"pytorch_{version}"
        torch.export.save(exported(model, requests[0], dynamic), models / f"{name}.pt2")
        write_onnx(folder / ("torchscript" if IS_FIRST else "dynamo") / f"{name}.onnx", model, requests[0], dynamic, names)
        if IS_FIRST:
            quantized = by_dynamic_recipe(model, requests[0], dynamic)
            found[name] = {
                label: decibels(outputs(quantized, inputs), want)
                for label, inputs, want in zip(labels, requests, wanted)
            }
    print(json.dumps(found, indent=2))


main()
