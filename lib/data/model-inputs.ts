import { bindShapes, type GraphModule, inputsOf, type SymbolRange, type TensorInfo } from '../graph/index.ts';

/** What a dataset has to know of a model: a `GraphModule` or a `CompiledModel`. */
export type DatasetModel =
  | GraphModule
  | {
      readonly inputs: readonly TensorInfo[];
      readonly rangeConstraints: ReadonlyMap<string, SymbolRange>;
    };

/** A model's inputs, and the ranges of the sizes that it leaves open. */
export class InputList {
  readonly infos: readonly TensorInfo[];
  readonly #ranges: ReadonlyMap<string, SymbolRange>;

  /** @throws Error when an input's dtype or shape is unknown, or an input has no axis that counts examples. */
  constructor(model: DatasetModel) {
    this.infos = 'inputs' in model ? model.inputs : inputsOf(model);
    this.#ranges = model.rangeConstraints;
    for (const { name, shape } of this.infos)
      if (shape.length === 0) throw new Error(`input '${name}' is a scalar: it has no axis for the examples`);
  }

  /** The one float32 input, which pixels are scaled for; undefined where there are several or none. */
  get pixels(): TensorInfo | undefined {
    const floats = this.infos.filter(({ dtype }) => dtype === 'float32');
    return floats.length === 1 ? floats[0] : undefined;
  }

  /** `usual` examples a batch; as many as the model accepts where that is fixed, or less. */
  batchSize(usual: number): number {
    const sizes = this.infos.map(({ shape }) => shape[0]);
    const fixed = sizes.find((size) => typeof size === 'number');
    return fixed ?? Math.min(usual, ...sizes.map((size) => this.#ranges.get(String(size))?.max ?? usual));
  }

  /**
   * Checks the shapes of one batch, by input name.
   * @param where path, and what part of it, for messages.
   * @throws Error that names the input and the shape it must have.
   */
  check(shapes: Readonly<Record<string, readonly number[]>>, where: string): void {
    try {
      bindShapes(this.infos, shapes, this.#ranges);
    } catch (error) {
      throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
    }
  }

  /**
   * Checks the shapes of all batches: those of a full one, and of the last if that is smaller.
   * @param shapesOf the shapes of a batch by input name.
   * @throws Error as {@link check} does.
   */
  checkAll(
    size: number,
    batch: number,
    path: string,
    shapesOf: (count: number) => Readonly<Record<string, readonly number[]>>,
  ): void {
    if (size >= batch) this.check(shapesOf(batch), path);
    if (size % batch !== 0)
      this.check(shapesOf(size % batch), `${path}, the last batch of ${size} examples, ${batch} at a time`);
  }

  /** The inputs as messages list them. */
  toString(): string {
    return this.infos.map(({ name, dtype, shape }) => `${name}: ${dtype}[${shape.join(', ')}]`).join(', ');
  }
}

/** Names of arrays and fields that hold the classes, unless the model has an input of that name. */
const labelNames: readonly string[] = ['y', 'label', 'labels'];

/** What is stored under which name. */
export interface Matched {
  /** The stored name of each input, in the model's order. */
  readonly inputs: readonly (TensorInfo & { readonly stored: string })[];
  readonly labels: string | undefined;
}

/**
 * Matches stored names with the model's inputs. A single array needs no particular name for a model with one input.
 * @param where path, and line if there are several, for messages.
 * @throws Error that says which name is not an input's, or which input is missing.
 */
export function matchNames(names: readonly string[], inputs: InputList, where: string): Matched {
  const { infos } = inputs;
  const isInput = (name: string) => infos.some((info) => info.name === name);
  const [labels, ...more] = names.filter((name) => labelNames.includes(name) && !isInput(name));
  if (more.length > 0)
    throw new Error(`${where}: '${labels}' and '${more[0]}' both name the classes; keep one`);
  const given = names.filter((name) => name !== labels);
  if (infos.length === 1 && given.length === 1)
    return { inputs: [{ ...infos[0], stored: given[0] }], labels };
  const unknown = given.find((name) => !isInput(name));
  if (unknown !== undefined)
    throw new Error(`${where}: the model has no input '${unknown}'; it has ${inputs}`);
  const missing = infos.find(({ name }) => !given.includes(name));
  if (missing)
    throw new Error(
      `${where}: there is nothing for input '${missing.name}'; there are ${names.join(', ') || 'no arrays'}`,
    );
  return { inputs: infos.map((info) => ({ ...info, stored: info.name })), labels };
}
