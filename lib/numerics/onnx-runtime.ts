import { readFile } from 'node:fs/promises';
import { checkSignal, untilAborted } from '../abort.ts';
import { loadOnnx } from '../capture/index.ts';
import { withAddedOutputs } from '../capture/onnx/added-outputs.ts';
import { bindInputs, declaredInputs, type ModelInputs } from '../graph/index.ts';
import { checkOptions, type OptionNames } from '../options.ts';
import { checkBatches } from '../quantization/calibrate.ts';
import { type CompiledModel, compile } from '../runtime/index.ts';
import { Tensor } from '../tensor/index.ts';
import { addSums, type Comparison, type ComparisonSums, comparisonOf, noSums, sumsOf } from './comparison.ts';
import { type OnnxValue, valuesOfInputs } from './onnx-values.ts';

/** A tensor of ONNX Runtime. */
export interface OnnxTensor {
  readonly type: string;
  readonly data: unknown;
  readonly dims: readonly number[];
}

/** What is used of `onnxruntime-node`, or another package with its interface: `import * as runtime from 'onnxruntime-node'`. */
export interface OnnxRuntime {
  readonly InferenceSession: {
    create(model: Uint8Array): Promise<{
      run(feeds: Readonly<Record<string, never>>): Promise<Readonly<Record<string, OnnxTensor>>>;
      release(): Promise<void>;
    }>;
  };
  readonly Tensor: new (type: never, data: never, dims: readonly number[]) => unknown;
}

/** By how much a value of an ONNX model differs between Octavo and ONNX Runtime, over all batches. */
export interface OnnxValueComparison extends OnnxValue, Comparison {}

/** Options of {@link compareWithOnnxRuntime}. */
export interface CompareWithOnnxRuntimeOptions {
  /** Called after every batch with the number of batches done. */
  readonly onProgress?: (batches: number) => void;
  /** Stops before the next batch, also while that is still to come, and closes the iterator. */
  readonly signal?: AbortSignal;
}

const optionNames: OptionNames<CompareWithOnnxRuntimeOptions> = { onProgress: true, signal: true };
const where = 'compareWithOnnxRuntime';

/**
 * Runs an ONNX model in ONNX Runtime and in Octavo, and compares every float32 value that its nodes compute from its inputs (no
 * counterpart in PyTorch). Both are given the same file with these values as further outputs, so neither fuses the nodes between.
 *
 * @example
 * import * as runtime from 'onnxruntime-node';
 * const values = [...(await compareWithOnnxRuntime('model.onnx', batches, runtime)).values()];
 * console.log(values.find(({ sqnr }) => sqnr < 60)?.node); // the first that is computed differently
 *
 * @param source a path, or the file's bytes; weights must be in the file.
 * @param batches as for `calibrate`: each is the model's only input, its inputs in order, or its inputs by name.
 * @param runtime the module `onnxruntime-node`, which Octavo does not depend on.
 * @returns by the value's name, in the order of the file. The signal of SQNR is Octavo's value.
 * @throws Error as `loadOnnx` does, when no node computes float32 from the inputs, there are no batches; or that says which batch, and which
 * input or value: an input that does not fit, shapes that differ, a value that is not a finite number. The signal's reason when it is aborted.
 */
export async function compareWithOnnxRuntime(
  source: string | Uint8Array,
  batches: AsyncIterable<ModelInputs> | Iterable<ModelInputs>,
  runtime: OnnxRuntime,
  options: CompareWithOnnxRuntimeOptions = {},
): Promise<ReadonlyMap<string, OnnxValueComparison>> {
  checkOptions(options, optionNames, where);
  checkSignal(options.signal, where);
  checkBatches(batches, where);
  if (typeof runtime?.InferenceSession?.create !== 'function' || typeof runtime.Tensor !== 'function')
    throw new Error(
      `${where}: runtime must be the module onnxruntime-node, which has InferenceSession and Tensor: import * as runtime from 'onnxruntime-node'`,
    );
  const bytes = typeof source === 'string' ? new Uint8Array(await readFile(source)) : source;
  const inputs = declaredInputs((await loadOnnx(bytes)).graph);
  const { values, returned } = valuesOfInputs(bytes);
  const returning = (names: readonly string[]) =>
    withAddedOutputs(
      bytes,
      names.filter((name) => !returned.has(name)),
    );
  const session = await runtime.InferenceSession.create(returning(values.map(({ name }) => name)));
  let ours: CompiledModel | undefined;
  let compared: readonly OnnxValue[] = [];
  const sums = new Map<string, ComparisonSums>();
  let done = 0;
  try {
    for await (const batch of untilAborted(batches, options.signal)) {
      try {
        const tensors = bindInputs(inputs, batch, new Map());
        const theirs = await session.run(feedsOf(runtime, inputs, tensors));
        if (!ours) {
          // Only a run says which values are float32: the file need not.
          compared = values.filter(({ name }) => theirs[name].type === 'float32');
          if (compared.length === 0)
            throw new Error('no node computes float32 from the inputs, and nothing else is compared');
          ours = compile(await loadOnnx(returning(compared.map(({ name }) => name))));
        }
        const results = await ours.run(tensors);
        for (const { name, node, opType } of compared) {
          const { data, dims } = theirs[name];
          const expected = new Tensor('float32', data as Float32Array, dims);
          const found = sumsOf(results[name], expected, `value '${name}' of ${opType} '${node}'`);
          sums.set(name, addSums(sums.get(name) ?? noSums, found));
        }
      } catch (error) {
        throw new Error(`${where}: batch ${done}: ${(error as Error).message}`, { cause: error });
      }
      done++;
      options.onProgress?.(done);
    }
  } finally {
    ours?.dispose();
    await session.release();
  }
  if (done === 0) throw new Error(`${where}: there are no batches; it needs at least one`);
  return new Map(compared.map((value) => [value.name, { ...value, ...comparisonOf(sums.get(value.name)!) }]));
}

function feedsOf(
  runtime: OnnxRuntime,
  inputs: readonly { readonly name: string }[],
  tensors: readonly Tensor[],
): Readonly<Record<string, never>> {
  return Object.fromEntries(
    tensors.map(({ dtype, data, shape }, i) => [
      inputs[i].name,
      new runtime.Tensor(dtype as never, data as never, shape) as never,
    ]),
  );
}
