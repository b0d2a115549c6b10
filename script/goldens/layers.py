"""What PyTorch 2.6 computes for layers and products that Octavo reads as several operators, and for those that it
computes with steps of its own: writes test/fixtures/aten/layers.json and layers.bin, as aten.py does.

    python3 script/goldens/layers.py test/fixtures/aten
"""

import sys
from pathlib import Path

import torch
from aten import Family, aten

randn = torch.randn


def convolutions(f):
    for groups, stride, padding, extra, dilation in [(1, 2, 1, 1, 1), (2, 3, 0, 2, 1), (1, 1, 2, 0, 2), (4, 2, 1, 0, 1)]:
        for axes, op in enumerate([aten.conv_transpose1d.default, aten.conv_transpose2d.input, aten.conv_transpose3d.input], 1):
            x, w = randn(2, 4, *[5, 4, 3][:axes]), randn(4, 3, *[3, 2, 3][:axes])
            geometry = [[stride] * axes, [padding] * axes, [extra] * axes, groups, [dilation] * axes]
            f.add(op, x, w, randn(3 * groups), *geometry)
            f.add(op, x[0], w, None, *geometry)
            f.add(aten.convolution.default, x, w, None, [stride] * axes, [padding] * axes, [dilation] * axes, True, [extra] * axes, groups)
    for groups, stride, padding, dilation in [(1, 1, 1, 1), (1, 2, 0, 2), (3, 1, 2, 1), (6, 2, 1, 1)]:
        x, w = randn(1, 6, 5, 4, 6), randn(6, 6 // groups, 3, 2, 3)
        geometry = [[stride] * 3, [padding] * 3, [dilation] * 3, groups]
        f.add(aten.conv3d.default, x, w, randn(6), *geometry)
        f.add(aten.conv3d.default, x[0], w, None, *geometry)
    f.add(aten.conv3d.padding, randn(1, 2, 4, 5, 6), randn(3, 2, 3, 2, 3), None, [1, 1, 1], "same", [1, 2, 1])
    f.add(aten.conv1d.default, randn(3, 9), randn(4, 3, 3), randn(4), [2], [1])
    f.add(aten.conv2d.padding, randn(3, 9, 8), randn(4, 3, 3, 2), randn(4), [1, 1], "same")


def pooling(f):
    with_nan = randn(1, 2, 6, 7)
    with_nan[0, 0, 2, 3] = with_nan[0, 0, 2, 4] = float("nan")
    with_nan[0, 1] = -float("inf")
    extents = [7, 6, 5]
    maxima = [aten.max_pool1d_with_indices, aten.max_pool2d_with_indices, aten.max_pool3d_with_indices]
    even = [aten.adaptive_max_pool1d, aten.adaptive_max_pool2d, aten.adaptive_max_pool3d]
    for axes in [1, 2, 3]:
        x = randn(1, 2, *extents[:axes])
        for args in [(3,), (3, 2, 1), (2, 1, 0, 3), (3, 2, 1, 1, True), (2, 3, 1, 2, True)]:
            lists = [[a] * axes if type(a) is int else a for a in args]
            f.add(maxima[axes - 1].default, x, *lists)
            f.add(maxima[axes - 1].default, x[0], *lists)
        for size in [1, 2, 3, 5]:
            f.add(even[axes - 1].default, x, [size] * axes)
        f.add(even[axes - 1].default, x[0], [4] * axes)
    f.add(aten.max_pool2d_with_indices.default, with_nan, [3, 3], [2, 2], [1, 1])
    f.add(aten.adaptive_max_pool2d.default, with_nan, [2, 3])
    f.add(aten.max_pool2d_with_indices.default, randn(1, 3, 6, 5).bfloat16(), [2, 2])
    x = randn(1, 2, 5, 6, 7)
    for args in [([2, 3, 2],), ([3, 3, 3], [2, 1, 2], [1, 1, 0]), ([2, 2, 2], [1, 2, 3], [1, 0, 1], [2, 1, 3]), ([3, 3, 3], [2, 2, 2], [1, 1, 1], [1, 1, 1], True)]:
        f.add(aten.max_pool3d.default, x, *args)
        f.add(aten.max_pool3d.default, x[0], *args)
    for args in [([2, 3, 2],), ([3, 3, 3], [2, 1, 2], [1, 1, 0]), ([3, 3, 3], [2, 2, 3], [1, 1, 1], True, False), ([3, 2, 2], [2, 2, 2], [1, 1, 1], True, True), ([2, 2, 3], [2, 2, 2], [1, 1, 1], False, True, 7), ([1, 3, 1], [1, 1, 1]), ([1, 1, 1], [1, 1, 1], [0, 0, 0], False, True, 3)]:
        f.add(aten.avg_pool3d.default, x, *args)
        f.add(aten.avg_pool3d.default, x[0], *args)
    for size in [[1, 1, 1], [3, 2, 4], [5, 6, 7], [7, 3, 1]]:
        f.add(aten.adaptive_avg_pool3d.default, x, size)
        f.add(aten.adaptive_avg_pool3d.default, x[0], size)
    for size in [[1, 1], [3, 4], [9, 11]]:
        f.add(aten._adaptive_avg_pool2d.default, x[0], size)
        f.add(aten.adaptive_avg_pool2d.default, x[0, 0], size)
    f.add(aten.adaptive_avg_pool1d.default, x[0, 0], [5])
    f.add(aten.adaptive_avg_pool1d.default, x[0, 0, 0:1], [4])
    f.add(aten.avg_pool2d.default, x[0, 0], [3, 2], [2, 2], [1, 1], True, False)
    f.add(aten.avg_pool2d.default, x[0], [3, 2], [2, 2], [1, 0], True, True, 5)
    f.add(aten.max_pool1d.default, x[0, 0], [3], [2], [1], [2], True)
    f.add(aten.avg_pool1d.default, x[0, 0], [3], [2], [1], True, False)


def normalization(f):
    for shape in [(3, 4, 5), (2, 4, 3, 5), (2, 4, 3, 2, 5)]:
        x, c = randn(shape) * 3 + 1, 4
        w, b, m, v = randn(c), randn(c), randn(c), torch.rand(c) + 0.5
        f.add(aten.instance_norm.default, x, w, b, None, None, True, 0.1, 1e-5, False)
        f.add(aten.instance_norm.default, x, None, None, None, None, True, 0.1, 1e-3, False)
        f.add(aten.instance_norm.default, x, w, b, m, v, False, 0.1, 1e-5, False)
        f.add(aten.batch_norm.default, x, w, b, m, v, False, 0.1, 1e-5, False)
        f.add(aten.batch_norm.default, x, w, b, None, None, True, 0.1, 1e-5, False)
        f.add(aten.batch_norm.default, x, None, None, None, None, True, 0.1, 1e-5, False)
        f.add(aten.group_norm.default, x, 2, w, b)
        f.add(aten.group_norm.default, x, 4, None, None, 1e-3)
        f.add(aten.group_norm.default, x, 1, w)
    f.add(aten.batch_norm.default, randn(7, 5), randn(5), randn(5), randn(5), torch.rand(5) + 0.5, False, 0.1, 1e-5, False)
    f.add(aten.batch_norm.default, randn(7, 5), randn(5), None, None, None, True, 0.1, 1e-5, False)
    f.add(aten.group_norm.default, randn(3, 6), 2, randn(6), randn(6))
    x = randn(3, 5) * 4
    f.add(aten._softmax.default, x, 1, False)
    f.add(aten._log_softmax.default, x, 0, False)
    x[1] = -float("inf")
    f.add(aten._safe_softmax.default, x, 1)
    f.add(aten.rms_norm.default, randn(2, 3, 5), [5], randn(5), 1e-6)


def first_results(f):
    """Of kernels whose other results are for gradients."""
    x, w, b = randn(2, 4, 3, 5), randn(4), randn(4)
    first(f, aten.native_layer_norm.default, x, [3, 5], randn(3, 5), randn(3, 5), 1e-5)
    first(f, aten.native_group_norm.default, x, w, b, 2, 4, 15, 2, 1e-5)
    first(f, aten.native_batch_norm.default, x, w, b, randn(4), torch.rand(4) + 0.5, False, 0.1, 1e-5)
    first(f, aten._native_batch_norm_legit.no_stats, x, w, b, True, 0.1, 1e-5)
    q, k, v = randn(2, 3, 5, 8), randn(2, 3, 6, 8), randn(2, 3, 6, 8)
    first(f, aten._scaled_dot_product_flash_attention_for_cpu.default, q, k, v)
    first(f, aten._scaled_dot_product_flash_attention_for_cpu.default, q, k, v, 0.0, False, attn_mask=randn(5, 6), scale=0.3)
    first(f, aten._scaled_dot_product_flash_attention_for_cpu.default, q, k, v, 0.0, True)
    first(f, aten._scaled_dot_product_attention_math.default, q, k, v, randn(2, 1, 5, 6))
    table, indices, offsets = randn(9, 5), torch.tensor([8, 0, 0, 5, 3, 6, 2, 5]), torch.tensor([0, 3, 3, 4])
    for mode in [0, 1, 2]:
        for padding in [None, 0, 5, -1, -4]:
            first(f, aten.embedding_bag.padding_idx, table, indices, offsets, False, mode, False, None, False, padding)
        first(f, aten._embedding_bag_forward_only.default, table, indices, offsets, False, mode)
        first(f, aten._embedding_bag_forward_only.default, table, indices, offsets, False, mode, False, None, False, 5)
        first(f, aten.embedding_bag.default, table, indices, torch.tensor([0, 3, 3, 4, 8]), False, mode, False, None, True)
    first(f, aten.embedding_bag.padding_idx, table, indices, offsets, False, 0, False, randn(8), False, 5)


def first(f, op, *args, **kwargs):
    f.add(op, *args, **kwargs)
    f.cases[-1]["expected"] = f.cases[-1]["expected"][0]


def products(f):
    v, w, m, n = randn(5), randn(4), randn(4, 5), randn(5, 3)
    a, b = randn(3, 4, 5), randn(3, 5, 2)
    f.add(aten.mv.default, m, v)
    f.add(aten.dot.default, v, randn(5))
    f.add(aten.vdot.default, v, randn(5))
    f.add(aten.outer.default, v, w)
    f.add(aten.ger.default, v, w)
    f.add(aten.inner.default, randn(2, 3, 5), m)
    f.add(aten.inner.default, m, torch.tensor(2.5))
    for shape in [(4,), (1,), ()]:
        f.add(aten.addmv.default, randn(shape), m, v)
    f.add(aten.addmv.default, w, m, v, beta=0.5, alpha=-2)
    f.add(aten.addr.default, randn(5, 4), v, w, beta=0.5, alpha=-2)
    f.add(aten.addr.default, randn(4), v, w)
    f.add(aten.addbmm.default, randn(4, 2), a, b, beta=0.5, alpha=-2)
    f.add(aten.addbmm.default, randn(2), a, b)
    for shape in [(3, 4, 2), (4, 2), (1, 2), (2,), (3, 1, 1)]:
        f.add(aten.baddbmm.default, randn(shape), a, b, beta=0.5, alpha=-2)
    f.add(aten.baddbmm.default, randn(3, 4, 2), a, b)
    f.add(aten.baddbmm.default, torch.full((3, 4, 2), float("nan")), a, b, beta=0)
    f.add(aten.mH.default, a)
    f.add(aten.adjoint.default, a)
    f.add(aten.linalg_matmul.default, a, b)
    f.add(aten.linalg_multi_dot.default, [m, n, randn(3, 6)])
    f.add(aten.linalg_multi_dot.default, [v, n, randn(3)])
    f.add(aten.chain_matmul.default, [m, n, randn(3, 6)])
    f.add(aten.tensordot.default, randn(2, 3, 4, 5), randn(4, 3, 6), [1, 2], [1, 0])
    f.add(aten.tensordot.default, randn(2, 3), randn(3, 2), [0, 1], [1, 0])
    f.add(aten.tensordot.default, randn(2, 3), randn(4), [], [])
    f.add(aten.bilinear.default, randn(6, 3), randn(6, 4), randn(5, 3, 4), randn(5))
    f.add(aten.bilinear.default, randn(2, 6, 3), randn(2, 6, 4), randn(5, 3, 4))
    f.add(aten.bilinear.default, randn(3), randn(4), randn(5, 3, 4), randn(5))
    f.add(aten.linear.default, randn(2, 3, 5), randn(5))
    f.add(aten.linear.default, v, randn(3, 5), randn(3))
    f.add(aten.linear.default, v, randn(5))
    f.add(aten.linear.default, randn(2, 1, 3, 5), m, w)
    for x, y in [((5,), (5,)), ((5,), (5, 3)), ((4, 5), (5,)), ((2, 3, 4, 5), (5,)), ((5,), (2, 5, 3)), ((2, 1, 4, 5), (3, 5, 2))]:
        f.add(aten.matmul.default, randn(*x), randn(*y))
    f.add(aten.cosine_similarity.default, randn(3, 5, 2), randn(3, 5, 2))
    f.add(aten.cosine_similarity.default, randn(3, 1, 5), randn(4, 5), -1, 1e-3)
    f.add(aten.cosine_similarity.default, torch.zeros(2, 5), randn(2, 5))
    for p in [2.0, 1.0, 3.0]:
        f.add(aten.pairwise_distance.default, randn(3, 5), randn(3, 5), p)
        f.add(aten.pairwise_distance.default, randn(5), randn(3, 5), p, 1e-3, True)


EINSUMS = [
    ("ij,jk->ik", (3, 4), (4, 5)), ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)), ("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5)),
    ("bqhd,bkhd->bhqk", (2, 4, 3, 5), (2, 6, 3, 5)), ("nchw,cd->ndhw", (2, 3, 4, 5), (3, 6)), ("i,j->ij", (3,), (4,)),
    ("i,i->", (5,), (5,)), ("ij->ji", (3, 4)), ("ij->", (3, 4)), ("ii->i", (4, 4)), ("ii", (4, 4)), ("bii->b", (2, 3, 3)),
    ("...ij,...jk->...ik", (2, 3, 4, 5), (5, 6)), ("...ij,jk", (2, 4, 5), (5, 6)), ("i...,i->...", (3, 4, 5), (3,)),
    ("a...b,b...->a...", (2, 3, 4), (4, 3)), ("ba,cd", (2, 3), (4, 5)), ("ij,ij->ij", (3, 4), (3, 4)), ("ij,ik->jk", (3, 4), (3, 5)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)), ("bi,oij,bj->bo", (6, 3), (5, 3, 4), (6, 4)), ("i,j,k->kji", (2,), (3,), (4,)),
    ("ij,kj,lj->ikl", (2, 3), (4, 3), (5, 3)), ("ab,bc,cd,da->", (2, 3), (3, 4), (4, 5), (5, 2)), ("ijk,jl->ikl", (2, 1, 3), (4, 5)),
    ("bij,bij->b", (2, 3, 4), (2, 3, 4)), ("xbij,bk->xik", (2, 3, 4, 5), (3, 6)), (" i j , j k -> k i ", (2, 3), (3, 4)),
    ("ijkl,klm->ijm", (2, 3, 4, 5), (4, 5, 6)), ("ik,jk->", (2, 3), (4, 3)), ("...,...->...", (2, 3), (3,)), ("b...,b...->b", (2, 3, 4), (2, 3, 4)),
]  # fmt: skip


