import { getDefaultX86QuantizationConfig } from '../default-x86-config.ts';
import type { GraphModule } from '../graph/index.ts';
import { calibrate, convertPt2e, preparePt2e, X86Quantizer } from '../quantization/index.ts';
import type { Dataset } from './dataset.ts';
import type { Preprocessing } from './preprocessing.ts';
import { Progress } from './progress.ts';

export interface StaticQuantization {
  readonly batchSize: number;
  readonly reduceRange: 'auto' | 'on' | 'off';
  readonly preprocessing: Preprocessing;
}

/** The graph with observers, as `X86Quantizer`'s static recipe places them. */
export function prepareStatic(
  module: GraphModule,
  reduceRange: StaticQuantization['reduceRange'],
): GraphModule {
  const config = getDefaultX86QuantizationConfig(
    reduceRange === 'auto' ? {} : { reduceRange: reduceRange === 'on' },
  );
  return preparePt2e(module, new X86Quantizer().setGlobal(config));
}

/** Prepares, calibrates with every image of the dataset in order, and converts. */
export async function quantizeStatic(
  module: GraphModule,
  dataset: Dataset,
  { batchSize, reduceRange, preprocessing }: StaticQuantization,
): Promise<GraphModule> {
  const prepared = prepareStatic(module, reduceRange);
  const progress = new Progress('calibrating', Math.ceil(dataset.size / batchSize));
  try {
    await calibrate(prepared, dataset.batches(batchSize, preprocessing), {
      onProgress: () => progress.advance(),
    });
  } finally {
    progress.stop();
  }
  return convertPt2e(prepared);
}
