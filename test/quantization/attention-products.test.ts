import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { exportModel, exportOnnx } from '../../lib/capture/index.ts';
import type { Argument, GraphModule, Node } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { functional as F, Linear, Module, manualSeed, type Value } from '../../lib/nn/index.ts';
import {
  calibrate,
  convertPt2e,
  getDefaultX86QuantizationConfig,
  preparePt2e,
  X86Quantizer,
} from '../../lib/quantization/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { calls, interpret } from '../support/run-pass.ts';

const [batch, length, heads, width] = [2, 24, 2, 16];
const attention = 'aten.scaled_dot_product_attention.default';
const fused = 'octavo.qscaled_dot_product.default';

class Attention extends Module {
  readonly projection = new Linear(heads * width, 3 * heads * width);
  readonly output = new Linear(heads * width, heads * width);

  forward(x: Value): Value {
    const [query, key, value] = F.chunk(this.projection.call(x), 3, -1).map((y) =>
      F.transpose(F.view(y, [batch, length, heads, width]), 1, 2),
    );
    const attended = F.scaledDotProductAttention(query, key, value);
    return this.output.call(F.reshape(F.transpose(attended, 1, 2), [batch, length, heads * width]));
  }
}

class Blocks extends Module {
  readonly first = new Attention();
  readonly second = new Attention();

  forward(x: Value): Value {
    return this.second.call(this.first.call(x));
  }
}

const example = uniform([batch, length, heads * width], -2, 2, 1);
const config = getDefaultX86QuantizationConfig();
const quantizer = () =>
  new X86Quantizer()
    .setGlobal(config)
    .setFunctionTypeQconfig('torch.nn.functional.scaled_dot_product_attention', config);

function captured(module: Module): GraphModule {
  manualSeed(3);
  return exportModel(module.eval(), { x: example });
}

async function quantized(model: GraphModule, by: X86Quantizer): Promise<GraphModule> {
  const prepared = preparePt2e(model, by);
  await calibrate(prepared, [example]);
  return convertPt2e(prepared);
}

/** Decibels of signal over difference. */
function signalToNoise(signal: Tensor, other: Tensor): number {
  const [a, b] = [signal, other].map((tensor) => tensor.toArray().map(Number));
  const square = (values: readonly number[]) => values.reduce((sum, x) => sum + x * x, 0);
  return 10 * Math.log10(square(a) / square(a.map((x, i) => x - b[i])));
}

describe('attention on request', () => {
  it('runs on integers, in one operator, and stays near float32', async () => {
    const model = captured(new Attention());
    const converted = await quantized(model, quantizer());
    const { module, report } = lower(converted, { strict: true });
    expect(calls(module)).toContain(fused);
    expect(report.refusals).toEqual([]);
    const [wanted] = interpret(model, example);
    const [byPairs] = interpret(converted, example);
    // 8 bits of each of five tensors: as the quantize and dequantize operators that it replaces, a probability at a tie apart.
    expect(signalToNoise(wanted, interpret(module, example)[0])).toBeGreaterThan(25);
    expect(signalToNoise(byPairs, interpret(module, example)[0])).toBeGreaterThan(45);
  });

  it('gives what ONNX Runtime computes of the quantized graph', async () => {
    const converted = await quantized(captured(new Attention()), quantizer());
    const session = await InferenceSession.create(exportOnnx(converted), {
      logSeverityLevel: 3,
      // Without VNNI, ONNX Runtime's int8 sums saturate unless it is asked for exact ones.
      extra: { session: { x64quantprecision: '1' } },
    });
    const { dtype, data, shape } = example;
    const results = await session.run({ x: new OrtTensor(dtype as 'float32', data as Float32Array, shape) });
    await session.release();
    const [result] = Object.values(results);
    const theirs = Tensor.from('float32', result.data as Float32Array, result.dims);
    const [ours] = interpret(lower(converted, { strict: true }).module, example);
    // A number at a tie may round to either side: one step of one of five tensors of 8 bits, in a few places.
    expect(signalToNoise(theirs, ours)).toBeGreaterThan(45);
  });

  it('leaves other products, and excepted modules', async () => {
    const model = captured(new Blocks());
    const by = quantizer().setModuleNameQconfig('second', null);
    const { module } = lower(await quantized(model, by));
    const of = (target: string) => module.graph.nodes.filter((node: Node) => node.target === target).length;
    expect([of(fused), of(attention)]).toEqual([1, 1]);
    const { module: floats } = lower(await quantized(model, new X86Quantizer().setGlobal(config)));
    expect(calls(floats)).not.toContain(fused);
  });

  it.each<readonly [string, readonly Argument[]]>([
    ['causal', [null, 0, true]],
    ['with shared heads', [null, 0, false]],
  ])('leaves attention that is %s', async (_, rest) => {
    const build = new GraphBuilder();
    const [q, k, v] = ['q', 'k', 'v'].map((name) => build.input(name, [2, 8, 4]));
    const node = build.graph.callFunction(attention, [q, k, v, ...rest], rest[2] ? {} : { enable_gqa: true });
    const by = quantizer();
    expect(calls(by.transformForAnnotation(build.finish(node)))).toEqual([attention]);
  });

  it('is static alone', () => {
    const dynamic = getDefaultX86QuantizationConfig({ isDynamic: true });
    expect(() => new X86Quantizer().setFunctionTypeQconfig('scaledDotProductAttention', dynamic)).toThrow(
      'scaled_dot_product_attention is quantized statically alone',
    );
  });
});
