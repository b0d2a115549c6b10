import { expect, it } from 'vitest';
import { exportModel } from '../../lib/capture/index.ts';
import { type GraphModule, isCall, type Node } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import * as nn from '../../lib/nn/index.ts';
import {
  calibrate,
  convertPt2e,
  type ObserverArgs,
  ObserverBase,
  PerChannelMinMaxObserver,
  preparePt2e,
  type QParams,
  QuantizationAnnotation,
  QuantizationSpec,
  Quantizer,
} from '../../lib/quantization/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { calls } from '../support/run-pass.ts';

/** Three standard deviations of all values seen, to either side of zero. */
class DeviationObserver extends ObserverBase {
  readonly qscheme = 'per_tensor_affine';
  readonly quantMin = 0;
  readonly quantMax = 255;
  readonly deviations: number;
  #count = 0;
  #squares = 0;

  constructor({ dtype = 'uint8', isDynamic, deviations = 3 }: ObserverArgs & { deviations?: number } = {}) {
    super(dtype, isDynamic);
    this.deviations = deviations;
  }

  protected override observe(input: Tensor): void {
    for (const value of input.toArray()) this.#squares += value * value;
    this.#count += input.numel;
  }

  override calculateQparams(): QParams {
    const limit = this.deviations * Math.sqrt(this.#squares / this.#count);
    return { scale: Tensor.from('float32', [limit / 127.5]), zeroPoint: Tensor.from('int32', [128]) };
  }
}

class LinearQuantizer extends Quantizer {
  override annotate(module: GraphModule): void {
    const activation = new QuantizationSpec({
      dtype: 'uint8',
      quantMin: 0,
      quantMax: 255,
      qscheme: 'per_tensor_affine',
      observerOrFakeQuantCtr: DeviationObserver.withArgs({ deviations: 2 }),
    });
    const weight = new QuantizationSpec({
      dtype: 'int8',
      qscheme: 'per_channel_symmetric',
      chAxis: 0,
      observerOrFakeQuantCtr: PerChannelMinMaxObserver,
    });
    for (const node of module.graph.nodes)
      if (isCall(node, 'aten.linear.default'))
        node.meta.quantizationAnnotation = new QuantizationAnnotation({
          inputQspecMap: [
            [node.args[0] as Node, activation],
            [node.args[1] as Node, weight],
          ],
          annotated: true,
        });
  }
}

it('an observer written by a user is placed, fed and asked like a built-in one', async () => {
  nn.manualSeed(0);
  const model = exportModel(new nn.Linear(8, 4).eval(), { x: { dtype: 'float32', shape: [2, 8] } });
  const prepared = preparePt2e(model, new LinearQuantizer());
  const observers = [...prepared.modules.values()];
  expect(observers.map((observer) => observer.constructor.name).sort()).toEqual([
    'DeviationObserver',
    'PerChannelMinMaxObserver',
  ]);

  const batches = [uniform([2, 8], -1, 1, 1), uniform([2, 8], -3, 3, 2)];
  await calibrate(prepared, batches);
  const converted = convertPt2e(prepared);
  const values = batches.flatMap((batch) => batch.toArray());
  const deviation = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
  const quantize = converted.graph.nodes.find((node) => node.target.includes('quantize_per_tensor.default'))!;
  expect(quantize.args.slice(1)).toEqual([Math.fround((2 * deviation) / 127.5), 128, 0, 255, 'uint8']);
  expect(calls(lower(converted, { strict: true }).module)).toEqual([
    'quantized_decomposed.quantize_per_tensor.default',
    'onednn.qlinear_pointwise.default',
  ]);
});
