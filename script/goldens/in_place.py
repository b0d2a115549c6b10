"""In-place operators on views, as PyTorch computes them: writes test/fixtures/pt2/in_place.pt2 and .npz.

    python3 script/goldens/in_place.py

Needs PyTorch 2.6 (Debian 13: python3-torch). Seeded: running it again gives the same numbers. The batch is dynamic.
`in_place.npz` holds `x` and the results `out_0`, `out_1`, …, for a batch that the model was not exported with.
"""

from pathlib import Path

import numpy
import torch

folder = Path(__file__).parents[2] / "test/fixtures/pt2"


class InPlace(torch.nn.Module):
    def forward(self, x):
        outputs = []

        # Swin's mask: parts of a matrix filled one after the other, then compared window by window.
        regions, count = x.new_zeros((6, 6)), 0
        for rows in (slice(0, -3), slice(-3, -1), slice(-1, None)):
            for columns in (slice(0, -3), slice(-3, -1), slice(-1, None)):
                regions[rows, columns] = count
                count += 1
        windows = regions.view(2, 3, 2, 3).permute(0, 2, 1, 3).reshape(4, 9)
        apart = windows.unsqueeze(1) - windows.unsqueeze(2)
        outputs.append(apart.masked_fill(apart != 0, -100.0).masked_fill(apart == 0, 0.0))

        # Parts, rows, columns and single elements, each seen by what comes after it.
        y = x.clone()
        y[:, 1:3] = 2.5
        y[:, 0].add_(1)
        y.transpose(0, 1)[4].mul_(-3)
        y[..., -1] = x[..., 0]
        y[:, ::2].neg_()
        outputs.append(y * 1)

        # A view that was taken before the whole was written, and one before another view was.
        z = x * 2
        middle = z[:, 2]
        right = z[:, 2:]
        z.relu_()
        outputs.append(middle + 1)
        right.add_(0.5)
        outputs += [middle * 1, z * 1]

        # Parts of a division, and axes in another order.
        v = x + 1
        first, second = v.split([2, 4], 1)
        second.mul_(2)
        first.unbind(1)[1].sub_(second.unbind(1)[0])
        v.chunk(3, 1)[2].clamp_(min=0)
        outputs.append(torch.cat([v, first], 1))
        w = x * 0.5
        w.view(-1, 2, 3).permute(2, 0, 1)[1].fill_(7)
        w.unsqueeze(1).squeeze(1).t().narrow(0, 5, 1).exp_()
        outputs.append(w)
        return tuple(outputs)


torch.manual_seed(0)
x = torch.randn(3, 6)
program = torch.export.export(InPlace(), (torch.randn(2, 6),), dynamic_shapes=({0: torch.export.Dim("batch", max=64)},))
for node in program.graph.nodes:
    node.meta.pop("stack_trace", None)  # most of the file otherwise
torch.export.save(program, folder / "in_place.pt2")
results = {f"out_{i}": result.numpy() for i, result in enumerate(InPlace()(x))}
numpy.savez(folder / "in_place.npz", x=x.numpy(), **results)
