import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { type GraphModule, Interpreter } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { type CompiledModel, compile } from '../../lib/runtime/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';
import { captureModel, glyphBatch, goldenTensor, quantizeModel } from '../support/pt2e-goldens.ts';

const models = ['tiny_cnn', 'glyph_resnet', 'glyph_mobilenet'];

async function evaluationBatch(name: string): Promise<Tensor> {
  return name === 'tiny_cnn' ? goldenTensor('tiny_cnn/eval_in') : glyphBatch('test.npz', 0, 256);
}

const rms = (a: readonly number[], b: readonly number[]) =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0) / a.length);

/** The network up to the 8-bit integers that its last layer takes, and with that layer's float32 results. */
function withIntegers(lowered: GraphModule): GraphModule {
  const module = lowered.clone();
  const [last] = module.graph.outputNode.allInputNodes;
  module.graph.outputNode.setArguments([[last, last.args[0]]]);
  module.graph.outputNode.meta = { outputNames: ['result', 'integers'] };
  return module;
}

function expectNoReferenceKernels(model: CompiledModel, batch: number): void {
  const steps = model.plan({ x: [batch, 3, 32, 32] }).steps;
  expect(steps.length).toBeGreaterThan(0);
  for (const step of steps) expect(step.implementation, step.node).not.toMatch(/(^|\+)ref/);
}

describe.each(models)('%s in int8', (name) => {
  it('computes in its plan what the interpreter computes', async () => {
    const { converted } = await quantizeModel(name);
    const lowered = withIntegers(lower(converted, { strict: true }).module);
    using model = compile(lowered);
    const x = await evaluationBatch(name);
    const interpret = (module: GraphModule) =>
      new Interpreter(module, operators).run([x]).map((tensor) => tensor.toArray());
    const { result, integers } = await model.run({ x });
    const [, expected] = interpret(lowered);
    const within = integers.toArray().filter((value, i) => Math.abs(value - expected[i]) <= 1).length;
    expect(within / expected.length).toBeGreaterThanOrEqual(0.999);
    const [[float], [exact], actual] = [
      interpret(await captureModel(name)),
      interpret(converted),
      result.toArray(),
    ];
    // Integers and the floats between q/dq pairs round apart at ties, and every layer spreads what the last one left: by
    // the end that is well below what quantization itself costs, which a wrong scale or a biased rounding would exceed.
    expect(rms(actual, exact)).toBeLessThan(rms(float, exact) / 2);
  });

  it('never falls to one of oneDNN’s reference kernels, nor does its float32 twin', async () => {
    const { converted } = await quantizeModel(name);
    for (const module of [converted, await captureModel(name)]) {
      using model = compile(lower(module).module);
      for (const batch of [1, 32]) expectNoReferenceKernels(model, batch);
    }
  });
});
