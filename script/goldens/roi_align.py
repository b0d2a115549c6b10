"""Writes what torchvision.ops.roi_align computes: test/fixtures/aten/roi_align.json.

    python3 script/goldens/roi_align.py test/fixtures/aten/roi_align.json

Needs torchvision. Images are whole numbers, (7 i) % 11 - 5, so that the file need not hold them.
"""

import json
import sys

import torch
from torchvision.ops import roi_align

regions = torch.tensor(
    [
        [0, 1, 1, 6, 5],
        [1, 0.3, 2.7, 7.9, 4.1],
        [1, -3, -2, 4, 3],
        [0, 5, 4, 20, 17],
        [1, 3, 3, 3, 3],
        [0, 6, 5, 2, 1],
        [0, 40, 40, 50, 50],
        [1, 0, 0, 9, 7],
    ]
)
runs = []
for size in [(1, 1), (2, 3), (7, 7)]:
    for scale in [1.0, 0.5]:
        for samples in [-1, 1, 2]:
            for aligned in [False, True]:
                shape = [2, 3, 7, 9]
                images = (torch.arange(2 * 3 * 7 * 9) * 7 % 11 - 5).float().view(shape)
                result = roi_align(images, regions, size, scale, samples, aligned)
                values = [round(value, 6) for value in result.flatten().tolist()]
                # Of the largest, a part is enough.
                run = {"size": size, "scale": scale, "samples": samples, "aligned": aligned}
                runs.append({**run, "values": values[:: 7 if size == (7, 7) else 1]})
with open(sys.argv[1], "w") as file:
    json.dump({"regions": regions.tolist(), "runs": runs}, file)
    file.write("\n")
