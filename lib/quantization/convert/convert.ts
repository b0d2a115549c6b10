import { operators } from '../../aten/index.ts';
import { GraphModule } from '../../graph/index.ts';
import { checkOptions, type OptionNames } from '../../options.ts';
import { GraphEditor } from '../../transforms/editor.ts';
import { foldTrainedBatchNorms } from '../qat/fold-after-training.ts';
import { duplicateDequantize } from './duplicate-dequantize.ts';
import { foldQuantizedConstants } from './fold-quantized-constants.ts';
import { portMetadata } from './port-metadata.ts';
import { representAsIntegers } from './reference-representation.ts';
import { replaceObservers } from './replace-observers.ts';

/** Options of {@link convertPt2e}. */
export interface ConvertOptions {
  /** Whether weights are stored quantized; default true. */
  readonly foldQuantize?: boolean;
  /**
   * Whether quantized layers are integer arithmetic in the graph, for comparison with a backend's, instead of floating
   * point operators between dequantize and quantize nodes; default false. Lowering takes the latter.
   */
  readonly useReferenceRepresentation?: boolean;
}

const convertOptions: OptionNames<ConvertOptions> = {
  foldQuantize: 'boolean',
  useReferenceRepresentation: 'boolean',
};

declare module '../../graph/graph-module.ts' {
  interface GraphModuleMeta {
    /** Whether `prepareFx` made it, for `convertFx`. What is converted is no longer prepared. */
    isPreparedByFx?: true;
  }
}

/**
 * Turns a calibrated model into a quantized one (counterpart: `torchao.quantization.pt2e.quantize_pt2e.convert_pt2e`): a
 * graph of floating point operators between quantize and dequantize nodes, with the observers' parameters, and weights as
 * integers. `prepared` itself is left as it is.
 * @throws Error that names observer and tensor when calibration has not reached it, and for an unknown option.
 */
export function convertPt2e(prepared: GraphModule, options: ConvertOptions = {}): GraphModule {
  checkOptions(options, convertOptions, 'convertPt2e');
  const { foldQuantize = true, useReferenceRepresentation = false } = options;
  const module = GraphModule.accept(prepared, 'convertPt2e').clone();
  replaceObservers(module, operators);
  foldTrainedBatchNorms(new GraphEditor(module));
  duplicateDequantize(module);
  portMetadata(module);
  if (foldQuantize) foldQuantizedConstants(module, operators, module.meta.recipe);
  if (useReferenceRepresentation) representAsIntegers(module);
  // Carried out; and they name nodes of the prepared graph.
  for (const node of module.graph.nodes) delete node.meta.quantizationAnnotation;
  delete module.meta.recipe;
  delete module.meta.isPreparedByFx;
  module.deleteUnused();
  module.graph.lint();
  return module;
}
