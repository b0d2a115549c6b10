import { describe, expect, it } from 'vitest';
import { operators } from '../../../lib/aten/index.ts';
import { decompose } from '../../../lib/capture/decompositions/decompose.ts';
import { type Argument, GET_ITEM, Interpreter, type Node } from '../../../lib/graph/index.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { anyTensor, at, expectElements, positionsOf } from '../../support/elements.ts';
import { GraphBuilder } from '../../support/graph-builder.ts';
import { build, execute } from '../../support/run-plan.ts';

type Call = (b: GraphBuilder, ...inputs: Node[]) => Node;

/** What a call returns for the inputs, decomposed, in the interpreter; a plan must compute the same. */
function run(inputs: readonly Tensor[], call: Call, count?: number): Tensor[] {
  const b = new GraphBuilder();
  const result = call(b, ...inputs.map(({ dtype, shape }, i) => b.input(`x${i}`, shape, dtype)));
  const results =
    count === undefined ? [result] : Array.from({ length: count }, (_, i) => b.call(GET_ITEM, result, i));
  const module = b.finish(...results);
  decompose(module);
  module.graph.lint();
  const outputs = new Interpreter(module, operators).run(inputs);
  execute(build(module), inputs).forEach((tensor, i) => {
    expect(tensor.data).toEqual(outputs[i].data);
  });
  return outputs;
}

const one = (x: Tensor, target: string, ...args: readonly Argument[]): Tensor =>
  run([x], (b, node) => b.call(target, node, ...args))[0];

