"""PyTorch's distances of vectors, some of which are 0 apart, with gradients (test/autograd/distances.test.ts):

    python3 script/goldens/distances.py test/fixtures/autograd/distances.json
"""

import json
import sys

import torch

torch.manual_seed(0)


def numbers(tensor):
    return [float(f"{value:.9g}") for value in tensor.flatten().tolist()]


rows = torch.randn(4, 3)
rows[3] = 0
# Its first rows are the same: 0 apart. The last one is 0.
others = torch.cat([rows[:2], torch.randn(2, 3)])
others[3] = 0
near = others.clone()
near[2] = rows[2]

cases = []


def case(target, a, b, *args):
    a, b = a.clone().requires_grad_(), b.clone().requires_grad_()
    result = getattr(torch.ops.aten, target)(a, b, *args)
    factors = torch.randn(result.shape)
    gradients = torch.autograd.grad((result * factors).sum(), [a, b], materialize_grads=True)
    cases.append(
        {
            "target": f"aten.{target}.default",
            "args": ["Infinity" if value == float("inf") else value for value in args],
            "tensors": [numbers(a), numbers(b)],
            "factors": numbers(factors),
            "gradients": [numbers(gradient) for gradient in gradients],
        }
    )


for p in (0.0, 0.5, 1.0, 2.0, 3.0, float("inf")):
    case("cdist", rows, others, p)
    # Without eps, which would move what is 0 apart.
    case("pairwise_distance", rows, near, p, 0.0)
case("cosine_similarity", rows, others, 1)

with open(sys.argv[1], "w") as file:
    json.dump(cases, file, separators=(",", ":"))
