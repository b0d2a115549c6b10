import { describe, expect, test } from 'vitest';
import type { GraphModule, Node } from '../../../lib/graph/index.ts';
import { autocast } from '../../../lib/lowering/passes/autocast.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

/** Every call that is used with the dtype it gives, as `aten.relu bfloat16`. */
function typed(module: GraphModule): string[] {
  return module.graph.nodes
    .filter((node) => node.op === 'call_function' && node.users.length > 0)
    .map(({ target, meta: { val } }) => {
      const first = Array.isArray(val) ? val[0] : val;
      const name = target.replace(/^quantized_decomposed\.|\.(default|using_ints|Tensor|int|dtype)$/g, '');
      return `${name} ${typeof first === 'object' && 'dtype' in first ? first.dtype : typeof first}`;
    });
}

const convolution = (build: GraphBuilder, x: Node, channels = 4) =>
  build.call(
    'mkldnn._convolution_pointwise.default',
    ...[x, build.parameter('w', [channels, 4, 3, 3]), build.parameter('b', [channels])],
    ...[[1, 1], [1, 1], [1, 1], 1, 'none', [], ''],
  );

const linear = (build: GraphBuilder, x: Node) =>
  build.call(
    'mkldnn._linear_pointwise.default',
    ...[x, build.parameter('w', [8, 8]), build.parameter('b', [8]), 'none', [], ''],
  );

/** A quantized linear layer of 8 to 8 that gives float32. */
function quantizedLinear(build: GraphBuilder, x: Node, other?: Node, scale = 1, zeroPoint = 0): Node {
  const [weight, scales, zeroPoints] = build.weight('w', [8, 8]).args;
  const head = [build.quantize(x, 0.01, 117), 0.01, 117, weight, scales, zeroPoints];
  return other
    ? build.call(
        'onednn.qlinear_pointwise.binary',
        ...[...head, other, null, 1, 0, 'float32', scale, zeroPoint, 'sum', 1, 'none', [], ''],
      )
    : build.call('onednn.qlinear_pointwise.default', ...head, null, 1, 0, 'float32', 'none', [], '');
}

test('products read and give bfloat16, what follows inherits it, outputs keep their dtype', () => {
  const build = new GraphBuilder();
  const before = build.call('aten.mul.Tensor', build.input('x', [1, 4, 6, 6]), 2);
  const normalized = build.batchNorm(convolution(build, before), 4);
  const pooled = build.call('aten.max_pool2d.default', build.call('aten.relu.default', normalized), [2, 2]);
  const flat = build.call('aten.flatten.using_ints', build.call('aten.sigmoid.default', pooled), 1);
  const softmax = build.call('aten.softmax.int', flat, 1);
  const { module, count } = runPass(autocast, build.finish(softmax, pooled));
  expect(typed(module)).toEqual([
    'aten.mul float32',
    'aten.to bfloat16', // its input
    'aten.to bfloat16', // its weight
    'mkldnn._convolution_pointwise bfloat16',
    'aten.batch_norm bfloat16',
    'aten.relu bfloat16',
    'aten.max_pool2d bfloat16',
    'aten.sigmoid bfloat16',
    'aten.flatten bfloat16',
    'aten.softmax bfloat16',
    'aten.to float32',
    'aten.to float32',
  ]);
  expect(count).toBe(7);
  const [, , bias] = module.graph.nodes.find((node) => node.target.startsWith('mkldnn'))!.args;
  expect((bias as Node).meta.val).toMatchObject({ dtype: 'float32' });
});

test('every product is one, and an attention mask stays float32', () => {
  const build = new GraphBuilder();
  const [a, b, c] = ['a', 'b', 'c'].map((name) => build.input(name, [8, 8]));
  const batches = build.call('aten.unsqueeze.default', a, 0);
  const heads = build.call('aten.unsqueeze.default', batches, 0);
  const attention = 'aten.scaled_dot_product_attention.default';
  const original = build.finish(
    build.call('aten.matmul.default', a, b),
    build.call('aten.mm.default', a, b),
    build.call('aten.bmm.default', batches, batches),
    build.call('aten.addmm.default', c, a, b),
    build.call(attention, heads, heads, heads, c),
    build.call('aten.conv2d.padding', heads, build.parameter('k', [1, 1, 2, 2]), null, [1, 1], 'same'),
  );
  const { module, count } = runPass(autocast, original);
  expect(count).toBe(6);
  const products = typed(module).filter((call) => !/aten\.(to|unsqueeze) /.test(call));
  expect(products).toEqual(
    ['matmul', 'mm', 'bmm', 'addmm', 'scaled_dot_product_attention', 'conv2d.padding'].map(
      (name) => `aten.${name} bfloat16`,
    ),
  );
  const mask = module.graph.nodes.find(({ target }) => target === attention)!.args[3] as Node;
  expect(mask.meta.val).toMatchObject({ dtype: 'float32' });
  const inputs = [1, 2, 3].map((seed) => uniform([8, 8], -1, 1, seed));
  const [exact, narrow] = [interpret(original, ...inputs), interpret(module, ...inputs)];
  // Factors of up to 1 and results of up to 4, each rounded to 8 binary digits; errors of 8 factors add up.
  exact.forEach((tensor, i) => {
    expect(greatestDifference(tensor, narrow[i])).toBeLessThan(0.04);
  });
});

