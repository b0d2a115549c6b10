"""What PyTorch 2.6 computes for the operators that index, scatter, reorder and resample: see aten.py.

    python3 script/goldens/indexing.py test/fixtures/aten
"""

import sys
from pathlib import Path

import torch
from aten import Family, aten


def tensors(*shape):
    """One of each kind that elements are stored as."""
    yield torch.randn(shape)
    yield torch.randint(-9, 9, shape)
    yield torch.randint(0, 256, shape, dtype=torch.uint8)
    yield torch.randn(shape).bfloat16()


def indexing():
    f = Family("indexing")
    i64 = torch.tensor
    for x in tensors(3, 4, 5):
        f.add(aten.gather.default, x, 1, torch.randint(0, 4, (2, 6, 5)))
        f.add(aten.gather.default, x, -1, torch.randint(0, 5, (3, 4, 2)))
        f.add(aten.take_along_dim.default, x, torch.randint(0, 4, (1, 7, 1)), 1)
        f.add(aten.index_select.default, x, 2, i64([4, 0, 4]))
        f.add(aten.index.Tensor, x, [i64([2, -1])])
        f.add(aten.index.Tensor, x, [None, i64([[0], [3]]), i64([1, 1, -5])])
        f.add(aten.index.Tensor, x, [i64([[0], [2]]), None, i64([1, 4])])
        f.add(aten.index.Tensor, x, [None, None, i64(3)])
        f.add(aten._unsafe_index.Tensor, x, [None, i64([3, 1])])
        src, index = x.flip(0).clone(), torch.randint(0, 4, (2, 3, 5))
        f.add(aten.scatter.value, x, 1, index, 3)
        # Each place is written once: what is written twice is not defined.
        f.add(aten.scatter.src, x, 1, torch.arange(4).view(1, 4, 1).expand(2, 4, 5).flip(1).clone(), src)
        f.add(aten.scatter_add.default, x, 0, torch.randint(0, 3, (2, 3, 5)), src)
        for reduce in ("sum", "prod", "mean", "amax", "amin"):
            if x.dtype == torch.uint8 and reduce in ("sum", "prod", "mean"):
                continue
            f.add(aten.scatter_reduce.two, x, 1, index, src, reduce)
            f.add(aten.scatter_reduce.two, x, 1, index, src, reduce, include_self=False)
        f.add(aten.index_put.default, x, [None, i64([3, 0])], src[:, :2])
        f.add(aten.index_put.default, x, [i64([0, 2]), i64([1, -1])], src[0, 0])
        f.add(aten.index_put.default, x, [i64([0, 0]), i64([1, 1])], src[0, 0], True)
        f.add(aten.index_add.default, x, 1, i64([3, 3, 0]), src[:, :3])
        f.add(aten.index_copy.default, x, 1, i64([3, 0]), src[:, :2])
        f.add(aten.index_fill.int_Scalar, x, -1, i64([0, 4]), 7)
        f.add(aten.slice_scatter.default, x, src[:, :2], 1, 0, 4, 2)
        f.add(aten.select_scatter.default, x, src[:, 0], 1, -1)
        f.add(aten.tril.default, x, 1)
        f.add(aten.triu.default, x, -1)
    f.add(aten.one_hot.default, i64([[0, 2], [4, 1]]), 5)
    return f


