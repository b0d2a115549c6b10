import type { GraphModule } from '../../../graph/index.ts';
import { checkOptions, type OptionNames } from '../../../options.ts';
import { recognizeIdioms } from './idioms/index.ts';
import { Importer } from './importer.ts';
import type { BoundValue, InputShape } from './inputs.ts';
import { readModelFile } from './model-file.ts';
import { parametersOf } from './parameters.ts';

/** How {@link loadOnnx} treats a model's inputs. */
export interface LoadOnnxOptions {
  /**
   * Inputs that become constants, by name: a tensor, or a number for an input of one element, such as the sampling rate in
   * `{ sr: 16000 }`. Conditions and shapes that depend on them are decided when the file is read.
   */
  readonly bind?: Readonly<Record<string, BoundValue>>;
  /**
   * Shapes of inputs, by name, where the file leaves sizes open: `{ image: [1, 3, 224, 224] }`. A name in place of a size
   * leaves it to requests; two of one name are the same size, which some exporters do not say: `{ past_k: ['n', 2, 'past', 16],
   * past_v: ['n', 2, 'past', 16] }`. Sizes that are neither in the file nor here stay symbolic.
   */
  readonly shapes?: Readonly<Record<string, InputShape>>;
}

export const loadOnnxOptions: OptionNames<LoadOnnxOptions> = { bind: true, shapes: true };

/**
 * Reads an ONNX model of operator sets 7 to 25 into the graph of ATen operators that {@link loadPt2} makes of a `.pt2` file.
 * Inputs and outputs keep the file's names. Dimensions that have a name become symbolic sizes; two of one name are the
 * same size. What depends on constants and sizes alone is computed here, `If` with such a condition is replaced by its
 * branch, functions of the model are inlined, and layer norms, GELU, attention and the like are recognized where exporters
 * spell them out. float16 is computed in float32; inputs and outputs keep their dtype. Large weights stay in their files until
 * their elements are needed, by `compile` or by whoever looks at them: the files may be replaced or deleted meanwhile, but
 * one that is written to makes what needs its weights throw. What training changes (`meta.parameters`) are the float32 tensors that
 * layers read as weight or bias: a file does not say it.
 * @param source a path, or the file's bytes. Tensors that are stored outside of the file need the path; nothing outside of
 * the model's folder is read.
 * @throws Error that names the file, and the node with its operator: operators that are not supported (all at once, with a
 * count each), `Loop`, `Scan` and sequences among them; attributes, inputs or shapes that an operator refuses; a tensor that
 * is missing, damaged or outside of the folder; nodes that need their own results; an unknown option, or an input that the
 * model does not have.
 */
export async function loadOnnx(
  source: string | Uint8Array,
  options: LoadOnnxOptions = {},
): Promise<GraphModule> {
  checkOptions(options, loadOnnxOptions, 'loadOnnx');
  const { bind = {}, shapes = {} } = options;
  const file = readModelFile(source);
  try {
    const module = new Importer(file, {
      bind: new Map(Object.entries(bind)),
      shapes: new Map(Object.entries(shapes)),
    }).import();
    module.graph.eliminateDeadCode();
    recognizeIdioms(module);
    module.graph.eliminateDeadCode();
    module.deleteUnused();
    module.graph.lint();
    module.meta.parameters = parametersOf(module);
    return module;
  } catch (error) {
    throw new Error(`${file.label}: ${(error as Error).message}`, { cause: error });
  } finally {
    file.close();
  }
}
