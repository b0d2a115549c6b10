import { expect, test } from 'vitest';
import { exportModel } from '../../../lib/capture/index.ts';
import { lower } from '../../../lib/lowering/index.ts';
import { linearDynamicFp16 } from '../../../lib/lowering/passes/linear-dynamic-fp16.ts';
import * as nn from '../../../lib/nn/index.ts';
import {
  convertPt2e,
  preparePt2e,
  X86Quantizer,
  x86LinearDynamicFp16Config,
} from '../../../lib/quantization/index.ts';
import { uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

class TwoLayers extends nn.Module {
  readonly first = new nn.Linear(16, 24);
  readonly relu = new nn.ReLU();
  readonly second = new nn.Linear(24, 5);

  override forward(x: nn.Value): nn.Value {
    return this.second.call(this.relu.call(this.first.call(x)));
  }
}

test('weights rounded to float16 stay so, with the relu that follows', () => {
  nn.manualSeed(1);
  const x = uniform([2, 3, 16], -1, 1, 4);
  const quantizer = new X86Quantizer().setGlobal(x86LinearDynamicFp16Config());
  const original = convertPt2e(preparePt2e(exportModel(new TwoLayers().eval(), { x }), quantizer));
  const { count } = runPass(linearDynamicFp16, original);
  expect(count).toBe(2);
  const { module, report } = lower(original, { strict: true });
  expect(calls(module)).toEqual([
    'onednn.linear_relu_dynamic_fp16.default',
    'onednn.linear_dynamic_fp16.default',
  ]);
  const weights = module.graph.nodes
    .filter(({ op }) => op === 'get_attr')
    .map(({ target }) => module.attribute(target));
  expect(weights.filter(({ shape }) => shape.length === 2).map(({ dtype }) => dtype)).toEqual([
    'float16',
    'float16',
  ]);
  expect(report.passes).toContainEqual({ pass: 'linear-dynamic-fp16', count: 2 });
  // float32 sums of at most 24 products below 1, in another order; the weights are the same float16 numbers.
  expect(greatestDifference(interpret(original, x)[0], interpret(module, x)[0])).toBeLessThan(1e-5);
});