describe('types are promoted as PyTorch does', () => {
  const layer = () => {
    const build = new GraphBuilder();
    const x = build.input('x', [2, 8]);
    return { build, x, y: linear(build, x) };
  };

  test('with a tensor of float32 to float32', () => {
    const { build, x, y } = layer();
    const { module } = runPass(autocast, build.finish(build.call('aten.add.Tensor', y, x)));
    expect(typed(module).slice(-2)).toEqual(['mkldnn._linear_pointwise bfloat16', 'aten.add float32']);
  });

  test('with a number, or a tensor without dimensions, not at all', () => {
    const { build, y } = layer();
    const half = build.constant('half', Tensor.scalar('float32', 0.5));
    const scaled = build.call('aten.mul.Tensor', build.call('aten.add.Tensor', y, 3), half);
    const { module } = runPass(autocast, build.finish(scaled));
    expect(typed(module).slice(-3)).toEqual(['aten.add bfloat16', 'aten.mul bfloat16', 'aten.to float32']);
  });

  test('in fused forms of arithmetic', () => {
    const { build, x, y } = layer();
    const half = build.constant('half', Tensor.scalar('float32', 0.5));
    const binary = (other: Node) =>
      build.call(
        'octavo.binary.default',
        ...[y, 1, 0, other, 1, 0, 'mul', 1, 1, 0, 'float32', 'relu', [], ''],
      );
    const outputs = [y, half, x, build.quantize(x, 0.01, 117)].map(binary);
    const { module } = runPass(autocast, build.finish(...outputs));
    const dtypes = typed(module).filter((call) => call.startsWith('octavo'));
    expect(dtypes).toEqual(
      ['bfloat16', 'bfloat16', 'float32', 'float32'].map((dtype) => `octavo.binary ${dtype}`),
    );
  });

  test('in row functions that can quantize, and a layer whose weight alone is int8', () => {
    const { build, x, y } = layer();
    const softmax = (value: Node) => build.call('octavo.softmax.default', value, 1, 0, 1, 1, 0, 'float32');
    const norm = (value: Node) =>
      build.call('octavo.layer_norm.default', value, 1, 0, [8], null, null, 1e-5, 1, 0, 'float32');
    const [weight, scales] = build.weight('v', [8, 8]).args;
    const narrow = build.call(
      'octavo.weight_only_linear.default',
      ...[x, weight, scales, null, 'none', [], ''],
    );
    const { module } = runPass(autocast, build.finish(softmax(y), softmax(x), norm(y), norm(x), narrow));
    expect(typed(module).filter((call) => call.startsWith('octavo'))).toEqual([
      'octavo.weight_only_linear bfloat16',
      ...['softmax', 'layer_norm'].flatMap((name) => [`octavo.${name} bfloat16`, `octavo.${name} float32`]),
    ]);
  });

  test('where parts are joined: to the widest', () => {
    const { build, x, y } = layer();
    const { module } = runPass(
      autocast,
      build.finish(build.call('aten.cat.default', [y, x], 1), build.call('aten.cat.default', [y, y], 1)),
    );
    expect(typed(module).slice(-4)).toEqual([
      'aten.to float32',
      'aten.cat float32',
      'aten.cat bfloat16',
      'aten.to float32',
    ]);
  });

  test('in a layer that adds a tensor', () => {
    const { build, x, y } = layer();
    const sum = (other: Node) =>
      build.call('mkldnn._linear_pointwise.binary', x, other, build.parameter('v', [8, 8]), null, 'add');
    const { module } = runPass(autocast, build.finish(sum(x), sum(y)));
    expect(typed(module).filter((call) => call.includes('binary'))).toEqual([
      'mkldnn._linear_pointwise.binary float32',
      'mkldnn._linear_pointwise.binary bfloat16',
    ]);
  });
});

describe('8-bit integers stay', () => {
  test('and products of them give bfloat16, which a quantize reads', () => {
    const build = new GraphBuilder();
    const x = build.input('x', [4, 8]);
    const real = quantizedLinear(build, x);
    const original = build.finish(build.quantize(build.call('aten.relu.default', real), 0.02, 9), real);
    const { module, count } = runPass(autocast, original);
    expect(typed(module)).toEqual([
      'quantize_per_tensor uint8',
      'onednn.qlinear_pointwise bfloat16',
      'aten.relu bfloat16',
      'quantize_per_tensor uint8',
      'aten.to float32',
    ]);
    expect(count).toBe(2);
    const input = uniform([4, 8], -0.5, 0.5, 3);
    const [integers, value] = interpret(module, input);
    // The integers of the value that was rounded to bfloat16, no others.
    const quantize = new GraphBuilder();
    const positive = quantize.call('aten.relu.default', quantize.input('x', [4, 8]));
    const again = interpret(quantize.finish(quantize.quantize(positive, 0.02, 9)), value);
    expect(integers.toArray()).toEqual(again[0].toArray());
  });

  test('sums of products are promoted by what is added; integers are dequantized to float32', () => {
    const build = new GraphBuilder();
    const x = build.input('x', [4, 8]);
    const outputs = [
      quantizedLinear(build, x, linear(build, x)),
      quantizedLinear(build, x, x),
      quantizedLinear(build, x, build.quantize(x, 0.01, 117), 0.01, 117),
    ];
    const { module } = runPass(autocast, build.finish(...outputs));
    const dtypes = typed(module).filter((call) => call.includes('binary'));
    expect(dtypes).toEqual(
      ['bfloat16', 'float32', 'float32'].map((dtype) => `onednn.qlinear_pointwise.binary ${dtype}`),
    );
  });

  test('also where nothing is a product', () => {
    const build = new GraphBuilder();
    const x = build.input('x', [4, 8]);
    const original = build.finish(build.dequantize(build.quantize(x, 0.02, 9), 0.02, 9), x);
    const { module, count } = runPass(autocast, original);
    expect([count, typed(module)]).toEqual([
      0,
      ['quantize_per_tensor uint8', 'dequantize_per_tensor float32'],
    ]);
  });
});
