import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../../lib/runtime/index.ts';
import { ProtocolError } from '../../../lib/serve/errors.ts';
import { decodeInferRequest } from '../../../lib/serve/grpc/infer-message.ts';
import { readInferRequest } from '../../../lib/serve/grpc/infer-request.ts';
import { serviceDefinition } from '../../../lib/serve/grpc/schema.ts';
import { type InferenceServer, serve } from '../../../lib/serve/index.ts';
import { GraphBuilder } from '../../support/graph-builder.ts';
import { GrpcClient } from './client.ts';

// Messages written byte by byte, by https://protobuf.dev/programming-guides/encoding/: a tag is the field's number times 8 plus how
// the value is stored (0: varint, 1: eight bytes, 2: a length and so many bytes, 5: four bytes).

/** Bytes and text, one after the other. */
const wire = (...pieces: readonly (number | string | Buffer)[]): Buffer =>
  Buffer.concat(pieces.map((piece) => (typeof piece === 'number' ? Buffer.of(piece) : Buffer.from(piece))));

/** A field of fewer than 2^14 bytes. */
const field = (number: number, ...pieces: readonly (number | string | Buffer)[]): Buffer => {
  const bytes = wire(...pieces);
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7];
  return wire(number * 8 + 2, ...length, bytes);
};

const one = [0, 0, 0x80, 0x3f];
const two = [0, 0, 0, 0x40];

/** A message for the model below: x is [2]. */
const request = (...input: readonly Buffer[]) =>
  wire(field(1, 'same'), field(5, field(1, 'x'), field(2, 'FP32'), ...input));