describe('decomposed', () => {
  it('stacks', () => {
    const [x, y] = [anyTensor('int16', [2, 3], 1), anyTensor('int16', [2, 3], 2)];
    const of = (target: string, ...args: Argument[]) =>
      run([x, y], (b, p, q) => b.call(target, [p, q], ...args))[0];
    const pick = (i: number) => [x, y][i];
    expectElements(of('aten.stack.default', -1), 'int16', [2, 3, 2], ([i, j, k]) => at(pick(k), [i, j]));
    expectElements(of('aten.stack.default'), 'int16', [2, 2, 3], ([k, i, j]) => at(pick(k), [i, j]));
    expectElements(of('aten.hstack.default'), 'int16', [2, 6], ([i, j]) =>
      at(pick(Math.floor(j / 3)), [i, j % 3]),
    );
    expectElements(of('aten.vstack.default'), 'int16', [4, 3], ([i, j]) =>
      at(pick(Math.floor(i / 2)), [i % 2, j]),
    );
    expectElements(of('aten.dstack.default'), 'int16', [2, 3, 2], ([i, j, k]) => at(pick(k), [i, j]));
  });

  it('stacks of vectors', () => {
    const [x, y] = [anyTensor('int16', [3], 1), anyTensor('int16', [3], 2)];
    const of = (target: string) => run([x, y], (b, p, q) => b.call(target, [p, q]))[0];
    const pick = (i: number) => [x, y][i];
    expectElements(of('aten.hstack.default'), 'int16', [6], ([i]) => at(pick(Math.floor(i / 3)), [i % 3]));
    expectElements(of('aten.row_stack.default'), 'int16', [2, 3], ([k, i]) => at(pick(k), [i]));
    expectElements(of('aten.column_stack.default'), 'int16', [3, 2], ([i, k]) => at(pick(k), [i]));
    expectElements(of('aten.dstack.default'), 'int16', [1, 3, 2], ([, i, k]) => at(pick(k), [i]));
  });

  it('repeat of extents of one is a view', () => {
    const b = new GraphBuilder();
    const module = b.finish(b.call('aten.repeat.default', b.input('x', [1, 3]), [2, 4, 1]));
    decompose(module);
    expect(module.graph.nodes.map(({ target }) => target)).toContain('aten.expand.default');
    const x = anyTensor('int8', [1, 3]);
    const repeated = one(x, 'aten.repeat.default', [2, 4, 1]);
    expectElements(repeated, 'int8', [2, 4, 3], ([, , j]) => at(x, [0, j]));
    expectElements(one(x, 'aten.repeat.default', [1, 2]), 'int8', [1, 6], ([, j]) => at(x, [0, j % 3]));
  });

  it('quarter turns', () => {
    const x = anyTensor('int8', [3, 4]);
    const turned = (k: number) => one(x, 'aten.rot90.default', k, [0, 1]);
    expectElements(turned(1), 'int8', [4, 3], ([i, j]) => at(x, [j, 3 - i]));
    expectElements(turned(-2), 'int8', [3, 4], ([i, j]) => at(x, [2 - i, 3 - j]));
    expectElements(turned(3), 'int8', [4, 3], ([i, j]) => at(x, [2 - j, i]));
    expectElements(turned(4), 'int8', [3, 4], (p) => at(x, p));
  });

  it('of all elements in a row', () => {
    const x = anyTensor('int8', [2, 3]);
    const flat = (i: number) => Number(x.data[((i % 6) + 6) % 6]);
    expectElements(one(x, 'aten.roll.default', [2]), 'int8', [2, 3], ([i, j]) => flat(3 * i + j - 2));
    expectElements(one(x, 'aten.repeat_interleave.self_int', 2), 'int8', [12], ([i]) =>
      flat(Math.floor(i / 2)),
    );
    const take = (target: string, ...positions: number[]) =>
      run([x, Tensor.from('int64', positions, [2, 2])], (b, p, q) => b.call(target, p, q))[0];
    expect(take('aten.take.default', 5, 0, -1, 2).toArray()).toEqual([5, 0, 5, 2].map(flat));
    expect(take('aten.take_along_dim.default', 5, 0, 5, 2).toArray()).toEqual([5, 0, 5, 2].map(flat));
    // Of these two, PyTorch lets only the first one count from the end.
    expect(() => take('aten.take_along_dim.default', 5, 0, -1, 2)).toThrow('index -1 is out of range');
  });

  it('pixels and channels change places', () => {
    const x = anyTensor('int16', [2, 12, 2, 3]);
    expectElements(one(x, 'aten.pixel_shuffle.default', 2), 'int16', [2, 3, 4, 6], ([n, c, i, j]) =>
      at(x, [n, c * 4 + (i % 2) * 2 + (j % 2), Math.floor(i / 2), Math.floor(j / 2)]),
    );
    const image = anyTensor('int16', [3, 4, 6]);
    expectElements(one(image, 'aten.pixel_unshuffle.default', 2), 'int16', [12, 2, 3], ([c, i, j]) =>
      at(image, [Math.floor(c / 4), 2 * i + (Math.floor(c / 2) % 2), 2 * j + (c % 2)]),
    );
    expectElements(one(x, 'aten.channel_shuffle.default', 3), 'int16', [2, 12, 2, 3], ([n, c, i, j]) =>
      at(x, [n, (c % 3) * 4 + Math.floor(c / 3), i, j]),
    );
  });

  it('windows of images as columns, and back', () => {
    const x = anyTensor('float32', [2, 3, 6, 5]);
    const [kernel, dilation, padding, stride] = [
      [2, 3],
      [2, 1],
      [1, 2],
      [2, 2],
    ];
    // (6 + 2 - 2 - 1) / 2 + 1 by (5 + 4 - 2 - 1) / 2 + 1 windows.
    const [rows, columns] = [3, 4];
    const place = (c: number, l: number) => {
      const [i, j] = [Math.floor(c / 3) % 2, c % 3];
      return [Math.floor(l / columns) * 2 + 2 * i - 1, (l % columns) * 2 + j - 2];
    };
    const unfolded = one(x, 'aten.im2col.default', kernel, dilation, padding, stride);
    expectElements(unfolded, 'float32', [2, 18, rows * columns], ([n, c, l]) => {
      const [i, j] = place(c, l);
      return i < 0 || i > 5 || j < 0 || j > 4 ? 0 : at(x, [n, Math.floor(c / 6), i, j]);
    });
    const y = anyTensor('float32', [2, 18, rows * columns]);
    const sums = Tensor.zeros('float64', [2, 3, 6, 5]);
    for (const [n, c, l] of positionsOf(y.shape)) {
      const [i, j] = place(c, l);
      if (i < 0 || i > 5 || j < 0 || j > 4) continue;
      (sums.data as Float64Array)[((n * 3 + Math.floor(c / 6)) * 6 + i) * 5 + j] += at(y, [n, c, l]);
    }
    const folded = one(y, 'aten.col2im.default', [6, 5], kernel, dilation, padding, stride);
    expectElements(folded, 'float32', [2, 3, 6, 5], (p) => at(sums, p));
    const [alone] = run([anyTensor('float32', [18, 12])], (b, p) =>
      b.call('aten.col2im.default', p, [6, 5], kernel, dilation, padding, stride),
    );
    expect(alone.shape).toEqual([3, 6, 5]);
  });

  it('grids of vectors', () => {
    const [x, y, z] = [anyTensor('int8', [2], 1), anyTensor('int8', [3], 2), anyTensor('int8', [], 3)];
    const of = (target: string, ...args: Argument[]) =>
      run([x, y, z], (b, ...inputs) => b.call(target, inputs, ...args), 3);
    const grids = of('aten.meshgrid.default');
    expectElements(grids[0], 'int8', [2, 3, 1], ([i]) => at(x, [i]));
    expectElements(grids[1], 'int8', [2, 3, 1], ([, j]) => at(y, [j]));
    expectElements(grids[2], 'int8', [2, 3, 1], () => at(z, []));
    const swapped = run(
      [x, y, z],
      (b, ...inputs) => b.graph.callFunction('aten.meshgrid.indexing', [inputs], { indexing: 'xy' }),
      3,
    );
    expectElements(swapped[0], 'int8', [3, 2, 1], ([, i]) => at(x, [i]));
    expectElements(swapped[1], 'int8', [3, 2, 1], ([j]) => at(y, [j]));
  });

  it('rows that are added several times', () => {
    const [x, y] = [anyTensor('float32', [3, 2], 1), anyTensor('float32', [2, 2], 2)];
    const index = Tensor.from('int64', [2, 2]);
    const [sums] = run([x, index, y], (b, p, i, q) =>
      b.graph.callFunction('aten.index_add.default', [p, 0, i, q], { alpha: 3 }),
    );
    expectElements(sums, 'float32', [3, 2], ([i, j]) =>
      i < 2 ? at(x, [i, j]) : at(x, [i, j]) + 3 * at(y, [0, j]) + 3 * at(y, [1, j]),
    );
  });

  it('tensors under one shape', () => {
    const [x, y] = [anyTensor('int8', [2, 1], 1), anyTensor('int8', [3], 2)];
    const results = run([x, y], (b, p, q) => b.call('aten.broadcast_tensors.default', [p, q]), 2);
    expectElements(results[0], 'int8', [2, 3], ([i]) => at(x, [i, 0]));
    expectElements(results[1], 'int8', [2, 3], ([, j]) => at(y, [j]));
    const copied = run([anyTensor('float32', [2, 3]), y], (b, p, q) => b.call('aten.copy.default', p, q));
    expectElements(copied[0], 'float32', [2, 3], ([, j]) => at(y, [j]));
  });
});
