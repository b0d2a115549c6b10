import { operators } from '../../aten/index.ts';
import { type Dim, type GraphModule, type SymbolRange, SymInt } from '../../graph/index.ts';
import { withDispatcher } from '../../nn/dispatcher.ts';
import { Module, type Value } from '../../nn/index.ts';
import { checkOptions, type OptionNames } from '../../options.ts';
import type { DType } from '../../tensor/index.ts';
import { Tracer } from './tracer.ts';

/** A size that is known only when a request arrives (counterpart: `torch.export.Dim`). */
export interface DynamicDim extends Partial<SymbolRange> {
  /** Axes of the same name have the same size. */
  readonly name: string;
}

/** How {@link exportModel} treats sizes. Without options, all sizes are those of the examples. */
export interface ExportOptions {
  /** Whether the first axis of every input is the batch, of any size from 1. */
  readonly dynamicBatch?: boolean;
  /** The dynamic sizes, by input and axis. */
  readonly dynamicShapes?: Readonly<Record<string, Readonly<Record<number, DynamicDim>>>>;
}

const exportOptions: OptionNames<ExportOptions> = { dynamicBatch: 'boolean', dynamicShapes: true };

/** What {@link exportModel} needs to know of an example input. */
export interface ExampleInput {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/**
 * Captures a module as a graph of ATen operators (counterpart: `torch.export.export_for_training(...).module()`), with
 * the operators, names and metadata that PyTorch produces for the same architecture. Call {@link Module.eval} first, unless it is to be
 * trained.
 * @param exampleInputs by name, in the order of `forward`'s parameters. Only dtypes and shapes are used; no element is
 * read.
 * @throws Error that names the module: not a {@link Module}, an unknown option, shapes that do not fit, operators that
 * are not supported, control flow that depends on elements or on symbolic sizes.
 */
export function exportModel(
  module: Module,
  exampleInputs: Readonly<Record<string, ExampleInput>>,
  options: ExportOptions = {},
): GraphModule {
  if (!(module instanceof Module)) throw new Error('exportModel: expected a Module of octavo/nn to capture');
  checkOptions(options, exportOptions, 'exportModel');
  const tracer = new Tracer(module, operators);
  const symbols = new Symbols();
  const inputs = Object.entries(exampleInputs).map(([name, { dtype, shape }]) =>
    tracer.input(name, { dtype, shape: symbols.apply(name, shape, options) }),
  );
  checkNames(exampleInputs, options);
  const result = withDispatcher(tracer, () => module.call(...inputs)) as Value | readonly Value[];
  const graph = tracer.finish(result);
  for (const [symbol, range] of symbols.ranges) graph.rangeConstraints.set(symbol, range);
  return graph;
}

function checkNames(exampleInputs: Readonly<Record<string, ExampleInput>>, options: ExportOptions): void {
  for (const name of Object.keys(options.dynamicShapes ?? {}))
    if (!Object.hasOwn(exampleInputs, name))
      throw new Error(
        `dynamicShapes names '${name}', but the inputs are ${Object.keys(exampleInputs).join(', ')}`,
      );
}

/** The symbolic sizes of one export: `s0` for the first name, `s1` for the second. */
class Symbols {
  readonly ranges = new Map<string, SymbolRange>();
  readonly #byName = new Map<string, SymInt>();

  apply(input: string, shape: readonly number[], options: ExportOptions): Dim[] {
    const dims: Dim[] = [...shape];
    if (options.dynamicBatch) dims[0] = this.#symbol(input, { name: 'batch' }, dims[0]);
    for (const [axis, dim] of Object.entries(options.dynamicShapes?.[input] ?? {}))
      dims[Number(axis)] = this.#symbol(input, dim, shape[Number(axis)]);
    return dims;
  }

  #symbol(
    input: string,
    { name, min = 1, max = Number.POSITIVE_INFINITY }: DynamicDim,
    example: Dim,
  ): SymInt {
    if (typeof example !== 'number')
      throw new Error(`input '${input}': the axis of the dynamic size '${name}' does not exist`);
    if (example < min || example > max)
      throw new Error(
        `input '${input}': the example's size ${example} of '${name}' is not in ${min}..${max}`,
      );
    const known = this.#byName.get(name);
    if (known) return known;
    const symbol = new SymInt([`s${this.#byName.size}`]);
    this.#byName.set(name, symbol);
    this.ranges.set(String(symbol), { min, max });
    return symbol;
  }
}
