"""Programs of single ideas, exported by PyTorch, with what PyTorch computes: writes FOLDER/NAME.pt2 and NAME.json.

    python3 script/goldens/programs.py test/fixtures/pt2/programs

Needs PyTorch 2.6 or later on the CPU (Debian 13: python3-torch). Seeded. NAME.json holds runs: their inputs and outputs as
{dtype, shape, values}.
"""

import json
import math
import sys
from pathlib import Path

import torch
from torch import nn
from torch.export import Dim, export, save

aten = torch.ops.aten
programs = {}


def program(*runs, dynamic=None):
    """Exports a module with the inputs of the first run; `runs` are functions that make inputs."""

    def register(module):
        programs[module.__name__] = (module, runs, dynamic)
        return module

    return register


def normal(*shape):
    return lambda: torch.randn(*shape)


def tensor(value):
    value = value.detach().contiguous()
    flat = value.flatten().tolist()
    return {"dtype": str(value.dtype)[6:], "shape": list(value.shape), "values": [int(v) if isinstance(v, bool) else v for v in flat]}


@program(lambda: (torch.randn(2, 5, 3), torch.randn(2, 4, 3)))
class distances(nn.Module):
    def forward(self, x, y):
        y = y * (y > 0)
        return tuple(torch.cdist(x * (x > 0), y, p=p) for p in (2.0, 1.0, 0.0, float("inf"), 3.0))


@program(lambda: (torch.randn(3, 4), torch.randn(3, 4) > 0, torch.randn(12)))
class masked_scatter(nn.Module):
    def forward(self, x, mask, source):
        return x.masked_scatter(mask, source), x.masked_scatter(mask[:1], source)


@program(lambda: (torch.randn(4, 12),))
class as_strided(nn.Module):
    def forward(self, x):
        frames = (x + 1).as_strided((4, 5, 4), (12, 2, 1))
        return frames * 2, (x * 3).as_strided((3, 3), (1, 4), 2), (x * 2).contiguous().view(-1).as_strided((5,), (7,), 1)


@program(lambda: (torch.randn(4, 12),))
class as_strided_of_transposed(nn.Module):
    def forward(self, x):
        return (x + 1).t().as_strided((4, 5), (12, 2)) * 2


@program(lambda: (torch.randn(2, 3, 4, 4),))
class kernels(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.5, -1.0, 0.25]))
        self.register_buffer("var", torch.tensor([1.5, 0.5, 2.0]))
        self.weight = nn.Parameter(torch.tensor([1.0, -2.0, 0.5]))

    def forward(self, x):
        dropped, kept = aten.native_dropout.default(x, 0.5, False)
        norm = aten._native_batch_norm_legit.default(x, self.weight, None, self.mean, self.var, False, 0.1, 1e-5)[0]
        empty = aten.empty_strided.default([2, 3], [3, 1])
        return dropped * 2, kept, norm, torch.zeros_like(empty) + 1


@program(lambda: (torch.randn(3),))
class random(nn.Module):
    def forward(self, x):
        return x + torch.rand(3)


@program(
    lambda: (torch.randn(3, 8), torch.arange(4)),
    lambda: (torch.randn(3, 9), torch.arange(4)),
    lambda: (torch.randn(3, 16), torch.arange(4)),
    dynamic=({1: Dim("n", min=2, max=64)}, None),
)
class real_sizes(nn.Module):
    def forward(self, x, ids):
        n = x.shape[1]
        scaled = x * (n**-0.5), x / math.sqrt(n), x * (n / 2 + 1) - float(n) ** 2, x + (n * 0.75)
        return (*scaled, ids * (n / 4), torch.full((2,), n / 2))


@program(
    lambda: (torch.randn(2, 20),),
    lambda: (torch.randn(2, 9),),
    lambda: (torch.randn(2, 64),),
    dynamic=({1: Dim("n", min=6, max=512)},),
)
class truncated_sizes(nn.Module):
    """Whole numbers of reals. Only PyTorch 2.14 can save them."""

    def forward(self, x):
        n = x.shape[1]
        return x * math.trunc(n / 4), x - math.trunc(n * 0.7), torch.arange(math.trunc(n / 3))


def branches(flag):
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.other = nn.Linear(4, 4), nn.Linear(4, 4)
            self.register_buffer("flag", torch.tensor(flag))

        def forward(self, x):
            def taken(x):
                return self.one(x).relu(), x + 1

            def not_taken(x):
                return self.other(x), x * 2

            a, b = torch.cond(self.flag, taken, not_taken, (x,))
            return a * b, b

    return Branches


programs["cond_true"] = (branches(True), [normal(6, 4)], None)
programs["cond_false"] = (branches(False), [normal(6, 4)], None)


@program(normal(3, 8))
class cond_of_data(nn.Module):
    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda x: x + 1, lambda x: x * 2, (x,))


@program(normal(6, 8), dynamic=({0: Dim("n", min=2, max=64)},))
class cond_of_sizes(nn.Module):
    def forward(self, x):
        return torch.cond(x.shape[0] > 4, lambda x: x + 1, lambda x: x * 2, (x,))


def main(folder, names):
    for name, (module, runs, dynamic) in programs.items():
        if names and name not in names:
            continue
        torch.manual_seed(sum(map(ord, name)))
        made = [run() for run in runs]
        made = [given if isinstance(given, tuple) else (given,) for given in made]
        model = module().eval()
        exported = export(model, made[0], dynamic_shapes=dynamic, strict="cond" in name or dynamic is not None)
        save(exported, folder / f"{name}.pt2")
        results = []
        for inputs in made:
            outputs = model(*inputs)
            outputs = outputs if isinstance(outputs, tuple) else (outputs,)
            results.append({"inputs": [tensor(t) for t in inputs], "outputs": [tensor(t) for t in outputs]})
        (folder / f"{name}.json").write_text(json.dumps(results) + "\n")


main(Path(sys.argv[1]), sys.argv[2:])
