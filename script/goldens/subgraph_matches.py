"""What PyTorch 2.6's SubgraphMatcherWithNameNodeMap finds: writes subgraph_matches.json.

    python3 script/goldens/subgraph_matches.py test/fixtures/graph

Needs PyTorch 2.6 on the CPU (Debian 13: python3-torch). Patterns and graphs are those of
test/graph/subgraph-matcher.test.ts, case by case.
"""

import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torch.export import export_for_training
from torch.fx.passes.utils.matcher_with_name_node_map_utils import SubgraphMatcherWithNameNodeMap

x, y = torch.randn(1, 3, 8, 8), torch.randn(1, 3, 8, 8)
w = torch.randn(3, 3, 1, 1)
found = {}


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *a):
        return self.function(*a)


def export(function, inputs):
    return export_for_training(Function(function), inputs).module()


def show(name, pattern, target, pattern_inputs, inputs, **options):
    matcher = SubgraphMatcherWithNameNodeMap(export(pattern, pattern_inputs), **options)
    found[name] = [
        {
            "names": {key: str(node) for key, node in match.name_node_map.items()},
            "placeholders": [str(node) for node in match.placeholder_nodes],
            "returning": [str(node) for node in match.returning_nodes],
        }
        for match in matcher.match(export(target, inputs).graph)
    ]


def p(x, w):
    c = F.conv2d(x, w)
    r = F.relu(c)
    return r, {"conv": c, "relu": r}


def t(x, w):
    a = F.relu(F.conv2d(x, w))
    b = F.relu(F.conv2d(a, w))
    c = F.conv2d(b, w)
    d = F.relu(c)
    return a + b, c + d


show("chain", p, t, (x, w), (x, w))


def padd(a, b):
    s = a + b
    r = F.relu(s)
    return r, {"add": s, "relu": r}


def tadd(a, b):
    return F.relu(a + b) * 2, F.relu(a + a), F.relu(a + 1.0)


show("add", padd, tadd, (x, y), (x, y))


def ppool(x):
    m = F.max_pool2d(x, 2, 2)
    return m, {"pool": m}


def tpool(x):
    return F.max_pool2d(x, 2, 2), F.max_pool2d(x, 4, 4), F.max_pool2d(x, 2, 2)


show("pool", ppool, tpool, (x,), (x,))
show("pool ignore", ppool, tpool, (x,), (x,), ignore_literals=True)


def prr(x):
    a = F.relu(x)
    b = F.relu(a)
    return b, {"a": a, "b": b}


def trr(x):
    return F.relu(F.relu(F.relu(F.relu(x))))


show("overlap", prr, trr, (x,), (x,))
show("overlap kept", prr, trr, (x,), (x,), remove_overlapping_matches=False)


def pda(x, w):
    c = F.conv2d(x, w)
    return F.relu(c), torch.sigmoid(c), {"conv": c}


def tda(x, w):
    c = F.conv2d(x, w)
    d = F.conv2d(x, w)
    return F.relu(c), torch.sigmoid(c), F.relu(d), torch.sigmoid(d)


show("two outputs", pda, tda, (x, w), (x, w))


def pcy(x, y):
    a = F.relu(x)
    b = a + y
    return b, a, {"a": a, "b": b}


def tcy(x, y):
    a = F.relu(x)
    return a + torch.sigmoid(a), F.relu(y) + x


show("cycle", pcy, tcy, (x, y), (x, y))


def psame(x):
    b = x + x
    return b, {"b": b}


show("same", psame, tadd, (x,), (x, y))


def pin(x, w):
    c = F.conv2d(x, w)
    r = F.relu_(c)
    return r, {"conv": c}


def tin(x, w):
    return F.relu_(F.conv2d(x, w)), F.relu(F.conv2d(x, w))


show("inplace", pin, tin, (x, w), (x, w))
Path(sys.argv[1], "subgraph_matches.json").write_text(json.dumps(found, indent=1))
