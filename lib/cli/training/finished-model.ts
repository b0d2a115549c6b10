import { exportOnnx } from '../../capture/index.ts';
import type { ChosenPreprocessing } from '../../data/index.ts';
import { preprocessingMetadata } from '../../data/remembered-preprocessing.ts';
import { writeWhole } from '../../formats/whole-file.ts';
import type { GraphModule } from '../../graph/index.ts';
import { lower } from '../../lowering/index.ts';
import { convertPt2e, moveExportedModelToEval } from '../../quantization/index.ts';
import { type CompiledModel, compile } from '../../runtime/index.ts';
import { threadsOf } from './problem.ts';
import type { TrainSettings } from './settings.ts';

/** The model as it is now, for inference: int8 if it is trained for that. The trained one stays in training. */
export function finishedModel(trained: GraphModule, { qat }: TrainSettings): GraphModule {
  const model = moveExportedModelToEval(trained.clone());
  return qat ? convertPt2e(model) : model;
}

/** The same, to run. */
export function compiledModel(trained: GraphModule, settings: TrainSettings): CompiledModel {
  return compile(lower(finishedModel(trained, settings)).module, threadsOf(settings.threads));
}

/** Writes the trained model: as ONNX where the name says so, else compiled, with its preprocessing. */
export async function writeModel(
  trained: GraphModule,
  preprocessing: ChosenPreprocessing | undefined,
  settings: TrainSettings,
): Promise<void> {
  const model = finishedModel(trained, settings);
  if (settings.out.endsWith('.onnx')) return writeWhole(settings.out, [exportOnnx(model)]);
  const metadata = preprocessing ? preprocessingMetadata(preprocessing) : {};
  using compiled = compile(lower(model).module, { metadata });
  await compiled.save(settings.out);
}
