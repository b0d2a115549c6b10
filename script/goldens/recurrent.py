"""What PyTorch computes for recurrent networks: writes test/fixtures/nn/recurrent.json and recurrent.npz.

    python3 script/goldens/recurrent.py test/fixtures/nn

Needs PyTorch 2.6 on the CPU (Debian 13: python3-torch). Seeded: running it again gives the same numbers. Weights and inputs
are not in the files: a case's seed draws them, weights as the module does, then the input and the first states from -1 to 1.
recurrent.json lists the cases; recurrent.npz holds the results, `CASE.0` to `CASE.2`, and of quantized cases those in float,
`CASE.float`. Debian's PyTorch has no FBGEMM: its dynamic LSTM and GRU run on oneDNN, with the same 7 bits.
"""

import itertools
import json
import random
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

MODULES = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN": nn.RNN}


class Wrapped(nn.Module):
    """quantize_dynamic replaces modules inside of others alone."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, *args):
        return self.network(*args)


def case(seed, cell, hidden, layers, directions, **others):
    drawn = random.Random(seed)
    return {
        "seed": seed,
        "cell": cell,
        "input": drawn.choice((1, 7, 16, 33)),
        "hidden": hidden,
        "batch": drawn.choice((1, 3)),
        "steps": drawn.choice((1, 2, 17)),
        "numLayers": layers,
        "bidirectional": directions == 2,
        "bias": drawn.random() < 0.8,
        "batchFirst": drawn.random() < 0.5,
        "hasState": drawn.random() < 0.6,
        **others,
    }


def cases():
    seeds = itertools.count(1)
    shapes = list(itertools.product((1, 5, 16, 64), (1, 2), (1, 2)))
    for cell in ("LSTM", "GRU", "RNN", "RNN relu"):
        name, _, relu = cell.partition(" ")
        for shape in shapes:
            yield case(next(seeds), name, *shape, **({"nonlinearity": "relu"} if relu else {}))
    for hidden, projected in ((5, 2), (16, 15), (64, 17)):
        for layers, directions in ((1, 1), (2, 2)):
            yield case(next(seeds), "LSTM", hidden, layers, directions, projSize=projected)
    for cell in ("LSTM", "GRU"):
        for shape in ((5, 1, 1), (16, 2, 2), (64, 1, 1), (64, 2, 2)):
            yield case(next(seeds), cell, *shape, isQuantized=True, steps=17, hasState=False, bias=True)


def arguments(c):
    x = torch.empty(*((c["batch"], c["steps"]) if c["batchFirst"] else (c["steps"], c["batch"])), c["input"])
    x.uniform_(-1, 1)
    if not c["hasState"]:
        return (x,)
    count = c["numLayers"] * (2 if c["bidirectional"] else 1)
    sizes = [c.get("projSize") or c["hidden"]] + ([c["hidden"]] if c["cell"] == "LSTM" else [])
    states = tuple(torch.empty(count, c["batch"], size).uniform_(-1, 1) for size in sizes)
    return x, states if len(states) == 2 else states[0]


def results(network, args):
    with torch.no_grad():
        states, last = network(*args)
    return [states, *(last if isinstance(last, tuple) else (last,))]


def main():
    folder = Path(sys.argv[1])
    arrays, listed = {}, []
    for index, c in enumerate(cases()):
        torch.manual_seed(c["seed"])
        options = {"proj_size": c["projSize"]} if "projSize" in c else {}
        if "nonlinearity" in c:
            options["nonlinearity"] = c["nonlinearity"]
        network = MODULES[c["cell"]](
            c["input"],
            c["hidden"],
            num_layers=c["numLayers"],
            bias=c["bias"],
            batch_first=c["batchFirst"],
            bidirectional=c["bidirectional"],
            **options,
        ).eval()
        args = arguments(c)
        found = results(network, args)
        if c.get("isQuantized"):
            arrays[f"{index}.float"] = found[0].numpy()
            quantized = torch.ao.quantization.quantize_dynamic(Wrapped(network), {type(network)})
            assert "Dynamic" in repr(quantized), quantized
            found = results(quantized, args)
        for i, result in enumerate(found):
            arrays[f"{index}.{i}"] = result.numpy()
        listed.append(c)
    lines = ",\n".join(json.dumps(c) for c in listed)
    (folder / "recurrent.json").write_text(f"[\n{lines}\n]\n")
    np.savez(folder / "recurrent.npz", **arrays)


main()
