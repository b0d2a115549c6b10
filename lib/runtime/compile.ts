import { fixedShapes, GraphModule } from '../graph/index.ts';
import { checkOptions } from '../options.ts';
import { CompiledModel } from './compiled-model.ts';
import { type CompileOptions, compileOptions } from './options.ts';

/**
 * Compiles a graph: a captured float model, or a lowered quantized one. If all sizes of the model are known, its plan
 * is made at once. If requests choose sizes, a plan is made for each set of shapes at its first request;
 * {@link CompiledModel.warmup} makes it earlier.
 * @throws Error that lists every operator that cannot be compiled, with a count of each; that names the step that
 * cannot be made for the model's shapes; or that names an unknown option.
 */
export function compile(module: GraphModule, options: CompileOptions = {}): CompiledModel {
  checkOptions(options, compileOptions, 'compile');
  const model = new CompiledModel(GraphModule.accept(module, 'compile'), options);
  const shapes = fixedShapes(model.inputs);
  try {
    if (shapes) model.warmupSync(shapes);
  } catch (error) {
    model.dispose();
    throw error;
  }
  return model;
}
