import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile, type DType, type Tensor } from '../../../lib/runtime/index.ts';
import { type InferenceServer, serve } from '../../../lib/serve/index.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { convNet } from '../../support/models.ts';
import { bytesOf, saveEchoes, saveNetwork } from '../client.ts';
import { GrpcClient } from './client.ts';

let folder: string;
let server: InferenceServer;
let client: GrpcClient;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-serve-'));
  await saveNetwork(join(folder, 'network.octavo'));
  await saveEchoes(join(folder, 'echoes.octavo'));
  await saveEchoes(
    join(folder, 'lists.octavo'),
    datatypes.map(([dtype]) => dtype),
  );
  await saveHalves(join(folder, 'halves.octavo'));
  server = await serve({ models: folder, port: 0, grpcPort: 0, bodyLimit: 16 * 2 ** 20 });
  client = new GrpcClient(server.grpcAddress!);
});
afterAll(async () => {
  client[Symbol.dispose]();
  await server.close();
  await rm(folder, { recursive: true });
});

const x = uniform([2, 3, 8, 8], -1, 1, 1);
const input = { name: 'x', shape: x.shape, datatype: 'FP32' };

/** What the model answers when it is run here. */
async function expected(given: Tensor): Promise<Tensor> {
  using model = compile(convNet());
  return Object.values(await model.run(given))[0];
}

describe('a request in bytes', () => {
  it('gives the bits that run gives, wherever its bytes lie in the message', async () => {
    const y = await expected(x);
    // Each letter of the id moves what follows by a byte.
    for (const id of ['', 'a', 'ab', 'abc', 'abcd']) {
      const message = { model_name: 'network', id, inputs: [input], raw_input_contents: [bytesOf(x)] };
      const answer = (await client.ask('ModelInfer', message)).message;
      expect(answer).toMatchObject({ model_name: 'network', model_version: '1', id });
      expect(answer.outputs).toEqual([
        { name: 'linear_default', datatype: 'FP32', shape: [2, 5], parameters: {}, contents: null },
      ]);
      expect(answer.raw_output_contents).toHaveLength(1);
      expect(answer.raw_output_contents[0].equals(bytesOf(y))).toBe(true);
    }
  });

  it('may be larger than the 4 MiB that gRPC has by default', async () => {
    const many = uniform([7000, 3, 8, 8], -1, 1, 2);
    expect(many.byteLength).toBeGreaterThan(5 * 2 ** 20);
    const inputs = [{ ...input, shape: many.shape }];
    const message = { model_name: 'network', inputs, raw_input_contents: [bytesOf(many)] };
    const answer = (await client.ask('ModelInfer', message)).message;
    expect(answer.raw_output_contents[0].equals(bytesOf(await expected(many)))).toBe(true);
  });
});

describe('a request in lists', () => {
  it('gives the bits that run gives', async () => {
    const y = await expected(x);
    for (const id of ['', 'a', 'ab', 'abc']) {
      const inputs = [{ ...input, contents: { fp32_contents: x.toArray() } }];
      const answer = (await client.ask('ModelInfer', { model_name: 'network', id, inputs })).message;
      expect(answer.outputs).toHaveLength(1);
      expect(answer.outputs[0]).toMatchObject({ name: 'linear_default', datatype: 'FP32', shape: [2, 5] });
      expect(answer.outputs[0].contents.fp32_contents).toEqual(y.toArray());
      expect(answer.raw_output_contents).toEqual([]);
    }
  });
});

