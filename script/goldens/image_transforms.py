"""Orders of PyTorch's sampler, and what torchvision's transforms make of an image (test/training/data-loader.test.ts, transforms.test.ts):

    python3 script/goldens/image_transforms.py test/fixtures/training
"""

import json
import sys

import torch
from torch.utils.data import DistributedSampler
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F


def numbers(tensor):
    return [float(f"{value:.9g}") for value in tensor.flatten().tolist()]


def order(size, seed, epoch):
    sampler = DistributedSampler(range(size), num_replicas=1, rank=0, shuffle=True, seed=seed)
    sampler.set_epoch(epoch)
    return list(sampler)


orders = [
    {"size": size, "seed": seed, "epoch": epoch, "order": order(size, seed, epoch)}
    for size, seed, epoch in [(10, 0, 0), (10, 0, 1), (37, 5, 2), (1, 3, 0), (700, 12345678901, 1)]
]

torch.manual_seed(1)
images = {"color": torch.rand(3, 7, 9), "gray": torch.rand(1, 6, 6), "two": torch.rand(2, 5, 4)}
affines = []
for name, image in images.items():
    for angle, translate, scale in [(30, [0, 0], 1), (-75, [1, -2], 1), (10, [2, 1], 0.7), (180, [0, 0], 1), (0, [1, 0], 1.6)]:
        result = F.affine(image, angle, translate, scale, [0.0, 0.0], interpolation=InterpolationMode.BILINEAR)
        affines.append({"image": name, "angle": angle, "translate": translate, "scale": scale, "result": numbers(result)})
colors = []
for name in ["color", "gray"]:
    for factor in [0, 0.6, 1, 1.7]:
        for kind in ["brightness", "contrast"]:
            result = getattr(F, f"adjust_{kind}")(images[name], factor)
            colors.append({"image": name, "kind": kind, "factor": factor, "result": numbers(result)})
described = {name: {"shape": list(image.shape), "values": numbers(image)} for name, image in images.items()}

for name, content in [
    ("sampler_orders", orders),
    ("image_transforms", {"images": described, "affines": affines, "colors": colors}),
]:
    with open(f"{sys.argv[1]}/{name}.json", "w") as file:
        json.dump(content, file, separators=(",", ":"))
