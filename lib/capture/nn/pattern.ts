import type { Argument, NamedPattern, Node } from '../../graph/index.ts';
import { Module, type Value } from '../../nn/index.ts';
import { type ExampleInput, exportModel } from './trace.ts';

/** A pattern: a function of values, written with `nn.functional`, that returns its results and names for its values. */
export type PatternFunction = (
  ...inputs: Value[]
) => readonly [...results: Value[], names: Readonly<Record<string, Value>>];

class PatternModule extends Module {
  readonly #pattern: PatternFunction;
  /** Set by the call of `forward`. */
  resultCount = 0;
  names: readonly string[] = [];

  constructor(pattern: PatternFunction) {
    super();
    this.#pattern = pattern;
  }

  /** Returns the results, followed by the named values. */
  override forward(...inputs: Value[]): readonly Value[] {
    const returned = this.#pattern(...inputs);
    const results = returned.slice(0, -1) as readonly Value[];
    const named = returned.at(-1) as Readonly<Record<string, Value>>;
    this.resultCount = results.length;
    this.names = Object.keys(named);
    return [...results, ...Object.values(named)];
  }
}

/**
 * Captures a function as a pattern to search graphs for, by the same export as models (counterpart: exporting a function
 * that returns a dict of names last).
 *
 *     capturePattern((x, weight) => {
 *       const conv = F.conv2d(x, weight);
 *       const relu = F.relu(conv);
 *       return [relu, { conv, relu }];
 *     }, { x: { dtype: 'float32', shape: [1, 3, 8, 8] }, weight: { dtype: 'float32', shape: [4, 3, 3, 3] } })
 * @param exampleInputs by name, in the order of the function's parameters. Their shapes must fit the function; matches
 * may have any shapes.
 * @throws Error when the function cannot be exported, or returns no result before its names.
 */
export function capturePattern(
  pattern: PatternFunction,
  exampleInputs: Readonly<Record<string, ExampleInput>>,
): NamedPattern {
  const root = new PatternModule(pattern);
  const module = exportModel(root.eval(), exampleInputs);
  const { outputNode } = module.graph;
  const values = outputNode.args[0] as readonly Argument[];
  const { names, resultCount } = root;
  if (resultCount === 0)
    throw new Error('capturePattern: the function must return [result, …, { name: value }]');
  outputNode.setArguments([values.slice(0, resultCount)]);
  outputNode.meta.outputNames = outputNode.meta.outputNames!.slice(0, resultCount);
  return { module, nodes: new Map(names.map((name, i) => [name, values[resultCount + i] as Node])) };
}
