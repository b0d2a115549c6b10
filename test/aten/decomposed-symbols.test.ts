import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { decompose } from '../../lib/capture/decompositions/decompose.ts';
import { type GraphModule, Interpreter, type Node, SymInt, type TensorMeta } from '../../lib/graph/index.ts';
import { keepsSamplesApart } from '../../lib/plan/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { relativeError } from '../support/spatial.ts';

const batch = new SymInt(['s0']);
const float = (...shape: TensorMeta['shape']): TensorMeta => ({ dtype: 'float32', shape });

/** A decomposed graph whose inputs have symbolic extents. */
function graph(
  metas: readonly TensorMeta[],
  make: (b: GraphBuilder, ...inputs: readonly Node[]) => Node,
): GraphModule {
  const b = new GraphBuilder();
  const inputs = metas.map(({ shape }, i) => b.input(`x${i}`, shape));
  const module = b.finish(make(b, ...inputs));
  decompose(module);
  module.graph.lint();
  return module;
}

const run = (module: GraphModule, ...inputs: readonly Tensor[]) =>
  new Interpreter(module, operators).run(inputs)[0];

describe('decompositions of tensors whose sizes are known at run time', () => {
  it('einsum: any batch, any number of free extents', () => {
    const length = new SymInt(['s1']);
    const module = graph([float(batch, length, 3), float(batch, 3, 4)], (b, x, y) =>
      b.call('aten.einsum.default', 'bti,bij,kj->btk', [x, y, b.parameter('w', [5, 4])]),
    );
    const w = module.attribute('w').toArray();
    for (const [n, t] of [
      [1, 2],
      [3, 4],
    ]) {
      const [x, y] = [uniform([n, t, 3], -1, 1, 1), uniform([n, 3, 4], -1, 1, 2)];
      const [xs, ys] = [x.toArray(), y.toArray()];
      const expected: number[] = [];
      for (let b = 0; b < n; b++)
        for (let s = 0; s < t; s++)
          for (let k = 0; k < 5; k++) {
            let sum = 0;
            for (let i = 0; i < 3; i++)
              for (let j = 0; j < 4; j++)
                sum += xs[(b * t + s) * 3 + i] * ys[(b * 3 + i) * 4 + j] * w[k * 4 + j];
            expected.push(sum);
          }
      const result = run(module, x, y);
      expect(result.shape).toEqual([n, t, 5]);
      // Sums of 12 products in float32.
      expect(relativeError(result.toArray(), expected)).toBeLessThan(1e-6);
    }
  });

  it('einsum: two such sizes in one product are split again by what they are', () => {
    const width = new SymInt(['s1']);
    const module = graph([float(batch, width, 3)], (b, x) =>
      b.call('aten.einsum.default', 'nwi,io->nwo', [x, b.parameter('w', [3, 2])]),
    );
    const x = uniform([2, 5, 3], -1, 1, 1);
    expect(run(module, x).shape).toEqual([2, 5, 2]);
    expect(run(module, uniform([4, 7, 3], -1, 1, 1)).shape).toEqual([4, 7, 2]);
  });

  it.each<[string, boolean, (b: GraphBuilder, x: Node) => Node]>([
    ['conv3d', true, (b, x) => b.call('aten.conv3d.default', x, b.parameter('w', [2, 4, 1, 1, 1]))],
    [
      'conv_transpose3d',
      true,
      (b, x) => b.call('aten.conv_transpose3d.input', x, b.parameter('w', [4, 2, 2, 2, 2])),
    ],
    ['max_pool3d', true, (b, x) => b.call('aten.max_pool3d.default', x, [2, 2, 2])],
    ['adaptive_avg_pool3d', true, (b, x) => b.call('aten.adaptive_avg_pool3d.default', x, [1, 2, 1])],
    [
      'instance_norm',
      true,
      (b, x) => b.call('aten.instance_norm.default', x, null, null, null, null, true, 0.1, 1e-5, false),
    ],
    [
      "the batch's own statistics",
      false,
      (b, x) => b.call('aten.batch_norm.default', x, null, null, null, null, true, 0.1, 1e-5, false),
    ],
  ])('%s: samples are kept apart: %s', (_, apart, make) => {
    const meta = float(batch, 4, 3, 4, 5);
    const module = graph([meta], make);
    expect(keepsSamplesApart(module, [meta])).toBe(apart);
    const x = uniform([3, 4, 3, 4, 5], -1, 1, 1);
    const all = run(module, x).toArray();
    const parts = [0, 1, 2].flatMap((i) => {
      const sample = uniform([1, 4, 3, 4, 5], 0, 0, 1);
      sample.data.set((x.data as Float32Array).subarray(i * 240, (i + 1) * 240) as never);
      return run(module, sample).toArray();
    });
    const error = relativeError(parts, all);
    if (apart) expect(error).toBeLessThan(1e-6);
    else expect(error).toBeGreaterThan(1e-2);
  });

  it('a recurrent layer keeps samples apart with the batch first', () => {
    const layer = (batchFirst: boolean) => (b: GraphBuilder, x: Node) =>
      b.call(
        'operator.getitem',
        b.call(
          'octavo.lstm_layer.default',
          ...[x, b.parameter('ih', [28, 5]), b.parameter('hh', [28, 7]), null, null, null, null, null, null],
          ...[false, batchFirst],
        ),
        0,
      );
    const first = float(batch, 6, 5);
    expect(keepsSamplesApart(graph([first], layer(true)), [first])).toBe(true);
    const second = float(6, batch, 5);
    expect(keepsSamplesApart(graph([second], layer(false)), [second])).toBe(false);
  });
});