describe('messages of known bytes', () => {
  let folder: string;
  let server: InferenceServer;
  let client: GrpcClient;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'octavo-serve-'));
    const b = new GraphBuilder();
    using model = compile(b.finish(b.call('aten.clone.default', b.input('x', [2]))));
    await model.save(join(folder, 'same.octavo'));
    server = await serve({ models: folder, port: 0, grpcPort: 0 });
    client = new GrpcClient(server.grpcAddress!);
  });
  afterAll(async () => {
    client[Symbol.dispose]();
    await server.close();
    await rm(folder, { recursive: true });
  });

  const shape = field(3, 2);
  const floats: readonly [string, Buffer][] = [
    ['packed', request(shape, field(5, field(6, ...one, ...two)))],
    ['one by one', request(shape, field(5, 0x35, ...one, 0x35, ...two))],
    ['packed in pieces', request(shape, field(5, field(6, ...one), field(6, ...two)))],
    ['one packed, one not', request(shape, field(5, field(6, ...one), 0x35, ...two))],
    ['in two messages', request(shape, field(5, field(6, ...one)), field(5, field(6, ...two)))],
    ['before the shape', request(field(5, field(6, ...one, ...two)), shape)],
    ['with a shape that is not packed', request(wire(0x18, 2), field(5, field(6, ...one, ...two)))],
    [
      'beside unknown fields',
      request(shape, field(9, 'abc'), wire(0x50, 1), field(5, field(6, ...one, ...two))),
    ],
    ['in bytes', wire(request(shape), field(7, ...one, ...two))],
  ];
  it.each(floats)('floats %s', async (_, bytes) => {
    const { code, details, message } = await client.ask('ModelInfer', bytes);
    expect([code, details]).toEqual(['OK', '']);
    const [raw] = message.raw_output_contents;
    expect(raw ? [...raw] : message.outputs[0].contents.fp32_contents).toEqual(
      raw ? [...one, ...two] : [1, 2],
    );
  });

  const broken: readonly [string, Buffer, RegExp][] = [
    ['cut within a string', Buffer.from([0x0a, 9, 0x61]), /not the protobuf message .*index out of range/],
    ['cut within a tag', Buffer.from([0x80]), /not the protobuf message/],
    ['a field of number 0', Buffer.from([2, 0]), /not the protobuf message/],
    ['a wire type that there is not', Buffer.from([0x0f, 0]), /not the protobuf message .*wire type 7/],
    ['a name that is no UTF-8', Buffer.of(0x0a, 2, 0xc0, 0x80), /a string that ends at 4 is no UTF-8/],
    ['text', Buffer.from('{"model_name": "same"}'), /not the protobuf message/],
    [
      'three floats',
      request(shape, field(5, field(6, ...one, ...two, ...one))),
      /holds 3 elements, its shape 2/,
    ],
    [
      'a float and a half',
      request(field(3, 1), field(5, field(6, ...one, 0, 0))),
      /not the protobuf message/,
    ],
    ['a list that ends within an element', request(field(3, 0x80)), /not the protobuf message/],
    ['5000 inputs', Buffer.alloc(10_000, field(5)), /inputs must hold no more than 4096/],
    ['5000 extents', request(field(3, 1, 1), ...Array(5000).fill(wire(0x18, 1))), /shape must hold no more/],
  ];
  it.each(broken)('refuses %s', async (_, bytes, message) => {
    const { code, details } = await client.ask('ModelInfer', bytes);
    expect(details).toMatch(message);
    expect(code).toBe('INVALID_ARGUMENT');
  });

  it('reads any bytes, or says that they are no message', () => {
    const [[, whole]] = floats;
    const damaged = fc
      .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 3 })
      .map((changes) =>
        changes.reduce((bytes, [at, byte]) => Buffer.from(bytes).fill(byte, at, at + 1), whole),
      );
    const anything = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(damaged, anything), (bytes) => {
        try {
          readInferRequest(decodeInferRequest(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
          expect((error as ProtocolError).status).toBe(400);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses 32 million inputs of two bytes each without an object for each', async () => {
    const before = process.memoryUsage().heapUsed;
    const bytes = Buffer.alloc(32 * 2 ** 20, field(5));
    expect(() => decodeInferRequest(bytes)).toThrow('inputs must hold no more than 4096 entries');
    // A generated decoder makes objects of 150 bytes, 2.5 GB in all.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100 * 2 ** 20);
  });

  it('refuses a message that is too large for its method', async () => {
    const bytes = Buffer.alloc(2 ** 20 + 1);
    expect(await client.ask('ServerLive', bytes)).toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: 'a ServerLiveRequest must have no more than 1048576 bytes, got 1048577',
    });
  });

  it('writes its answers so', () => {
    const { responseSerialize } = serviceDefinition('inference.GRPCInferenceService').ModelInfer;
    const head = [field(1, 'same'), field(2, '1'), field(3, 'id')];
    const tensor = [field(1, 'y'), field(2, 'FP32'), field(3, 2)];
    const message = { modelName: 'same', modelVersion: '1', id: 'id', rawOutputContents: [] };
    const output = { name: 'y', datatype: 'FP32', shape: [2] };
    const contents = { fp32Contents: new Float32Array([1, 2]) };
    const listed = { ...message, outputs: [{ ...output, contents }] };
    expect(responseSerialize(listed)).toEqual(
      wire(...head, field(5, ...tensor, field(5, field(6, ...one, ...two)))),
    );
    const raw = { ...message, outputs: [output], rawOutputContents: [Buffer.from([...one, ...two])] };
    expect(responseSerialize(raw)).toEqual(wire(...head, field(5, ...tensor), field(6, ...one, ...two)));
  });

  it('reads parameters of every kind', () => {
    const parameter = (name: string, ...value: readonly number[]) =>
      field(4, field(1, name), field(2, ...value));
    const bytes = wire(
      parameter('bool', 8, 1),
      parameter('int64', 0x10, ...Array(9).fill(0xff), 1),
      parameter('string', 0x1a, 1, 0x61),
      parameter('double', 0x21, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f),
      parameter('uint64', 0x28, 0x80, 1),
      parameter('none'),
    );
    const { parameters } = decodeInferRequest(bytes);
    expect(parameters).toEqual({
      bool: true,
      int64: -1,
      string: 'a',
      double: 1,
      uint64: 128,
      none: undefined,
    });
  });
});
