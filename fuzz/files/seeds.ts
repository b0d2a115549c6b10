import { readFileSync } from 'node:fs';
import { encodeSafetensors } from '../../lib/formats/safetensors.ts';
import { exportOnnx, loadPt2, quantizeStatic, Tensor, writeNpy, writeNpz } from '../../lib/index.ts';
import { linesChanger, npyChanger, safetensorsChanger } from './data.ts';
import { exampleInput } from './exercise.ts';
import { npzChanger } from './npz.ts';
import { changeOctavoFile } from './octavo-file.ts';
import { externalChanger, onnxChanger } from './onnx.ts';
import type { Changer, FileVariant } from './problem.ts';
import { pt2Changer } from './pt2.ts';
import { unzip, zip } from './zip.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url));
const onnx = (path: string) => read(`test/fixtures/onnx/${path}.onnx`);

/**
 * Small honest files of every format, made where they are needed, and what damages them.
 * @param path where a model can be saved.
 */
export async function changers(path: string): Promise<Readonly<Record<FileVariant, Changer>>> {
  const pt2 = read('models/tiny_cnn.pt2');
  const module = await loadPt2(pt2);
  const { octavo, packed } = await savedModels(module, path);
  const x = Tensor.from(
    'uint8',
    new Uint8Array(48).map((_, i) => i),
    [2, 3, 8],
  );
  const y = Tensor.from('int64', [1, -2]);
  const npz = await writeNpz({ x, y, z: Tensor.scalar('float32', 0.5) });
  const ids = Tensor.from('int64', [5, 6, 7, 8], [2, 2]);
  const arrays = {
    tensors: new Map([
      ['input_ids', ids],
      ['attention_mask', ids],
      ['label', y],
    ]),
    metadata: {},
  };
  return {
    octavo: (random) => changeOctavoFile(random, octavo),
    packed: (random) => changeOctavoFile(random, packed),
    pt2: await pt2Changer(pt2),
    rooted: await pt2Changer(await inRoot(pt2)),
    raw: await pt2Changer(read('test/fixtures/cases/pytorch_2.14/qdq_add_conv_avgpool.pt2')),
    onnx: onnxChanger(exportOnnx(module)),
    dynamic: onnxChanger(onnx('torchscript_17/soup1')),
    qdq: onnxChanger(onnx('quantized/cnn.qdq_u8s8_pt')),
    qoperator: onnxChanger(onnx('quantized/cnn.qop_u8s8_pt')),
    external: externalChanger(exportOnnx(module)),
    npz: await npzChanger(npz),
    npy: npyChanger(Buffer.from(writeNpy(ids))),
    safetensors: safetensorsChanger(Buffer.concat(encodeSafetensors(arrays))),
    lines: linesChanger([
      { input_ids: [5, 6], attention_mask: [1, 1], label: 1 },
      { label: 0, attention_mask: [1], input_ids: [7] },
      { input_ids: [1, 2, 3], attention_mask: [1, 1, 1], label: 2 },
    ]),
  };
}

async function savedModels(module: Awaited<ReturnType<typeof loadPt2>>, path: string) {
  using model = await quantizeStatic(module, [exampleInput([8, 3, 32, 32])], { threadsPerStream: 1 });
  await model.run(exampleInput([2, 3, 32, 32]));
  const saved = async (packedWeights: boolean) => {
    await model.save(path, { packedWeights });
    return readFileSync(path);
  };
  return { octavo: await saved(false), packed: await saved(true) };
}

/** Where PyTorch 2.8 has what is at the top of an archive of 2.6. */
const moved: Readonly<Record<string, string>> = {
  'serialized_exported_program.json': 'models/model.json',
  'serialized_state_dict.pt': 'data/weights/model.pt',
  'serialized_constants.pt': 'data/constants/model.pt',
  'serialized_example_inputs.pt': 'data/sample_inputs/model.pt',
};

async function inRoot(flat: Uint8Array): Promise<Buffer> {
  const entries = await unzip(flat);
  const within = entries.flatMap(({ name, data }) =>
    moved[name] === undefined ? [] : [{ name: `tiny/${moved[name]}`, data }],
  );
  return zip([...within, { name: 'tiny/archive_format', data: Buffer.from('pt2') }]);
}
