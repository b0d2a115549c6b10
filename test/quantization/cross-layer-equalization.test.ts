import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { GraphModule, Node } from '../../lib/graph/index.ts';
import { crossLayerEqualization } from '../../lib/quantization/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';

interface Golden {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
type Goldens = Record<'before' | 'after', Readonly<Record<string, Golden>>>;

/** What PyTorch 2.6 made of two networks. */
const goldens: Readonly<Record<string, Goldens>> = JSON.parse(
  readFileSync(new URL('../fixtures/quantization/equalization.json', import.meta.url), 'utf8'),
);

const constant = (b: GraphBuilder, name: string, { data, shape }: Golden) =>
  b.constant(name, Tensor.from('float32', data, shape));

function network(name: string): GraphModule {
  const b = new GraphBuilder();
  const { before } = goldens[name];
  const parameter = (each: string) => constant(b, each, before[each]);
  const layer = (target: string, x: Node, at: string, ...rest: readonly (readonly number[])[]) =>
    b.call(
      target,
      x,
      parameter(`${at}.weight`),
      before[`${at}.bias`] ? parameter(`${at}.bias`) : null,
      ...rest,
    );
  const [shape, target] =
    name === 'linears' ? [[2, 7], 'aten.linear.default'] : [[2, 3, 8, 8], 'aten.conv2d.default'];
  const same =
    name === 'linears'
      ? []
      : [
          [1, 1],
          [1, 1],
        ];
  const x = b.input('x', shape);
  const y = layer(target, b.call('aten.relu.default', layer(target, x, '0', ...same)), '2');
  return b.finish(name === 'linears' ? y : layer(target, y, '3'));
}

function run(module: GraphModule, x: Tensor): Float32Array {
  using model = compile(module);
  return Object.values(model.runSync(x))[0].data as Float32Array;
}

/** Each parameter is rounded once a pair, and sums have at most some hundred terms. */
function expectSameFunction(equalized: GraphModule, module: GraphModule, shape: readonly number[]): void {
  const x = uniform(shape, -1, 1, 5);
  const [actual, expected] = [run(equalized, x), run(module, x)];
  const largest = Math.max(...expected.map(Math.abs));
  actual.forEach((value, i) => {
    expect(Math.abs(value - expected[i])).toBeLessThan(2e-5 * largest);
  });
}

describe('crossLayerEqualization', () => {
  it.each(Object.keys(goldens))('has the parameters of PyTorch: %s', (name) => {
    const module = network(name);
    const { module: equalized } = crossLayerEqualization(module);
    // Ours stops when factors are within 1e-4 of 1; a chain's ranges then still differ by a few of these.
    for (const [path, { data }] of Object.entries(goldens[name].after))
      for (const [i, value] of (equalized.attribute(path).data as Float32Array).entries())
        expect(Math.abs(value - data[i]), `${path}[${i}]`).toBeLessThan(
          5e-4 * Math.max(...data.map(Math.abs)),
        );
    expectSameFunction(equalized, module, name === 'linears' ? [2, 7] : [2, 3, 8, 8]);
  });

  it('leaves the given model as it is', () => {
    const module = network('linears');
    crossLayerEqualization(module);
    expect([...(module.attribute('0.weight').data as Float32Array)]).toEqual(
      goldens.linears.before['0.weight'].data.map(Math.fround),
    );
  });

  /** A convolution to 8 channels, a grouped one, and one that reads these; `function` stands behind each of the first two. */
  function chain(groups: number, name = 'aten.relu.default', ...args: readonly number[]): GraphModule {
    const b = new GraphBuilder();
    const x = b.input('x', [2, 4, 6, 6]);
    const wide = uniform([8, 4, 1, 1], -1, 1, 21);
    const rows = (wide.data as Float32Array).map((value, i) => value * 3 ** (Math.floor(i / 4) - 4));
    const first = b.call(
      'aten.conv2d.default',
      x,
      b.constant('w1', new Tensor('float32', rows, wide.shape)),
      b.parameter('b1', [8]),
    );
    const act = (node: Node) => b.call(name, node, ...args);
    const second = b.call(
      'aten.conv2d.default',
      act(first),
      b.parameter('w2', [8, 8 / groups, 3, 3]),
      b.parameter('b2', [8]),
      [1, 1],
      [1, 1],
      [1, 1],
      groups,
    );
    return b.finish(b.call('aten.conv2d.default', act(second), b.parameter('w3', [5, 8, 1, 1]), null));
  }

  it.each([
    ['first', 'w1', (i: number) => i < 4],
    ['second', 'w2', (i: number) => Math.floor(i / 9) % 8 === 0],
  ] as const)('leaves a channel that is all but dead in the %s layer', (_, name, isDead) => {
    const module = chain(1);
    const weights = module.attribute(name).data as Float32Array;
    for (const [i, value] of weights.entries()) if (isDead(i)) weights[i] = 1e-30 * value;
    const { module: equalized, equalizations } = crossLayerEqualization(module);
    const [dead, ...others] = equalizations[0].factors;
    expect(dead).toBe(1);
    for (const factor of others) expect(factor).not.toBe(1);
    expectSameFunction(equalized, module, [2, 4, 6, 6]);
  });

  /** Largest minus smallest weight by channel, written down from the layout [outputs, inputs / groups, kernel]. */
  function ranges(weight: Tensor, groups: number, of: 'outputs' | 'inputs'): number[] {
    const [outputs, perGroup, height, width] = weight.shape;
    const found: number[][] = [];
    for (let o = 0; o < outputs; o++)
      for (let i = 0; i < perGroup; i++) {
        const input = Math.floor((o * groups) / outputs) * perGroup + i;
        const start = (o * perGroup + i) * height * width;
        found[of === 'outputs' ? o : input] ??= [];
        found[of === 'outputs' ? o : input].push(
          ...(weight.data.slice(start, start + height * width) as Float32Array),
        );
      }
    return found.map((values) => Math.max(...values) - Math.min(...values));
  }

  it.each([1, 2, 4, 8])(
    'makes both ranges of every channel the same around a layer of %i groups',
    (groups) => {
      const module = chain(groups);
      const { module: equalized, equalizations } = crossLayerEqualization(module);
      expect(equalizations.map(({ layers }) => layers)).toEqual([
        ['conv2d_default', 'conv2d_default_1'],
        ['conv2d_default_1', 'conv2d_default_2'],
      ]);
      const [w1, w2, w3] = ['w1', 'w2', 'w3'].map((name) => equalized.attribute(name));
      const pairs = [
        [ranges(w1, 1, 'outputs'), ranges(w2, groups, 'inputs')],
        // The last sweep's second pair is exact; the first has since moved by a factor within 1e-4 of 1.
        [ranges(w2, groups, 'outputs'), ranges(w3, 1, 'inputs')],
      ];
      for (const [a, b] of pairs)
        a.forEach((range, c) => {
          expect(Math.abs(range / b[c] - 1)).toBeLessThan(5e-4);
        });
      expectSameFunction(equalized, module, [2, 4, 6, 6]);
    },
  );

  it.each([
    ['aten.leaky_relu.default', [0.1], 2],
    ['aten.hardtanh.default', [0, 6], 0],
    ['aten.hardswish.default', [], 0],
  ])('knows what %s allows', (name, args, count) => {
    const module = chain(8, name, ...args);
    if (count === 0)
      expect(() => crossLayerEqualization(module)).toThrow(
        /the model has no two layers .* it has aten.conv2d/,
      );
    else {
      const { module: equalized, equalizations } = crossLayerEqualization(module);
      expect(equalizations).toHaveLength(count);
      expectSameFunction(equalized, module, [2, 4, 6, 6]);
    }
  });

  it('leaves channels that have no weights, and values that others read', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [2, 4]);
    const weight = uniform([6, 4], -1, 1, 3);
    weight.data.fill(0 as never, 4, 8);
    const first = b.call('aten.linear.default', x, b.constant('w1', weight), null);
    const second = b.call('aten.linear.default', first, b.parameter('w2', [6, 6]), null);
    const third = b.call('aten.linear.default', second, b.parameter('w3', [6, 6]), null);
    const module = b.finish(b.call('aten.add.Tensor', third, second));
    const { module: equalized, equalizations } = crossLayerEqualization(module);
    expect(equalizations.map(({ layers }) => layers)).toEqual([['linear_default', 'linear_default_1']]);
    expect(equalizations[0].factors[1]).toBe(1);
    expectSameFunction(equalized, module, [2, 4]);
  });

  it('names a weight that is not a finite number', () => {
    const module = network('linears');
    (module.attribute('2.weight').data as Float32Array)[3] = Number.NaN;
    expect(() => crossLayerEqualization(module)).toThrow(
      "the weight of layer 'linear_default_1' has the value NaN",
    );
  });
});
