import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { describeOnnx, describePt2, loadOnnx, loadPt2 } from '../../lib/capture/index.ts';
import { spareLargeTensors } from '../../lib/capture/onnx/reader/large-tensors.ts';
import { decodeOnnx } from '../../lib/capture/onnx/schema.ts';
import { BytesInFile } from '../../lib/formats/byte-source.ts';
import type { GraphModule } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { FileTensor } from '../../lib/native/file-tensor.ts';
import { compile } from '../../lib/runtime/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';
import { unzip, zip } from '../support/archives.ts';
import { encode, modelMessage, onnxModel, randomTensor } from '../support/onnx-model.ts';

const folder = mkdtempSync(join(tmpdir(), 'octavo-large-weights-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** 64 KiB and more stay in the file. */
const weight = randomTensor([64, 256], 1);
const bias = randomTensor([64], 2);

const linear = {
  opset: 17,
  inputs: { x: ['float32', ['n', 256]] },
  outputs: ['y'],
  nodes: [{ op: 'Gemm', inputs: ['x', 'w', 'b'], outputs: ['y'], attributes: { transB: 1 } }],
  initializers: { b: bias, w: weight },
} as const;

function written(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

async function resultOf(module: GraphModule, x: Tensor): Promise<Tensor> {
  using model = compile(lower(module).module, { threadsPerStream: 1 });
  return Object.values(await model.run([x]))[0];
}

const inFile = (module: GraphModule) =>
  [...module.attributes.values()].filter((tensor) => tensor instanceof FileTensor).length;

/** In float64; float32 sums of 256 products of numbers up to 1 are exact to this. */
const tolerance = 256 * 2 ** -23;
function expectProduct(y: Tensor, x: Tensor): void {
  const wanted = Array.from({ length: 2 * 64 }, (_, i) => {
    const [row, column] = [Math.floor(i / 64), i % 64];
    let sum = Number(bias.data[column]);
    for (let k = 0; k < 256; k++)
      sum += Number(x.data[row * 256 + k]) * Number(weight.data[column * 256 + k]);
    return sum;
  });
  for (const [i, value] of y.toArray().entries()) expect(Math.abs(value - wanted[i])).toBeLessThan(tolerance);
}

describe('large weights of ONNX files', () => {
  const x = randomTensor([2, 256], 3);

  it('stay in the file', async () => {
    const module = await loadOnnx(written('linear.onnx', onnxModel(linear)));
    expect(inFile(module)).toBe(1);
    expectProduct(await resultOf(module, x), x);
    expect([...module.attributes.values()].find(({ shape }) => shape.length === 2)?.data).toEqual(
      weight.data,
    );
  });

  it('stay in a file beside it', async () => {
    written('data.bin', Buffer.concat([Buffer.alloc(4), weight.bytes()]));
    const message = modelMessage(linear) as { graph: { initializer: Record<string, unknown>[] } };
    const tensor = message.graph.initializer.find(({ name }) => name === 'w')!;
    delete tensor.rawData;
    tensor.dataLocation = 1;
    tensor.externalData = [
      { key: 'location', value: 'data.bin' },
      { key: 'offset', value: '4' },
    ];
    const module = await loadOnnx(written('beside.onnx', encode(message)));
    expect(inFile(module)).toBe(1);
    expectProduct(await resultOf(module, x), x);
  });

  it('are refused once the file was written to', async () => {
    const path = written('changed.onnx', onnxModel(linear));
    const module = await loadOnnx(path);
    writeFileSync(path, Buffer.alloc(100));
    await expect(resultOf(module, x)).rejects.toThrow(`weights of ${path} cannot be read`);
  });

  /** Reads what is left of a file without its large tensors, and these. */
  function spare(name: string, bytes: Uint8Array) {
    const file = BytesInFile.open(written(name, bytes));
    try {
      const spared = spareLargeTensors(file);
      return spared && { bytes: spared.bytes, contents: [...spared.contents].map(([i, c]) => [i, c.read()]) };
    } finally {
      file.close();
    }
  }

  it('are found by the lengths that stand before them', () => {
    const bytes = onnxModel(linear);
    const spared = spare('spared.onnx', bytes)!;
    expect(spared.bytes.length).toBeLessThan(1000);
    expect(spared.contents).toEqual([[1, weight.bytes()]]);
    const whole = decodeOnnx('ModelProto', bytes) as { graph: { initializer: { rawData?: unknown }[] } };
    delete whole.graph.initializer[1].rawData;
    expect(decodeOnnx('ModelProto', spared.bytes)).toEqual(whole);
  });

  it('are left to the decoder in files that are cut short, or have two graphs', () => {
    const bytes = onnxModel(linear);
    expect(spare('cut.onnx', bytes.subarray(0, bytes.length - 9))).toBeUndefined();
    expect(spare('twice.onnx', Buffer.concat([bytes, bytes]))).toBeUndefined();
  });

  it('are not read when a file is described', async () => {
    const path = written('described.onnx', onnxModel(linear));
    const file = BytesInFile.open(path);
    const spared = spareLargeTensors(file)!;
    file.close();
    expect(spared.bytes.length).toBeLessThan(1000);
    expect((await describeOnnx(path)).programs[0].weights).toEqual([
      { dtype: 'float32', tensors: 2, bytes: weight.byteLength + bias.byteLength },
    ]);
  });
});

describe('large weights of .pt2 files', () => {
  const source = 'models/glyph_resnet.pt2';

  it('stay in the file, and give what those in memory give', async () => {
    const x = randomTensor([2, 3, 32, 32], 4);
    const fromFile = await loadPt2(source);
    expect(inFile(fromFile)).toBe(2);
    const fromBytes = await loadPt2(readFileSync(source));
    expect(inFile(fromBytes)).toBe(0);
    const shape = fromFile.graph.placeholders[0].meta.val as { shape: readonly unknown[] };
    const input = randomTensor([2, ...(shape.shape.slice(1) as number[])], x.numel);
    expect(await resultOf(fromFile, input)).toEqual(await resultOf(fromBytes, input));
    // Lowering folds batch norms into weights of the copy alone.
    for (const [name, tensor] of fromFile.attributes)
      expect(tensor.data).toEqual(fromBytes.attributes.get(name)!.data);
  });

  it('are refused where they are damaged, and not read when a file is described', async () => {
    const path = join(folder, 'damaged.pt2');
    copyFileSync(source, path);
    const bytes = readFileSync(path);
    const state = (await unzip(bytes)).get('serialized_state_dict.pt')!;
    const large = [...(await unzip(state)).values()].toSorted((a, b) => b.length - a.length)[0];
    bytes[bytes.indexOf(large) + 5] ^= 1;
    writeFileSync(path, bytes);
    await expect(resultOf(await loadPt2(path), randomTensor([1, 3, 32, 32]))).rejects.toThrow(
      /weights of .*damaged\.pt2 cannot be read: entry '.*\/data\/\d+' is damaged: its checksum does not match/,
    );
    expect((await describePt2(path)).programs).toHaveLength(1);
  });

  it('are read at once where the archive is compressed', async () => {
    const entries = await unzip(readFileSync(source));
    const module = await loadPt2(written('compressed.pt2', await zip(entries, true)));
    expect(inFile(module)).toBe(0);
    expect(module.attributes.size).toBeGreaterThan(0);
  });
});
