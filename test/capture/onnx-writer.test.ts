import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { exportOnnx, loadOnnx } from '../../lib/capture/index.ts';
import { emitterOf } from '../../lib/capture/onnx/writer/emitters/index.ts';
import { functionalName, type GraphModule, Interpreter } from '../../lib/graph/index.ts';
import { type DType, Tensor } from '../../lib/tensor/index.ts';
import { built, type Case } from './onnx-writer/case.ts';
import { comparisonCases } from './onnx-writer/comparisons.ts';
import { elementCases } from './onnx-writer/elements.ts';
import { indexingCases } from './onnx-writer/indexing.ts';
import { layerCases } from './onnx-writer/layers.ts';
import { movementCases } from './onnx-writer/movement.ts';
import { quantizedCases } from './onnx-writer/quantized.ts';
import { reductionCases } from './onnx-writer/reductions.ts';

const cases: readonly Case[] = [
  elementCases,
  comparisonCases,
  indexingCases,
  layerCases,
  movementCases,
  quantizedCases,
  reductionCases,
].flat();

async function runOrt(file: Uint8Array, inputs: readonly Tensor[]): Promise<Tensor[]> {
  // Without VNNI, ONNX Runtime's int8 sums saturate unless it is asked for exact ones.
  const session = await InferenceSession.create(file, {
    logSeverityLevel: 3,
    extra: { session: { x64quantprecision: '1' } },
  });
  const feeds = session.inputNames.map((name) => {
    const { dtype, data, shape } = inputs[Number(name.slice(1)) - 1];
    return [name, new OrtTensor(dtype as 'float32', data as Float32Array, shape)] as const;
  });
  const results = await session.run(Object.fromEntries(feeds));
  const tensors = session.outputNames.map((name) => {
    const { type, data, dims } = results[name];
    return new Tensor(type as DType, data as Float32Array, dims);
  });
  await session.release();
  return tensors;
}

/** Fails unless results have the same dtypes and shapes, and numbers that differ by so much of the largest one at most. */
function expectSame(actual: readonly Tensor[], expected: readonly Tensor[], tolerance: number): void {
  expect(actual.map(({ dtype, shape }) => `${dtype}[${shape}]`)).toEqual(
    expected.map(({ dtype, shape }) => `${dtype}[${shape}]`),
  );
  for (const [i, tensor] of expected.entries()) {
    const [a, b] = [actual[i].toArray(), tensor.toArray()];
    const largest = Math.max(0, ...b.filter(Number.isFinite).map(Math.abs));
    const isNear = (x: number, y: number) =>
      Object.is(x, y) || x === y || Math.abs(x - y) <= tolerance * largest;
    const at = b.findIndex((value, index) => !isNear(a[index], value));
    expect(at < 0 ? '' : `result ${i}, element ${at} is ${a[at]}, should be ${b[at]}`).toBe('');
  }
}

const run = (module: GraphModule, inputs: readonly Tensor[]): Tensor[] =>
  new Interpreter(module, operators).run(inputs);

describe.each([13, 21] as const)('exportOnnx, operator set %i', (opset) => {
  it.each(cases.map((each) => [each[0], each] as const))('%s', async (_, given) => {
    const [, , { tolerance = 1e-5, refused = {}, withoutRuntime = [] } = {}] = given;
    const { module, inputs } = built(given);
    if (refused[opset]) {
      expect(() => exportOnnx(module, { opset })).toThrow(refused[opset]);
      return;
    }
    const expected = run(module, inputs);
    const file = exportOnnx(module, { opset });
    if (!withoutRuntime.includes(opset)) expectSame(await runOrt(file, inputs), expected, tolerance);
    // In files a size of 0 may stand for an unknown one.
    const empty = inputs.flatMap(({ shape }, i) =>
      shape.includes(0) ? [[`x${i + 1}`, shape] as const] : [],
    );
    const back = await loadOnnx(file, { shapes: Object.fromEntries(empty) });
    expectSame(run(back, inputs), expected, tolerance);
  });
});

/** Operators without a form in ONNX: those that lowering makes, and layers that Inductor fused. */
const lowered =
  /^(onednn|mkldnn)\.|^octavo\.(batch_norm|binary|embedding(_bag)?_(byte|4bit)|layer_norm|lookup|matmul|qscaled_dot_product|quantized_average|softmax|weight_only_linear)\.|^octavo\.(gru|lstm)_layer\.dynamic$/;
/** Operators of training and of comparisons, of which a served model has none. */
const ofTraining =
  /_gradient\.|fake_quantize|^octavo\.(compare|dropout_mask|observe_range)\.|_legit_functional\./;
/** Operators on sizes, which are written where a shape needs them. */
const ofSizes = /^(math|operator|torch)\.|^aten\.(sym_|_assert_scalar)/;

describe('the cases', () => {
  it('every operator but those of lowered graphs and of training is written', () => {
    const missing = operators.names.filter((name) => !emitterOf(name) && !ofSizes.test(name));
    expect(missing.filter((name) => !lowered.test(name) && !ofTraining.test(name))).toEqual([]);
    expect(missing.length).toBeGreaterThan(10);
  });

  it('call every operator that is written', () => {
    const called = new Set(cases.flatMap((each) => [...built(each).targets]).map(functionalName));
    const missing = operators.names.filter(
      (name) =>
        emitterOf(name) && name === functionalName(name) && !/_copy\./.test(name) && !called.has(name),
    );
    expect(missing).toEqual([]);
  });
});
