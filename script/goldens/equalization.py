"""What PyTorch's cross-layer equalization makes of two networks (test/quantization/cross-layer-equalization.test.ts):

    python3 script/goldens/equalization.py test/fixtures/quantization

Writes equalization.json: the parameters of each network before and after `torch.ao.quantization._equalize.equalize`, by name.
"""

import json
import sys

import torch
from torch import nn
from torch.ao.quantization._equalize import equalize

torch.manual_seed(11)


def spread(module, axis):
    """Makes channels differ, as batch norms do that were folded."""
    shape = [1] * module.weight.ndim
    shape[axis] = -1
    factors = torch.logspace(-1, 1, module.weight.shape[axis])[torch.randperm(module.weight.shape[axis])]
    module.weight.data *= factors.reshape(shape)
    if axis == 0 and module.bias is not None:
        module.bias.data *= factors


def parameters(network):
    return {
        name: {"shape": list(value.shape), "data": value.detach().flatten().tolist()}
        for name, value in network.named_parameters()
    }


def case(network, names):
    for name in names[:-1]:
        spread(network.get_submodule(name), 0)
    before = parameters(network)
    # PyTorch's own threshold stops chains earlier.
    equalize(network, [names], threshold=1e-6)
    return {"before": before, "after": parameters(network)}


convolutions = nn.Sequential(
    nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 5, 1), nn.Conv2d(5, 4, 3, bias=False)
)
linears = nn.Sequential(nn.Linear(7, 9), nn.ReLU(), nn.Linear(9, 4))
cases = {"convolutions": case(convolutions, ["0", "2", "3"]), "linears": case(linears, ["0", "2"])}
with open(f"{sys.argv[1]}/equalization.json", "w") as file:
    json.dump(cases, file)
