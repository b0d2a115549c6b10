import { Tensor } from '../tensor/index.ts';
import type { InputList } from './model-inputs.ts';
import { type Preprocessing, refusePreprocessing } from './preprocessing.ts';
import type { Batch, DataSource } from './source.ts';
import { holdsTokens, type TokenLine, tokenLines } from './token-lines.ts';

/**
 * Lists of token ids in JSON lines, for a model whose inputs are `[n, length]`. Lists are padded with 0 to the length that the
 * model fixes, or to that of the batch's longest.
 * @throws Error that names the first line that does not suit the model: all are read once before this returns.
 */
export async function openTokenSource(
  path: string,
  inputs: InputList,
  batch: number,
  preprocessing: Preprocessing,
): Promise<DataSource> {
  for (const kind of ['framing', 'normalization'] as const)
    refusePreprocessing(preprocessing, kind, path, 'token ids are not preprocessed');
  for (const { name, dtype, shape } of inputs.infos)
    if (shape.length !== 2 || !holdsTokens(dtype))
      throw new Error(
        `${path}: lists of token ids are for inputs [n, length]; input '${name}' is ${dtype}[${shape.join(', ')}]`,
      );
  const length = fixedLength(inputs);
  let size = 0;
  let hasLabels = false;
  for await (const lines of groups(path, inputs, batch)) {
    const longest = Math.max(...lines.map((line) => line.length));
    checkPadding(lines, length ?? longest, inputs, path);
    const shapes = inputs.infos.map(({ name }) => [name, [lines.length, length ?? longest]] as const);
    const [first, last] = [lines[0].line, lines[lines.length - 1].line];
    inputs.check(Object.fromEntries(shapes), `${path}, the batch of lines ${first} to ${last}`);
    size += lines.length;
    hasLabels = lines[0].label !== undefined;
  }
  if (size === 0) throw new Error(`${path} contains no lines`);
  let read: Promise<readonly TokenLine[]> | undefined;
  const lines = () => {
    read ??= all(path, inputs);
    return read;
  };
  return {
    size,
    hasLabels,
    classes: undefined,
    preprocessing: undefined,
    batches: async function* () {
      for await (const lines of groups(path, inputs, batch)) yield batchOf(lines, inputs, length);
    },
    labels: async () => labelsOf(await lines()),
    async examples(numbers) {
      const held = await lines();
      const picked = numbers.map((number) => held[number]);
      checkPadding(picked, length ?? Math.max(...picked.map((line) => line.length)), inputs, path);
      return batchOf(picked, inputs, length);
    },
  };
}

async function all(path: string, inputs: InputList): Promise<readonly TokenLine[]> {
  const lines: TokenLine[] = [];
  for await (const line of tokenLines(path, inputs)) lines.push(line);
  return lines;
}

/** The length of lists that the model fixes, if it does. */
function fixedLength({ infos }: InputList): number | undefined {
  return infos.map(({ shape }) => shape[1]).find((size) => typeof size === 'number');
}

/** The lines, `batch` at a time. */
async function* groups(path: string, inputs: InputList, batch: number): AsyncGenerator<readonly TokenLine[]> {
  let group: TokenLine[] = [];
  for await (const line of tokenLines(path, inputs)) {
    group.push(line);
    if (group.length < batch) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

/** @throws Error that names a line longer than the model accepts, or one that would be padded without a mask to say so. */
function checkPadding(lines: readonly TokenLine[], to: number, { infos }: InputList, path: string): void {
  const hasMask = infos.some(({ name }) => name.includes('mask'));
  for (const { line, length } of lines) {
    if (length > to)
      throw new Error(
        `${path}, line ${line} has ${length} tokens; the model's inputs have a length of ${to}`,
      );
    if (length < to && !hasMask)
      throw new Error(
        `${path}, line ${line} has ${length} tokens and would be padded to ${to}, but the model has no attention_mask`,
      );
  }
}

function batchOf(lines: readonly TokenLine[], { infos }: InputList, fixed: number | undefined): Batch {
  const length = fixed ?? Math.max(...lines.map((line) => line.length));
  const inputs = infos.map(({ name, dtype }) => {
    const values = lines.flatMap(({ lists }) => [
      ...lists[name],
      ...new Array<number>(length - lists[name].length).fill(0),
    ]);
    return [name, Tensor.from(dtype, values, [lines.length, length])] as const;
  });
  return { inputs: Object.fromEntries(inputs), labels: labelsOf(lines) };
}

function labelsOf(lines: readonly TokenLine[]): readonly number[] | undefined {
  const labels = lines.map(({ label }) => label);
  return labels.every((label) => label !== undefined) ? labels : undefined;
}
