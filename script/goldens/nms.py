"""Writes what torchvision.ops.nms chooses among boxes of every awkward kind: test/fixtures/aten/nms.json.

    python3 script/goldens/nms.py test/fixtures/aten/nms.json

Needs torchvision.
"""

import json
import math
import sys

import torch
import torchvision

generator = torch.Generator().manual_seed(0)


def boxes(count, spread):
    corners = torch.rand(count, 2, generator=generator) * spread
    return torch.cat([corners, corners + torch.rand(count, 2, generator=generator) * 4], 1)


def cases():
    for count, spread in [(0, 1), (1, 1), (7, 3), (40, 8), (300, 20)]:
        yield boxes(count, spread), torch.rand(count, generator=generator)
    # Scores that are equal, in steps of a quarter.
    yield boxes(50, 8), (torch.rand(50, generator=generator) * 4).round() / 4
    # Every second box has no area; some are turned around.
    flat = boxes(30, 5)
    flat[::2, 2] = flat[::2, 0]
    flat[1::6] = flat[1::6][:, [2, 3, 0, 1]]
    yield flat, torch.rand(30, generator=generator)
    # Boxes on whole numbers, whose overlap is exactly a half or a third.
    grid = torch.tensor([[x, y, x + 2, y + 2] for x in range(4) for y in range(3)], dtype=torch.float32)
    yield grid, torch.rand(12, generator=generator)
    strange = torch.rand(20, generator=generator) - 0.5
    strange[3], strange[4], strange[5], strange[6], strange[7] = math.nan, math.inf, -math.inf, 0.0, -0.0
    yield boxes(20, 4), strange
    broken = boxes(20, 4)
    broken[2, 1], broken[9, 2], broken[5] = math.nan, math.inf, math.nan
    yield broken, torch.rand(20, generator=generator)


def numbers(tensor):
    return [value if math.isfinite(value) else str(value) for value in tensor.flatten().tolist()]


runs = []
for given, scores in cases():
    chosen = {t: torchvision.ops.nms(given, scores, t).tolist() for t in (0.0, 0.1, 1 / 3, 0.5, 0.7, 1.0, -0.5)}
    runs.append({"boxes": numbers(given), "scores": numbers(scores), "chosen": chosen})
with open(sys.argv[1], "w") as file:
    json.dump({"torchvision": torchvision.__version__, "runs": runs}, file)
    file.write("\n")
