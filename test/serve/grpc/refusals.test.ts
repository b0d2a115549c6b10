import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type InferenceServer, serve } from '../../../lib/serve/index.ts';
import { uniform } from '../../support/graph-builder.ts';
import { bytesOf, saveNetwork } from '../client.ts';
import { GrpcClient } from './client.ts';

let folder: string;
let server: InferenceServer;
let client: GrpcClient;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-serve-'));
  await saveNetwork(join(folder, 'network.octavo'));
  server = await serve({ models: folder, port: 0, grpcPort: 0, bodyLimit: 2 ** 20 });
  client = new GrpcClient(server.grpcAddress!);
});
afterAll(async () => {
  client[Symbol.dispose]();
  await server.close();
  await rm(folder, { recursive: true });
});

describe('gRPC refuses', () => {
  const x = uniform([1, 3, 8, 8], -1, 1, 1);
  const input = { name: 'x', shape: x.shape, datatype: 'FP32' };
  const listed = { ...input, contents: { fp32_contents: x.toArray() } };
  const infer = (message: object) => ({ model_name: 'network', ...message });
  const raw = [bytesOf(x)];
  const priority = (value: object) =>
    infer({ inputs: [input], raw_input_contents: raw, parameters: { priority: value } });

  const wrong: readonly [string, string, object, string, RegExp][] = [
    [
      'a model that there is not',
      'ModelInfer',
      { model_name: 'no', inputs: [listed] },
      'NOT_FOUND',
      /model 'no' is not loaded/,
    ],
    ['its metadata', 'ModelMetadata', { name: 'no' }, 'NOT_FOUND', /model 'no' is not loaded/],
    [
      'another version',
      'ModelInfer',
      infer({ model_version: '2', inputs: [listed] }),
      'NOT_FOUND',
      /not '2'/,
    ],
    ['no inputs', 'ModelInfer', infer({}), 'INVALID_ARGUMENT', /at least one/],
    [
      'no name',
      'ModelInfer',
      infer({ inputs: [{ ...listed, name: '' }] }),
      'INVALID_ARGUMENT',
      /name of inputs\[0\]/,
    ],
    [
      'two of a name',
      'ModelInfer',
      infer({ inputs: [listed, listed] }),
      'INVALID_ARGUMENT',
      /two inputs 'x'/,
    ],
    [
      'an input that the model does not have',
      'ModelInfer',
      infer({ inputs: [{ ...listed, name: 'z' }] }),
      'INVALID_ARGUMENT',
      /'z'/,
    ],
    [
      'another rank',
      'ModelInfer',
      infer({ inputs: [{ ...listed, shape: [192] }] }),
      'INVALID_ARGUMENT',
      /input 'x' must be float32\[s0, 3, 8, 8\]/,
    ],
    [
      'a negative extent',
      'ModelInfer',
      infer({ inputs: [{ ...listed, shape: [-1, 3] }] }),
      'INVALID_ARGUMENT',
      /shape must hold whole numbers/,
    ],
    [
      'a huge shape',
      'ModelInfer',
      infer({ inputs: [{ ...listed, shape: [2 ** 40, 2 ** 40] }] }),
      'INVALID_ARGUMENT',
      /no memory holds/,
    ],
    [
      'another number of elements',
      'ModelInfer',
      infer({ inputs: [{ ...listed, shape: [2, 3, 8, 8] }] }),
      'INVALID_ARGUMENT',
      /inputs\[0\].contents.fp32_contents holds 192 elements, its shape 384/,
    ],
    [
      'the list of another datatype',
      'ModelInfer',
      infer({ inputs: [{ ...input, contents: { int_contents: [1] } }] }),
      'INVALID_ARGUMENT',
      /FP32 is in fp32_contents, not in int_contents/,
    ],
    ['no contents at all', 'ModelInfer', infer({ inputs: [input] }), 'INVALID_ARGUMENT', /holds 0 elements/],
    [
      'an element out of range',
      'ModelInfer',
      infer({
        inputs: [{ name: 'x', shape: [2], datatype: 'INT8', contents: { int_contents: [127, 128] } }],
      }),
      'INVALID_ARGUMENT',
      /element 1, 128, is no INT8/,
    ],
    [
      'a datatype that there is not',
      'ModelInfer',
      infer({ inputs: [{ ...input, datatype: 'FP31' }] }),
      'INVALID_ARGUMENT',
      /no model takes "FP31"/,
    ],
    ...['BYTES', 'UINT32', 'UINT64'].map((datatype): (typeof wrong)[0] => [
      datatype,
      'ModelInfer',
      infer({ inputs: [{ ...input, datatype }], raw_input_contents: raw }),
      'INVALID_ARGUMENT',
      new RegExp(`no model takes "${datatype}"`),
    ]),
    [
      'halves in lists',
      'ModelInfer',
      infer({ inputs: [{ ...listed, datatype: 'FP16' }] }),
      'INVALID_ARGUMENT',
      /FP16 has no contents; send it in raw_input_contents/,
    ],
    [
      'lists and bytes',
      'ModelInfer',
      infer({ inputs: [listed], raw_input_contents: raw }),
      'INVALID_ARGUMENT',
      /both contents and raw_input_contents/,
    ],
    [
      'bytes for some of the inputs',
      'ModelInfer',
      infer({ inputs: [input, listed], raw_input_contents: raw }),
      'INVALID_ARGUMENT',
      /bytes of all 2 inputs, or none; it has 1/,
    ],
    [
      'bytes that are missing',
      'ModelInfer',
      infer({ inputs: [input], raw_input_contents: [raw[0].subarray(1)] }),
      'INVALID_ARGUMENT',
      /must have 768 bytes, those of FP32 \[1, 3, 8, 8\], got 767/,
    ],
    [
      'a byte that is no BOOL',
      'ModelInfer',
      infer({ inputs: [{ name: 'x', shape: [1], datatype: 'BOOL' }], raw_input_contents: [Buffer.of(2)] }),
      'INVALID_ARGUMENT',
      /a byte of BOOL is 0 or 1/,
    ],
    [
      'an output that the model does not have',
      'ModelInfer',
      infer({ inputs: [listed], outputs: [{ name: 'no' }] }),
      'INVALID_ARGUMENT',
      /no output 'no'/,
    ],
    [
      'a word for a priority',
      'ModelInfer',
      priority({ string_param: 'first' }),
      'INVALID_ARGUMENT',
      /parameters.priority must be a whole number from 0 to 255, got "first"/,
    ],
    [
      'a priority that there is not',
      'ModelInfer',
      priority({ int64_param: 256 }),
      'INVALID_ARGUMENT',
      /got 256/,
    ],
    [
      'too much',
      'ModelInfer',
      infer({ inputs: [input], raw_input_contents: [Buffer.alloc(2 ** 20)] }),
      'RESOURCE_EXHAUSTED',
      /larger than max/,
    ],
    [
      'a load, which clients may not ask for',
      'RepositoryModelLoad',
      { model_name: 'network' },
      'PERMISSION_DENIED',
      /model control: none/,
    ],
    [
      'an unload',
      'RepositoryModelUnload',
      { model_name: 'network' },
      'PERMISSION_DENIED',
      /model control: none/,
    ],
  ];
  it.each(wrong)('%s', async (_, method, message, code, details) => {
    const answer = await client.ask(method, message);
    expect(answer.details).toMatch(details);
    expect(answer.code).toBe(code);
  });

  it('names of any length and letters, without harm to the connection', async () => {
    for (const name of [
      'x'.repeat(100_000),
      '\u{1f600}'.repeat(50_000),
      `${'x'.repeat(1000)}\u{1f600}`.repeat(9),
    ]) {
      const { code, details } = await client.ask('ModelMetadata', { name });
      expect(code).toBe('NOT_FOUND');
      expect(details.length).toBeLessThanOrEqual(1024);
    }
  });
});