def reordering():
    f = Family("reordering")
    for x in tensors(2, 3, 4, 5):
        f.add(aten.flip.default, x, [1, -1])
        f.add(aten.roll.default, x, [3, -1], [3, 1])
        f.add(aten.repeat.default, x, [2, 1, 3, 1, 2])
        f.add(aten.tile.default, x, [2, 3])
        f.add(aten.repeat_interleave.self_int, x, 3, 2)
        f.add(aten.swapaxes.default, x, 1, -1)
        f.add(aten.movedim.intlist, x, [0, 1], [-1, 0])
        f.add(aten.mT.default, x)
        f.add(aten.tensor_split.sections, x, 3, -1)
        f.add(aten.tensor_split.indices, x, [1, 1, -2, 9], 2)
        f.add(aten.hsplit.array, x, [1])
        f.add(aten.unfold.default, x, 3, 3, 2)
        f.add(aten.diagonal.default, x, 1, -2, -1)
        f.add(aten.diagonal.default, x, -1, 0, 3)
        f.add(aten.unbind.int, x, 2)
        f.add(aten.atleast_3d.default, x[0, 0])
        f.add(aten.atleast_3d.default, x[0, 0, 0])
        f.add(aten.constant_pad_nd.default, x, [1, -2, -1, 3], 2)
        if x.dtype == torch.uint8:
            continue
        f.add(aten.reflection_pad2d.default, x, [4, 1, 3, -1])
        f.add(aten.reflection_pad1d.default, x[0], [2, 4])
        f.add(aten.replication_pad2d.default, x, [3, -1, 7, 0])
        f.add(aten.replication_pad3d.default, x, [1, 0, 2, 1, 0, 3])
        f.add(aten.reflection_pad3d.default, x, [1, 0, 2, 1, 0, 2])
        f.add(aten._pad_circular.default, x, [5, 3, 0, 4])
        for mode in ("reflect", "replicate", "circular"):
            f.add(aten.pad.default, x, [2, 3, 1, 2], mode)
    return f


def resampling():
    f = Family("resampling")
    sizes = [((5, 7), (10, 14)), ((8, 9), (3, 5)), ((6, 4), (6, 7)), ((4, 5), (9, 1)), ((13, 11), (7, 23))]
    for before, after in sizes:
        x = torch.randn(1, 3, *before)
        for name in ("upsample_nearest2d", "_upsample_nearest_exact2d"):
            f.add(getattr(aten, name).default, x, after)
            f.add(getattr(aten, name).vec, x, None, [1.7, 0.6])
        for name in ("upsample_bilinear2d", "upsample_bicubic2d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa"):
            # Antialiasing to a width of 1, PyTorch 2.6 repeats the first row.
            if name.endswith("aa") and after[1] == 1:
                continue
            for align in (False, True):
                f.add(getattr(aten, name).vec, x, after, align, None)
            f.add(getattr(aten, name).vec, x, None, False, [1.7, 0.6])
            f.add(getattr(aten, name).default, x, after, False, None, 1.3)
        for align in (False, True):
            f.add(aten.upsample_linear1d.default, x[0], [after[1]], align)
            f.add(aten.upsample_trilinear3d.vec, x[None], [2, *after], align, None)
        f.add(aten.upsample_nearest1d.default, x[0], [after[1]])
        f.add(aten.upsample_nearest3d.vec, x[None], [7, *after], None)
    f.add(aten.upsample_nearest2d.vec, torch.randint(0, 256, (1, 3, 4, 5), dtype=torch.uint8), None, [2.0, 3.0])
    f.add(aten.upsample_bilinear2d.vec, torch.randn(1, 3, 4, 5).bfloat16(), [7, 9], False, None)
    for mode in (0, 1, 2):
        for padding in (0, 1, 2):
            for align in (False, True):
                x, grid = torch.randn(2, 3, 5, 7), torch.rand(2, 4, 3, 2) * 4 - 2
                f.add(aten.grid_sampler_2d.default, x, grid, mode, padding, align)
                if mode < 2:
                    x, grid = torch.randn(1, 2, 3, 5, 4), torch.rand(1, 2, 4, 3, 3) * 4 - 2
                    f.add(aten.grid_sampler_3d.default, x, grid, mode, padding, align)
    for align in (False, True):
        f.add(aten.affine_grid_generator.default, torch.randn(2, 2, 3), [2, 3, 4, 5], align)
        f.add(aten.affine_grid_generator.default, torch.randn(1, 3, 4), [1, 2, 3, 1, 5], align)
    return f


if __name__ == "__main__":
    for family in (indexing, reordering, resampling):
        family().write(Path(sys.argv[1]))
