import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import {
  type Argument,
  type GraphModule,
  Interpreter,
  type Node,
  SymInt,
  type TensorMeta,
} from '../../lib/graph/index.ts';
import { keepsSamplesApart } from '../../lib/plan/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { convNet, twoInputs } from '../support/models.ts';

const batch = new SymInt(['s0']);
const length = new SymInt(['s1']);

const infoOf = ({ graph }: GraphModule) => graph.placeholders.map(({ meta }) => meta.val as TensorMeta);
const isApart = (module: GraphModule) => keepsSamplesApart(module, infoOf(module));

/** A graph of one input, of `shape`, that gives what `build` makes of it. */
function graphOf(
  shape: TensorMeta['shape'],
  build: (b: GraphBuilder, x: Node) => Argument,
  dtype: TensorMeta['dtype'] = 'float32',
): GraphModule {
  const b = new GraphBuilder();
  return b.finish(build(b, b.input('x', shape, dtype)) as Node);
}

describe('samples stay apart', () => {
  const apart: [string, GraphModule][] = [
    ['in a convolutional network', convNet()],
    ['with two inputs and two outputs', twoInputs()],
    [
      'through rows of several for each sample, and back',
      graphOf([batch, 4, 6], (b, x) => {
        const rows = b.call('aten.view.default', x, [-1, 6]);
        const y = b.call('aten.linear.default', rows, b.parameter('w', [6, 6]), null);
        return b.call('aten.view.default', y, [-1, 4, 6]);
      }),
    ],
    [
      'in attention of a sequence of any length',
      graphOf([batch, 2, length, 8], (b, x) =>
        b.call('aten.scaled_dot_product_attention.default', x, x, x, null, 0, false),
      ),
    ],
    [
      'beside what is the same for each, like a class token',
      graphOf([batch, 3, 6], (b, x) => {
        const size = b.call('aten.sym_size.int', x, 0);
        const token = b.call('aten.expand.default', b.parameter('token', [1, 1, 6]), [size, -1, -1]);
        return b.call('aten.cat.default', [token, x], 1);
      }),
    ],
    [
      'in a table that each looks up',
      graphOf(
        [batch, 5],
        (b, x) => b.call('aten.embedding.default', b.parameter('table', [10, 4]), x),
        'int64',
      ),
    ],
    [
      'in softmax, means and normalization of their own values',
      graphOf([batch, 4, 6], (b, x) => {
        const soft = b.call('aten.softmax.int', x, -1);
        const normalized = b.call('aten.layer_norm.default', soft, [4, 6]);
        return b.call('aten.mean.dim', normalized, [1], true);
      }),
    ],
    [
      'where extents of one are squeezed away',
      graphOf([batch, 4, 1, 1], (b, x) =>
        b.call('aten.squeeze.dims', b.call('aten.relu.default', x), [2, 3]),
      ),
    ],
    [
      'where other axes are turned, reflected, rolled and repeated',
      graphOf([batch, 4, 6], (b, x) => {
        const turned = b.call('aten.flip.default', b.call('aten.roll.default', x, [1], [2]), [1]);
        const padded = b.call('aten.reflection_pad1d.default', turned, [2, 1]);
        return b.call('aten.repeat_interleave.self_int', b.call('aten.tril.default', padded), 2, 1);
      }),
    ],
    [
      'where positions of other axes are read and written',
      graphOf([batch, 4, 6], (b, x) => {
        const index = b.constant('index', Tensor.from('int64', [3, 1]));
        const chosen = b.call('aten.index_select.default', x, 1, index);
        const added = b.call('aten.index_add.default', x, 1, index, chosen);
        const same = b.call('aten.index.Tensor', added, [null, null, index]);
        return b.call('aten.select_scatter.default', same, b.call('aten.select.int', x, 2, 0), 2, 1);
      }),
    ],
    [
      'in images of another size, read along places of their own',
      graphOf([batch, 2, 5, 5], (b, x) => {
        const grid = b.call('aten.permute.default', b.call('aten.tanh.default', x), [0, 2, 3, 1]);
        const read = b.call('aten.grid_sampler_2d.default', x, grid, 0, 0, false);
        const linear = b.call('aten.upsample_bilinear2d.vec', read, [8, 7], false, null);
        return b.call('aten.upsample_nearest2d.vec', linear, null, [2, 1]);
      }),
    ],
    [
      'as positions in a table',
      graphOf([batch, 5], (b, x) => b.call('aten.index.Tensor', b.parameter('table', [10, 4]), [x]), 'int64'),
    ],
  ];

  it.each(apart)('%s', (_, module) => {
    expect(isApart(module)).toBe(true);
  });

  it.each(apart)('%s: each alone gives what it gives among others', (_, module) => {
    const count = 3;
    const inputs = infoOf(module).map(({ dtype, shape: [, ...rest] }, i) => {
      const sizes = [count, ...rest.map((dim) => (typeof dim === 'number' ? dim : 5))];
      const values = uniform(sizes, dtype === 'int64' ? 0 : -1, dtype === 'int64' ? 10 : 1, i + 1).toArray();
      return Tensor.from(dtype, values.map(dtype === 'int64' ? Math.floor : Number), sizes);
    });
    const interpret = (tensors: readonly Tensor[]) => new Interpreter(module, operators).run(tensors);
    const whole = interpret(inputs);
    for (let sample = 0; sample < count; sample++) {
      const alone = interpret(
        inputs.map(({ dtype, data, shape: [, ...rest] }) => {
          const size = data.length / count;
          return new Tensor(dtype, data.slice(sample * size, (sample + 1) * size), [1, ...rest]);
        }),
      );
      for (const [i, { shape, data }] of whole.entries()) {
        const size = data.length / count;
        expect(alone[i].shape).toEqual([1, ...shape.slice(1)]);
        const expected = Array.from(data.slice(sample * size, (sample + 1) * size), Number);
        // Another number of rows may be added up in another order: float32 roundings of values below 10.
        alone[i].toArray().forEach((value, k) => {
          expect(Math.abs(value - expected[k])).toBeLessThan(1e-5);
        });
      }
    }
  });
});

