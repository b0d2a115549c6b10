import { type ExampleInput, type ExportOptions, exportModel, loadPt2 } from '../capture/index.ts';
import { GraphModule } from '../graph/index.ts';
import type { Module } from '../nn/index.ts';

/** A module that has not been captured yet, with the arguments of `exportModel`. */
export interface ModuleWithInputs extends ExportOptions {
  readonly module: Module;
  readonly exampleInputs: Readonly<Record<string, ExampleInput>>;
}

/** A float model: captured, to be captured, or the path of a `.pt2` file. */
export type ModelSource = GraphModule | ModuleWithInputs | string;

/**
 * Captures a model, unless it is a graph already.
 * @param where the function that accepts the model, for messages.
 * @throws Error as `loadPt2` and `exportModel` do, and when `source` is not a model.
 */
export async function captured(source: ModelSource, where: string): Promise<GraphModule> {
  if (typeof source === 'string') return loadPt2(source);
  if (isModuleWithInputs(source)) {
    const { module, exampleInputs, ...options } = source;
    return exportModel(module, exampleInputs, options);
  }
  return GraphModule.accept(
    source,
    where,
    'a GraphModule, { module, exampleInputs } or the path of a .pt2 file',
  );
}

const isModuleWithInputs = (source: unknown): source is ModuleWithInputs => 'exampleInputs' in Object(source);