/** The elements of every datatype that has a list, with its name in messages, and their bytes. */
const datatypes: readonly [DType, string, string, readonly unknown[], ArrayBufferView][] = [
  ['float32', 'FP32', 'fp32_contents', [0.5, -2, Infinity, -0], new Float32Array([0.5, -2, Infinity, -0])],
  ['float64', 'FP64', 'fp64_contents', [0.1, -2, 1e300, NaN], new Float64Array([0.1, -2, 1e300, NaN])],
  ['int8', 'INT8', 'int_contents', [-128, 127, 0, 1], new Int8Array([-128, 127, 0, 1])],
  ['int16', 'INT16', 'int_contents', [-32768, 32767, 0, 1], new Int16Array([-32768, 32767, 0, 1])],
  [
    'int32',
    'INT32',
    'int_contents',
    [-(2 ** 31), 2 ** 31 - 1, 0, 1],
    new Int32Array([-(2 ** 31), 2 ** 31 - 1, 0, 1]),
  ],
  [
    'int64',
    'INT64',
    'int64_contents',
    [-(2 ** 53) + 1, 2 ** 53 - 1, -1, 1],
    new BigInt64Array([-(2n ** 53n) + 1n, 2n ** 53n - 1n, -1n, 1n]),
  ],
  ['uint8', 'UINT8', 'uint_contents', [0, 255, 1, 2], new Uint8Array([0, 255, 1, 2])],
  ['uint16', 'UINT16', 'uint_contents', [0, 65535, 1, 2], new Uint16Array([0, 65535, 1, 2])],
  ['bool', 'BOOL', 'bool_contents', [true, false, false, true], new Uint8Array([1, 0, 0, 1])],
];
const halves = new Uint16Array([0x3f80, 0, 0x7fc0, 1]);
const bytes = (view: ArrayBufferView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength);

const tensors = datatypes.map(([name, datatype, list, data]) => ({
  tensor: { name, datatype, shape: [2, 2] },
  contents: { [list]: data },
}));

describe('every datatype', () => {
  /** What a model that answers with its inputs answers. */
  async function echoed(message: object) {
    const { code, details, message: answer } = await client.ask('ModelInfer', message);
    expect([code, details]).toEqual(['OK', '']);
    return answer;
  }

  it('in bytes', async () => {
    const inputs = [
      ...tensors.map(({ tensor }) => tensor),
      { name: 'bfloat16', datatype: 'BF16', shape: [2, 2] },
    ];
    const raw = [...datatypes.map(([, , , , data]) => bytes(data)), bytes(halves)];
    const answer = await echoed({ model_name: 'echoes', inputs, raw_input_contents: raw });
    expect(answer.outputs).toMatchObject(inputs.map(({ datatype, shape }) => ({ datatype, shape })));
    expect(answer.raw_output_contents).toEqual(raw);
  });

  it('in lists', async () => {
    const inputs = tensors.map(({ tensor, contents }) => ({ ...tensor, contents }));
    const answer = await echoed({ model_name: 'lists', inputs });
    expect(answer.raw_output_contents).toEqual([]);
    for (const [i, [, datatype, list, data]] of datatypes.entries()) {
      expect(answer.outputs[i]).toMatchObject({ datatype, shape: [2, 2] });
      expect(answer.outputs[i].contents[list]).toEqual(data);
    }
  });

  it('that has no list makes all of the answer bytes', async () => {
    const inputs = [
      { name: 'x', datatype: 'FP32', shape: [4], contents: { fp32_contents: [1, -2, 0.5, 0] } },
    ];
    const answer = await echoed({ model_name: 'halves', inputs });
    expect(answer.outputs).toMatchObject([{ datatype: 'BF16' }, { datatype: 'FP32' }]);
    expect(answer.outputs.map(({ contents }: { contents: unknown }) => contents)).toEqual([null, null]);
    // bfloat16 is the upper half of float32.
    expect(answer.raw_output_contents).toEqual([
      bytes(new Uint16Array([0x3f80, 0xc000, 0x3f00, 0])),
      bytes(new Float32Array([1, -2, 0.5, 0])),
    ]);
  });

  it('in the order in which outputs are asked for', async () => {
    const inputs = [
      { name: 'x', datatype: 'FP32', shape: [4], contents: { fp32_contents: [1, -2, 0.5, 0] } },
    ];
    const { outputs: all } = await echoed({ model_name: 'halves', inputs });
    const name = all[1].name;
    const { outputs, raw_output_contents: raw } = await echoed({
      model_name: 'halves',
      inputs,
      outputs: [{ name }],
    });
    expect(raw).toEqual([]);
    expect(outputs).toMatchObject([{ name, datatype: 'FP32', contents: { fp32_contents: [1, -2, 0.5, 0] } }]);
  });
});

/** Lists of float32 and bfloat16 of one input. */
async function saveHalves(path: string): Promise<void> {
  const b = new GraphBuilder();
  const x = b.input('x', [4]);
  const half = b.call('aten.to.dtype', x, 'bfloat16');
  using model = compile(b.finish(half, b.call('aten.clone.default', x)));
  await model.save(path);
}
