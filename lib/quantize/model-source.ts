import { type ExampleInput, type ExportOptions, exportModel, loadPt2 } from '../capture/index.ts';
import type { GraphModule } from '../graph/index.ts';
import type { Module } from '../nn/index.ts';

/** A module that has not been captured yet, with what `exportModel` takes. */
export interface ModuleWithInputs extends ExportOptions {
  readonly module: Module;
  readonly exampleInputs: Readonly<Record<string, ExampleInput>>;
}

/** A float model: captured, to be captured, or the path of a `.pt2` file. */
export type ModelSource = GraphModule | ModuleWithInputs | string;

/** @throws Error as `loadPt2` and `exportModel` do. */
export async function captured(source: ModelSource): Promise<GraphModule> {
  if (typeof source === 'string') return loadPt2(source);
  if (!('exampleInputs' in source)) return source;
  const { module, exampleInputs, ...options } = source;
  return exportModel(module, exampleInputs, options);
}
