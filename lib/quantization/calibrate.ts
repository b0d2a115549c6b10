import { setImmediate } from 'node:timers/promises';
import { checkSignal, untilAborted } from '../abort.ts';
import { operators } from '../aten/index.ts';
import { describeOperators, GraphModule, Interpreter, type Node, type TensorMeta } from '../graph/index.ts';
import { checkOptions, type OptionNames } from '../options.ts';
import { type ForeignTensor, Tensor } from '../tensor/index.ts';

/** One batch: the model's only input, its inputs in order, or its inputs by name. */
export type CalibrationBatch =
  | Tensor
  | ForeignTensor
  | readonly (Tensor | ForeignTensor)[]
  | { readonly [input: string]: Tensor | ForeignTensor };

/** Options of {@link calibrate}. */
export interface CalibrateOptions {
  /** Called after every batch with the number of batches done. */
  readonly onProgress?: (batches: number) => void;
  /** Stops before the next batch, also while that is still to come, and closes the iterator. */
  readonly signal?: AbortSignal;
}

/** Names of the options of {@link calibrate}. */
export const calibrateOptions: OptionNames<CalibrateOptions> = { onProgress: true, signal: true };

/**
 * Shows a prepared model representative inputs, so that its observers learn the ranges of its tensors (what a PyTorch
 * script writes as `for batch in loader: prepared(batch)`). Runs on native kernels; other work gets its turn between
 * batches.
 * @returns the number of batches seen.
 * @throws Error that says which batch, and which input or node: a model without observers, no batches at all, an input
 * of the wrong name, dtype or shape, NaN anywhere, an infinite weight, an unknown option; the signal's reason when it is aborted. Infinite
 * activations are left out of the ranges, with a process warning.
 */
export async function calibrate(
  prepared: GraphModule,
  batches: AsyncIterable<CalibrationBatch> | Iterable<CalibrationBatch>,
  options: CalibrateOptions = {},
): Promise<number> {
  const { graph } = GraphModule.accept(prepared, 'calibrate');
  if (!graph.nodes.some(({ op }) => op === 'call_module'))
    throw new Error(
      'calibrate: the model has no observers: prepare it with preparePt2e and a quantizer that annotates something; ' +
        `it has ${describeOperators(graph)}`,
    );
  if (!isIterable(batches))
    throw new Error('calibrate: batches must be an iterable, async or not; a single batch is [batch]');
  checkOptions(options, calibrateOptions, 'calibrate');
  checkSignal(options.signal, 'calibrate');
  const interpreter = new Interpreter(prepared, operators);
  let done = 0;
  for await (const batch of untilAborted(batches, options.signal)) {
    try {
      interpreter.run(inputsOf(prepared, batch));
    } catch (error) {
      throw new Error(`calibration batch ${done}: ${(error as Error).message}`, { cause: error });
    }
    done++;
    options.onProgress?.(done);
    await setImmediate();
  }
  if (done === 0) throw new Error('calibrate: the calibration set is empty; it needs at least one batch');
  return done;
}

function isIterable(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value)
  );
}

function inputsOf(module: GraphModule, batch: CalibrationBatch): Tensor[] {
  const { placeholders } = module.graph;
  if (typeof batch !== 'object' || batch === null)
    throw new Error(`the model's inputs are ${placeholders.join(', ')}; got ${String(batch)}`);
  const values = listed(batch, placeholders);
  if (values.length !== placeholders.length)
    throw new Error(
      `the model takes ${placeholders.length} inputs (${placeholders.join(', ')}), got ${values.length}`,
    );
  const sizes = new Map<string, number>();
  return placeholders.map((placeholder, i) => {
    const tensor = Tensor.accept(values[i], `input '${placeholder}'`);
    checkInput(placeholder, tensor, sizes);
    return tensor;
  });
}

function listed(batch: CalibrationBatch, placeholders: readonly Node[]): readonly (Tensor | ForeignTensor)[] {
  if (Array.isArray(batch)) return batch;
  if (batch instanceof Tensor || isForeignTensor(batch)) return [batch];
  const named = batch as Readonly<Record<string, Tensor | ForeignTensor>>;
  const names = placeholders.map(({ name }) => name);
  const unknown = Object.keys(named).filter((name) => !names.includes(name));
  const missing = names.filter((name) => !Object.hasOwn(named, name));
  if (unknown.length > 0 || missing.length > 0)
    throw new Error(`the model's inputs are ${names.join(', ')}; got ${Object.keys(named).join(', ')}`);
  return names.map((name) => named[name]);
}

function isForeignTensor(batch: CalibrationBatch): batch is ForeignTensor {
  return Array.isArray((batch as Partial<ForeignTensor>).dims);
}

/** Sizes that the model leaves open must agree between inputs. */
function checkInput(placeholder: Node, tensor: Tensor, sizes: Map<string, number>): void {
  const declared = placeholder.meta.val as TensorMeta | undefined;
  if (declared === undefined) return;
  const fits =
    tensor.dtype === declared.dtype &&
    tensor.shape.length === declared.shape.length &&
    declared.shape.every((extent, axis) => {
      const expected = typeof extent === 'number' ? extent : sizes.get(String(extent));
      if (expected === undefined) sizes.set(String(extent), tensor.shape[axis]);
      return expected === undefined || expected === tensor.shape[axis];
    });
  if (!fits)
    throw new Error(
      `input '${placeholder}' must be ${declared.dtype} [${declared.shape.join(', ')}], ` +
        `got ${tensor.dtype} [${tensor.shape.join(', ')}]`,
    );
}
