import { operators } from '../../aten/index.ts';
import type { JsonCursor } from '../../formats/json-cursor.ts';
import {
  countOperators,
  describeRanges,
  describeTensor,
  isTensorMeta,
  type ModelDescription,
  type ProgramDescription,
  totalWeights,
  type ValueDescription,
} from '../../graph/index.ts';
import { byteSizeOf, numelOf } from '../../tensor/index.ts';
import { type FoundModel, findModels, type Generation } from './archive.ts';
import { isReadable, targetOf } from './checks.ts';
import { COND } from './condition.ts';
import { isSwitchedToTraining } from './evaluation-mode.ts';
import { readRangeConstraints, readVersion } from './exported-program.ts';
import { openArchive } from './open-archive.ts';
import { tensorOf } from './program-tensors.ts';
import { ProgramValues } from './values.ts';

const layouts: Readonly<Record<Generation, string>> = {
  flat: 'the layout of PyTorch up to 2.7 (flat, weights by torch.save)',
  rooted: 'the layout of PyTorch 2.8 (root folder, weights by torch.save)',
  raw: 'the layout of PyTorch 2.9 and later (root folder, raw weights)',
};

/**
 * Says what a `.pt2` file is and holds, of each of its programs, without reading weights.
 * @throws Error (rejects) that names the file, as `loadPt2` does, for what is no program of a known schema. Operators that
 * are not supported are part of the description.
 */
export async function describePt2(path: string): Promise<ModelDescription> {
  const file = await openArchive(path, path);
  try {
    const models = findModels(file);
    const described: {
      readonly version: string;
      readonly writer: string;
      readonly program: ProgramDescription;
    }[] = [];
    for (const model of models) described.push(describeModel(model));
    const [{ version, writer }] = described;
    return {
      format: `.pt2, ${layouts[models[0].generation]}`,
      version: `schema ${version}`,
      writer: `PyTorch ${writer}`,
      programs: described.map(({ program }) => program),
    };
  } catch (error) {
    const { message } = error as Error;
    if (message.startsWith(`${path}: `)) throw error;
    throw new Error(`${path}: ${message}`, { cause: error });
  } finally {
    file.close();
  }
}

function describeModel(model: FoundModel) {
  const { program: document } = model.open();
  const { version, writer } = readVersion(document);
  const graph = document.field('graph_module').field('graph');
  const signature = document.field('graph_module').field('signature');
  const nodes = graph.field('nodes').items();
  const ranges = readRangeConstraints(document);
  const values = new ProgramValues(graph, ranges);
  const inputs = signature.field('input_specs').items();
  const program: ProgramDescription = {
    name: model.name,
    inputs: inputs.flatMap((spec) => userValue(spec, 'user_input', values)),
    outputs: signature
      .field('output_specs')
      .items()
      .flatMap((spec) => userValue(spec, 'user_output', values)),
    operators: countOperators(nodes.map(targetOf), (target) => isReadable(target, operators)),
    weights: totalWeights(inputs.flatMap((spec) => weightOf(spec, values))),
    remarks: [
      ...describeRanges(ranges),
      ...(nodes.some((node) => targetOf(node) === COND)
        ? ['it has branches (torch.cond), which are read where the predicate is constant']
        : []),
      ...(nodes.some(isSwitchedToTraining)
        ? ['exported in training mode; it is read in evaluation mode']
        : []),
    ],
  };
  return { version, writer, program };
}

function userValue(spec: JsonCursor, wanted: string, values: ProgramValues): ValueDescription[] {
  const [kind, at] = spec.union();
  if (kind !== wanted) return [];
  const [argument, value] = at.field('arg').union();
  if (argument !== 'as_tensor') return [];
  const name = value.field('name').string();
  const meta = values.get(name);
  if (!isTensorMeta(meta)) return value.fail(`is '${name}', of which the graph tells no dtype and shape`);
  return [describeTensor(name, meta)];
}

function weightOf(spec: JsonCursor, values: ProgramValues) {
  if (!tensorOf(spec)) return [];
  const [, at] = spec.union();
  const meta = values.get(at.field('arg').field('name').string());
  if (!isTensorMeta(meta)) return at.fail('is a tensor of which the graph tells no dtype and shape');
  const sizes = meta.shape.filter((size) => typeof size === 'number');
  return [{ dtype: meta.dtype, byteLength: numelOf(sizes) * byteSizeOf(meta.dtype) }];
}
