import { Dataset } from '../../data/index.ts';
import { Tensor } from '../../tensor/index.ts';
import { checkBatch, rowsOf, type Tensors, type TrainingBatch } from './batch.ts';

/** Examples that can be read in any order. */
export interface ExampleSource {
  readonly size: number;
  /** Examples by their numbers, in that order; the tensors are the caller's own. */
  examples(numbers: readonly number[]): Promise<TrainingBatch>;
}

/**
 * The examples of a dataset or of tensors.
 * @throws Error for tensors of different lengths, none or empty ones.
 */
export function exampleSource(source: Dataset | TrainingBatch): ExampleSource {
  return source instanceof Dataset ? ofDataset(source) : ofTensors(source);
}

function ofDataset(dataset: Dataset): ExampleSource {
  return {
    size: dataset.size,
    async examples(numbers) {
      const { inputs, labels } = await dataset.examples(numbers);
      return { inputs, targets: labels ? { labels: Tensor.from('int64', labels) } : {} };
    },
  };
}

function ofTensors(source: TrainingBatch): ExampleSource {
  if (typeof source !== 'object' || source === null)
    throw new Error(
      `DataLoader: expected a dataset, an async iterable of examples, or { inputs, targets } with tensors by name; got ${String(source)}`,
    );
  checkBatch(source, 'DataLoader');
  const { inputs, targets } = source;
  if (Object.keys(inputs).length === 0) throw new Error('DataLoader: there are no inputs');
  const lengths = [...Object.entries(inputs), ...Object.entries(targets)].map(([name, { shape }]) => {
    if (shape.length === 0)
      throw new Error(`DataLoader: '${name}' is a scalar; its first axis must count the examples`);
    return [name, shape[0]] as const;
  });
  const [[first, size]] = lengths;
  const other = lengths.find(([, length]) => length !== size);
  if (other)
    throw new Error(`DataLoader: '${other[0]}' has ${other[1]} examples, but '${first}' has ${size}`);
  if (size === 0) throw new Error(`DataLoader: '${first}' is empty`);
  return {
    size,
    examples: async (numbers) => ({ inputs: pick(inputs, numbers), targets: pick(targets, numbers) }),
  };
}

function pick(tensors: Tensors, numbers: readonly number[]): Tensors {
  const picked = Object.entries(tensors).map(([name, tensor]) => {
    const { dtype, shape } = tensor;
    const result = Tensor.zeros(dtype, [numbers.length, ...shape.slice(1)]);
    const row = tensor.numel / shape[0];
    for (const [i, number] of numbers.entries())
      result.data.set(rowsOf(tensor, number, 1).data as never, i * row);
    return [name, result] as const;
  });
  return Object.fromEntries(picked);
}
