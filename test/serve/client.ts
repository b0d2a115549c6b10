import { compile } from '../../lib/runtime/index.ts';
import type { InferenceServer } from '../../lib/serve/index.ts';
import type { DType, Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder } from '../support/graph-builder.ts';
import { convNet } from '../support/models.ts';

/** A network over `x` [s0, 3, 8, 8]. */
export async function saveNetwork(path: string): Promise<void> {
  using model = compile(convNet());
  await model.save(path);
}

const dtypes: readonly DType[] = [
  ...(['float32', 'float64', 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'bool'] as const),
  'bfloat16',
];

/** A graph of every dtype that graphs compute with, or of these: each output is its input. */
export async function saveEchoes(path: string, of = dtypes): Promise<void> {
  const b = new GraphBuilder();
  const outputs = of.map((dtype) => b.call('aten.clone.default', b.input(dtype, [2, 2], dtype)));
  using model = compile(b.finish(...outputs));
  await model.save(path);
}

/** What a server answered. */
export interface Answer {
  readonly status: number;
  readonly json: Record<string, unknown>;
  readonly rest: Buffer;
}

/** Asks a server below `/v2`: with POST if there is a body. */
export async function ask(
  server: InferenceServer,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const isBytes = body instanceof Uint8Array;
  const response = await fetch(`${server.url}/v2${path}`, {
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { method: 'POST', body: isBytes ? body : JSON.stringify(body) }),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const jsonBytes = Number(response.headers.get('inference-header-content-length') ?? bytes.length);
  const json = JSON.parse(bytes.subarray(0, jsonBytes).toString() || '{}');
  return { status: response.status, json, rest: bytes.subarray(jsonBytes) };
}

export const bytesOf = ({ data }: Tensor) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

/** A body of the binary tensor data extension. */
export function withBytes(json: unknown, ...chunks: Uint8Array[]): [Uint8Array, Record<string, string>] {
  const header = Buffer.from(JSON.stringify(json));
  return [
    Buffer.concat([header, ...chunks]),
    { 'content-type': 'application/octet-stream', 'inference-header-content-length': `${header.length}` },
  ];
}