def attention(f):
    op = aten.scaled_dot_product_attention.default
    q, k, v = randn(2, 6, 5, 8), randn(2, 2, 7, 8), randn(2, 2, 7, 4)
    f.add(op, q, k, v, enable_gqa=True)
    f.add(op, q, k, v, None, 0.0, True, enable_gqa=True)
    f.add(op, q, k, v, randn(5, 7), 0.0, False, scale=0.2, enable_gqa=True)
    f.add(op, q, randn(2, 3, 7, 8), v, randn(5, 7) > 0, 0.0, False, enable_gqa=True)
    f.add(op, randn(2, 6, 5, 8), randn(1, 6, 7, 8), randn(2, 1, 7, 4))
    f.add(op, randn(5, 8), randn(2, 3, 7, 8), randn(3, 7, 4))
    f.add(op, q, randn(2, 6, 7, 8), randn(2, 6, 7, 8), randn(2, 1, 1, 7) > -1)
    f.add(op, randn(5, 8), randn(7, 8), randn(7, 4), randn(7))


def recurrent(f):
    for layers, directions, batch_first, biases, projected in [(1, 1, False, True, 0), (2, 2, True, True, 0), (1, 2, False, False, 0), (2, 1, True, True, 3), (2, 2, False, False, 2)]:
        for op, gates in [(aten.lstm.input, 4), (aten.gru.input, 3), (aten.rnn_tanh.input, 1), (aten.rnn_relu.input, 1)]:
            if projected and gates < 4:
                continue
            size, width, steps, batch = 5, 7, 6, 3
            out = projected or width
            params = []
            for layer in range(layers):
                for _ in range(directions):
                    params += [randn(gates * width, size if layer == 0 else out * directions), randn(gates * width, out)]
                    params += [randn(gates * width), randn(gates * width)] if biases else []
                    params += [randn(projected, width)] if projected else []
            params = [p * 0.4 for p in params]
            x = randn(batch, steps, size) if batch_first else randn(steps, batch, size)
            h, c = randn(layers * directions, batch, out), randn(layers * directions, batch, width)
            f.add(op, x, [h, c] if gates == 4 else h, params, biases, layers, 0.0, False, directions == 2, batch_first)
    one = [randn(4, 1), randn(4, 1), randn(4), randn(4)]
    f.add(aten.lstm.input, randn(1, 1, 1), [randn(1, 1, 1), randn(1, 1, 1)], one, True, 1, 0.0, False, False, False)
    wide = [randn(96, 40) * 0.2, randn(96, 32) * 0.2, randn(96), randn(96)]
    f.add(aten.gru.input, randn(20, 1, 40), randn(1, 1, 32), wide, True, 1, 0.5, False, False, False)


if __name__ == "__main__":
    family = Family("layers")
    for write in [convolutions, pooling, normalization, first_results, products, attention, recurrent]:
        write(family)
    for equation, *shapes in EINSUMS:
        family.add(aten.einsum.default, equation, [randn(shape) for shape in shapes])
    family.write(Path(sys.argv[1]))
