"""Cross entropies of PyTorch and their gradients (test/training/losses.test.ts):

    python3 script/goldens/cross_entropy.py test/fixtures/training/cross_entropy.json
"""

import itertools
import json
import sys

import torch
import torch.nn.functional as F

torch.manual_seed(0)
logits = (3 * torch.randn(7, 5)).requires_grad_()
labels = torch.tensor([4, 0, 2, 2, 1, 3, 0])
ignoring = torch.tensor([4, -100, 2, 2, 1, -100, 0])
weight = torch.tensor([0.5, 2.0, 1.0, 0.0, 3.0])
# What each example counts where the losses are not reduced.
shares = torch.tensor([1.0, -2.0, 0.5, 3.0, 1.0, 0.25, 4.0])


def numbers(tensor):
    return [float(f"{value:.9g}") for value in tensor.flatten().tolist()]


cases = []
for reduction, smoothing, weighted, ignore in itertools.product(
    ["mean", "sum", "none"], [0.0, 0.3], [False, True], [None, -100, 2]
):
    target = ignoring if ignore == -100 else labels
    extra = {} if ignore is None else {"ignore_index": ignore}
    loss = F.cross_entropy(
        logits, target, weight if weighted else None, reduction=reduction, label_smoothing=smoothing, **extra
    )
    total = (loss * shares).sum() if reduction == "none" else loss
    (gradient,) = torch.autograd.grad(total, logits)
    cases.append(
        {
            "reduction": reduction,
            "labelSmoothing": smoothing,
            "weighted": weighted,
            "ignoreIndex": ignore,
            "loss": numbers(loss),
            "gradient": numbers(gradient),
        }
    )
with open(sys.argv[1], "w") as file:
    json.dump(
        {
            "logits": numbers(logits.detach()),
            "labels": labels.tolist(),
            "ignoring": ignoring.tolist(),
            "weight": weight.tolist(),
            "shares": shares.tolist(),
            "cases": cases,
        },
        file,
        separators=(",", ":"),
    )