describe('samples depend on each other', () => {
  const rows = (build: (b: GraphBuilder, x: Node) => Argument) => graphOf([batch, 6], build);
  it.each<[string, GraphModule]>([
    ['where the batch has one size', graphOf([8, 6], (b, x) => b.call('aten.relu.default', x))],
    [
      'where only one of two inputs has samples',
      (() => {
        const b = new GraphBuilder();
        return b.finish(b.call('aten.add.Tensor', b.input('p', [batch, 4]), b.input('q', [4])));
      })(),
    ],
    ['in softmax over them', rows((b, x) => b.call('aten.softmax.int', x, 0))],
    ['in their mean', rows((b, x) => b.call('aten.mean.dim', x, [0], false))],
    [
      'in their mean, taken off each',
      rows((b, x) => b.call('aten.sub.Tensor', x, b.call('aten.mean.dim', x, [0], true))),
    ],
    [
      'in scales that dynamic quantization chooses',
      rows((b, x) => {
        const chosen = b.call('quantized_decomposed.choose_qparams.tensor', x, 0, 255, 1e-7, 'uint8');
        const [scale, zeroPoint] = [0, 1].map((i) => b.call('operator.getitem', chosen, i));
        const target = 'quantized_decomposed.quantize_per_tensor.tensor';
        return b.call(target, x, scale, zeroPoint, 0, 255, 'uint8');
      }),
    ],
    [
      'one behind the other, told apart in another way',
      rows((b, x) => b.call('aten.view.default', b.call('aten.cat.default', [x, x], 0), [-1, 12])),
    ],
    [
      'in products with each other',
      rows((b, x) => b.call('aten.mm.default', x, b.call('aten.t.default', x))),
    ],
    ['where one alone is squeezed away', graphOf([batch, 4], (b, x) => b.call('aten.squeeze.default', x))],
    ['where one alone loses its extent', graphOf([batch, 4], (b, x) => b.call('aten.squeeze.dim', x, 0))],
    [
      'by a mask whose first extent is a head to attention',
      (() => {
        const b = new GraphBuilder();
        const [x, mask] = [b.input('x', [batch, 2, 5, 8]), b.input('mask', [batch, 5, 5])];
        return b.finish(b.call('aten.scaled_dot_product_attention.default', x, x, x, mask));
      })(),
    ],
    [
      'as what is added along the rows of a product',
      (() => {
        const b = new GraphBuilder();
        const [row, x] = [b.input('row', [batch]), b.input('x', [batch, 6])];
        return b.finish(b.call('aten.addmm.default', row, x, b.parameter('w', [6, 2])));
      })(),
    ],
    [
      'by their number, a bound of a constant',
      rows((b, x) => {
        const size = b.call('aten.sym_size.int', x, 0);
        return b.call('aten.add.Tensor', x, b.call('aten.clamp.default', b.parameter('c', [6]), size, 100));
      }),
    ],
    ['where they change places with features', graphOf([batch, 1], (b, x) => b.call('aten.t.default', x))],
    [
      'as a sequence of attention',
      rows((b, x) => b.call('aten.scaled_dot_product_attention.default', x, x, x)),
    ],
    [
      'as the table that others look up',
      rows((b, x) => b.call('aten.embedding.default', x, b.call('aten.to.dtype', x, 'int64'))),
    ],
    ['where they are turned around', rows((b, x) => b.call('aten.flip.default', x, [0]))],
    ['where they are rolled', rows((b, x) => b.call('aten.roll.default', x, [1], [0]))],
    [
      'as rows that are chosen',
      rows((b, x) =>
        b.call('aten.index_select.default', x, 0, b.constant('i', Tensor.from('int64', [0, 1]))),
      ),
    ],
    [
      'as rows that others choose',
      rows((b, x) => b.call('aten.index.Tensor', x, [b.call('aten.to.dtype', x, 'int64')])),
    ],
    [
      'as rows that are written',
      rows((b, x) => {
        const index = b.constant('i', Tensor.from('int64', [0]));
        return b.call('aten.index_put.default', x, [index], b.parameter('row', [6]));
      }),
    ],
    [
      'where the next one pads them',
      rows((b, x) => b.call('aten.pad.default', x, [0, 0, 1, -1], 'circular')),
    ],
    [
      'in a result that none of them has a say in',
      (() => {
        const b = new GraphBuilder();
        const x = b.input('x', [batch, 6]);
        return b.finish(b.call('aten.relu.default', x), b.constant('c', Tensor.zeros('float32', [3])));
      })(),
    ],
  ])('%s', (_, module) => {
    expect(isApart(module)).toBe(false);
  });

  it('unless an operator says that it keeps them apart', () => {
    const silent = operators.names.filter((name) => {
      const { definition } = operators.get(name);
      return 'step' in definition && definition.samples === undefined;
    });
    // One range for all; bags that may begin anywhere; one zero point for all; statistics and gradients of the whole batch; one
    // list of what was found.
    expect(silent).toEqual([
      'aten._embedding_bag.default',
      'aten._embedding_bag_forward_only.default',
      'aten._fake_quantize_learnable_per_channel_affine.default',
      'aten._fake_quantize_learnable_per_channel_affine_backward.default',
      'aten._fake_quantize_learnable_per_tensor_affine.default',
      'aten._fake_quantize_learnable_per_tensor_affine_backward.default',
      'aten._native_batch_norm_legit_functional.default',
      'aten.embedding_bag.default',
      'aten.embedding_bag.padding_idx',
      'aten.nonzero.default',
      'octavo.affine_fake_quantize.default',
      'octavo.batch_norm_gradient.default',
      'octavo.convolution_weight_gradient.default',
      'octavo.dropout_mask.default',
      'octavo.embedding_bag_4bit.default',
      'octavo.embedding_bag_byte.default',
      'octavo.fake_quantize.default',
      'octavo.fake_quantize_gradient.default',
      'octavo.interpolation_gradient.default',
      'octavo.learnable_fake_quantize.default',
      'octavo.learnable_fake_quantize_gradient.default',
      'octavo.non_max_suppression.default',
      'octavo.observe_range.default',
      'quantized_decomposed.choose_qparams.tensor',
      'quantized_decomposed.choose_qparams_symmetric.tensor',
      'torchvision.nms.default',
    ]);
  });
});
