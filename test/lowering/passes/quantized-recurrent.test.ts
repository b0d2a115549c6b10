import { describe, expect, it } from 'vitest';
import type { GraphModule } from '../../../lib/graph/index.ts';
import { lower } from '../../../lib/lowering/index.ts';
import { quantizedRecurrent } from '../../../lib/lowering/passes/quantized-recurrent.ts';
import {
  convertPt2e,
  getDefaultX86QuantizationConfig,
  preparePt2e,
  type QuantizationConfig,
  X86Quantizer,
} from '../../../lib/quantization/index.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, runPass } from '../../support/run-pass.ts';

const dynamic = getDefaultX86QuantizationConfig({ isDynamic: true });

/** A layer of 3 states on [2, 4, 5]. */
function layerGraph(kind: 'lstm' | 'gru', options: { readonly projected?: true } = {}) {
  const b = new GraphBuilder();
  const rows = kind === 'lstm' ? 12 : 9;
  const x = b.input('x', [2, 4, 5]);
  const weights = [
    b.constant('w_ih', uniform([rows, 5], -1, 1, 1)),
    b.constant('w_hh', uniform([rows, options.projected ? 2 : 3], -1, 1, 2)),
  ];
  const projection = options.projected ? b.constant('w_hr', uniform([2, 3], -1, 1, 3)) : null;
  const rest = kind === 'lstm' ? [projection, null, null] : [null];
  const call = b.call(`octavo.${kind}_layer.default`, x, ...weights, null, null, ...rest, null, false, true);
  return b.finish(b.call('operator.getitem', call, 0));
}

function convert(module: GraphModule, config: QuantizationConfig): GraphModule {
  return convertPt2e(preparePt2e(module, new X86Quantizer().setGlobal(config)));
}

describe('quantized-recurrent', () => {
  it.each(['lstm', 'gru'] as const)('gives a quantized %s to the kernels of integers', (kind) => {
    const converted = convert(layerGraph(kind), dynamic);
    expect(runPass(quantizedRecurrent, converted).count).toBe(1);
    const { module, report } = lower(converted, { strict: true });
    expect(calls(module)).toEqual([`octavo.${kind}_layer.dynamic`, 'operator.getitem']);
    expect(report.refusals).toEqual([]);
    // Weights of one scale: the largest magnitude is 127.5 steps.
    const layer = module.graph.nodes.find(({ target }) => target === `octavo.${kind}_layer.dynamic`)!;
    const [, weight, scale] = layer.args as readonly { readonly target: string }[];
    const original = layerGraph(kind).attribute('w_ih')!.toArray().map(Number);
    const largest = Math.max(...original.map(Math.abs));
    const [step] = module.attribute(scale.target)!.toArray().map(Number);
    expect(step).toBeCloseTo(largest / 127.5, 9);
    const integers = module.attribute(weight.target)!;
    expect(integers.dtype).toBe('int8');
    for (const [i, value] of integers.toArray().entries())
      expect(Math.abs(Number(value) * step - original[i])).toBeLessThanOrEqual(step * 0.501);
  });

  it('leaves layers with a projection, and static quantization, in float', () => {
    for (const converted of [
      convert(layerGraph('lstm', { projected: true }), dynamic),
      convertPt2e(
        preparePt2e(layerGraph('gru'), new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig())),
      ),
    ])
      expect(calls(lower(converted, { strict: true }).module)[0]).toMatch(/_layer\.default$/);
  });

  it('refuses what the kernels do not compute, and says why', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [2, 4, 5]);
    const range = [0, 255];
    const chosen = b.call('quantized_decomposed.choose_qparams.tensor', x, ...range, 2 ** -12, 'uint8');
    const rest = [0, 1].map((i) => b.call('operator.getitem', chosen, i));
    const quantized = b.call(
      'quantized_decomposed.quantize_per_tensor.tensor',
      x,
      ...rest,
      ...range,
      'uint8',
    );
    const input = b.call(
      'quantized_decomposed.dequantize_per_tensor.tensor',
      quantized,
      ...rest,
      ...range,
      'uint8',
    );
    const weights = [5, 3].map((terms, i) =>
      b.call(
        'quantized_decomposed.dequantize_per_tensor.default',
        b.constant(`w${i}`, Tensor.zeros('int8', [9, terms])),
        ...[0.1, 0, -128, 127, 'int8'],
      ),
    );
    const call = b.call('octavo.gru_layer.default', input, ...weights, null, null, null, null, false, true);
    const { report } = lower(b.finish(b.call('operator.getitem', call, 0)));
    expect(report.refusals.map(({ reason }) => reason)).toEqual([
      'its input is not quantized by its own range to 0 to 127',
    ]);
  });

  it('is not asked for by a static configuration of the operator', () => {
    expect(() =>
      new X86Quantizer().setFunctionTypeQconfig('lstm', getDefaultX86QuantizationConfig()),
    ).toThrow(/lstm layers are quantized dynamically alone/);
    expect(() => new X86Quantizer().setModuleTypeQconfig('torch.nn.GRU', dynamic)).not.toThrow();
  });
});
