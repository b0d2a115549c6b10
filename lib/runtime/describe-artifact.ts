import { operators } from '../aten/index.ts';
import {
  calledOperators,
  countOperators,
  describeRanges,
  describeTensor,
  inputsOf,
  type ModelDescription,
  outputsOf,
  propagateShapes,
  type TensorInfo,
  totalWeights,
} from '../graph/index.ts';
import type { StoredTensor } from '../native/stored-tensor.ts';
import { formatVersion, type ModelMetadata, readArtifact } from './artifact.ts';

/** Of a model that Octavo saved, also what is stored with it. */
export interface ArtifactDescription extends ModelDescription {
  readonly metadata: ModelMetadata;
}

/**
 * Says what a model that Octavo saved holds, without reading its weights.
 * @param unremarked names of metadata that are no remarks, for who says in another way what they mean.
 * @throws Error (rejects) as {@link readArtifact} does.
 */
export async function describeArtifact(
  path: string,
  unremarked: readonly string[] = [],
): Promise<ArtifactDescription> {
  const { module, metadata, tuning } = await readArtifact(path);
  try {
    const inputs = inputsOf(module);
    const isTuned = Object.values(tuning).some((decisions) => decisions.length > 0);
    const kept = Object.entries(metadata)
      .filter(([key]) => !unremarked.includes(key))
      .map(([key, value]) => `${key}: ${value}`);
    return {
      metadata,
      format: 'a model that Octavo saved (safetensors)',
      version: `version ${formatVersion}`,
      writer: 'Octavo',
      programs: [
        {
          name: 'model',
          inputs: inputs.map(describe),
          outputs: outputsOf(module, propagateShapes(module, inputs, operators)).map(describe),
          operators: countOperators(calledOperators(module.graph), (target) => operators.has(target)),
          weights: totalWeights(module.attributes.values()),
          remarks: [
            ...describeRanges(module.rangeConstraints),
            ...kept,
            ...(isTuned ? ['tuned by measurement'] : []),
          ],
        },
      ],
    };
  } finally {
    for (const tensor of module.attributes.values()) (tensor as StoredTensor).release();
  }
}

const describe = (info: TensorInfo) => describeTensor(info.name, info);
