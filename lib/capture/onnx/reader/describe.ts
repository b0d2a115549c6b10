import {
  countOperators,
  type ModelDescription,
  totalWeights,
  type ValueDescription,
} from '../../../graph/index.ts';
import { byteSizeOf, numelOf } from '../../../tensor/index.ts';
import { dtypeOfOnnx, onnxTypeName } from '../dtype.ts';
import { FunctionLibrary } from './functions.ts';
import { numberOf, type TensorMessage, type ValueInfoMessage } from './messages.ts';
import { domainName, readModelFile } from './model-file.ts';
import { isRead, nameOf } from './operators/index.ts';

/**
 * Says what a `.onnx` file is and holds, without reading weights.
 * @throws Error (rejects) that names the file, as `loadOnnx` does, for what is not ONNX. Operators that are not supported are
 * part of the description.
 */
export async function describeOnnx(path: string): Promise<ModelDescription> {
  const file = readModelFile(path);
  file.close();
  const { model, graph, opsets } = file;
  const functions = new FunctionLibrary(model.functions);
  const own = new Set(model.functions.map(({ domain, name }) => nameOf(domainName(domain), name)));
  const initializers = new Set(graph.initializer.map(({ name }) => name));
  const names = graph.node.map(({ domain, opType }) => nameOf(domainName(domain), opType));
  const sets = [...opsets].map(([domain, version]) => `${domain || 'ai.onnx'} ${version}`);
  return {
    format: `ONNX, file format ${numberOf(model.irVersion)}`,
    version: `operator sets ${sets.join(', ')}`,
    writer: [model.producerName, model.producerVersion].filter(Boolean).join(' ') || 'an unknown program',
    programs: [
      {
        name: graph.name,
        inputs: graph.input.filter(({ name }) => !initializers.has(name)).map(valueOfInfo),
        outputs: graph.output.map(valueOfInfo),
        operators: countOperators(names, (name) => isRead(name) || own.has(name)),
        weights: totalWeights(graph.initializer.flatMap(weightOf)),
        remarks: functions.count > 0 ? [`functions of its own: ${functions.count}`] : [],
      },
    ],
  };
}

function valueOfInfo({ name, type }: ValueInfoMessage): ValueDescription {
  const tensor = type?.tensorType;
  const shape = (tensor?.shape?.dim ?? []).map(({ dimValue, dimParam }) =>
    dimValue && numberOf(dimValue) > 0 ? numberOf(dimValue) : dimParam || '?',
  );
  return { name, dtype: onnxTypeName(tensor?.elemType ?? 0), shape };
}

function weightOf({ dataType, dims }: TensorMessage) {
  const dtype = dtypeOfOnnx(dataType);
  return dtype ? [{ dtype, byteLength: numelOf(dims.map(numberOf)) * byteSizeOf(dtype) }] : [];
}
