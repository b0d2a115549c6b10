import { expect, test } from 'vitest';
import type { Node } from '../../../lib/graph/index.ts';
import { lower } from '../../../lib/lowering/index.ts';
import { recognizeLinear } from '../../../lib/lowering/passes/recognize-linear.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

const input = uniform([2, 5, 16], -1, 1, 3);

type Write = (build: GraphBuilder, x: Node, w: Node) => Node;
const view = (build: GraphBuilder, x: Node, ...shape: number[]) => build.call('aten.view.default', x, shape);
const forms: Readonly<Record<string, Write>> = {
  'mm of a transpose': (build, x, w) => {
    const product = build.call('aten.mm.default', view(build, x, 10, 16), build.call('aten.t.default', w));
    return view(build, product, 2, 5, 7);
  },
  'addmm of a permutation': (build, x, w) => {
    const turned = build.call('aten.permute.default', w, [1, 0]);
    const product = build.call(
      'aten.addmm.default',
      build.parameter('b', [7]),
      view(build, x, 10, 16),
      turned,
    );
    return view(build, product, 2, 5, 7);
  },
  'bmm of what is expanded': (build, x, w) => {
    const turned = build.call('aten.transpose.int', w, -2, -1);
    return build.call('aten.bmm.default', x, build.call('aten.expand.default', turned, [2, 16, 7]));
  },
};

test.each(Object.entries(forms))('%s becomes a linear layer', (_, write) => {
  const build = new GraphBuilder();
  const x = build.input('x', [2, 5, 16]);
  const original = build.finish(write(build, x, build.parameter('w', [7, 16])));
  const { module, count, report } = runPass(recognizeLinear, original);
  expect(count).toBe(1);
  expect(calls(module)).toEqual(['aten.linear.default']);
  expect(report.nodes.filter(({ step }) => step !== 'aten.linear.default')).toEqual([]);
  // float32 sums of 16 products below 1, in another order.
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBeLessThan(1e-5);
});

test.each(Object.entries(forms))('%s of dequantized integers runs on them', (_, write) => {
  const build = new GraphBuilder();
  const x = build.quantizeDequantize(build.input('x', [2, 5, 16]), 0.01, 64, 127);
  const original = build.finish(write(build, x, build.weight('w', [7, 16])));
  const { module } = lower(original, { strict: true });
  expect(calls(module).slice(1)).toEqual(['onednn.qlinear_pointwise.default']);
  // Integer sums are exact; the original's float32 sums of 16 products of magnitude under 1 are not.
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBeLessThan(1e-5);
});

test('other products stay', () => {
  const stays = (write: (build: GraphBuilder, x: Node, w: Node) => Node) => {
    const build = new GraphBuilder();
    const module = build.finish(write(build, build.input('x', [4, 4]), build.parameter('w', [4, 4])));
    expect(runPass(recognizeLinear, module).count).toBe(0);
  };
  stays((build, x, w) => build.call('aten.mm.default', x, w));
  stays((build, x) => build.call('aten.mm.default', x, build.call('aten.t.default', x)));
  stays((build, x, w) => build.call('aten.mm.default', x, build.call('aten.permute.default', w, [0, 1])));
  stays((build, x, w) => {
    const turned = build.call('aten.t.default', w);
    return build.call('aten.addmm.default', build.parameter('c', [4, 4]), x, turned);
  });
  stays((build, x, w) => {
    const args = [build.parameter('b', [4]), x, build.call('aten.t.default', w)];
    return build.graph.callFunction('aten.addmm.default', args, { beta: 2 });
  });
});

test('a view that splits rows otherwise stays', () => {
  const build = new GraphBuilder();
  const x = build.input('x', [2, 5, 16]);
  const turned = build.call('aten.t.default', build.parameter('w', [7, 16]));
  const product = build.call('aten.mm.default', view(build, x, 10, 16), turned);
  const original = build.finish(view(build, product, 5, 2, 7));
  const { module } = runPass(recognizeLinear, original);
  expect(calls(module).filter((target) => target === 'aten.view.default')).toHaveLength(2);
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBeLessThan(1e-5);
});
