import { deflateSync, gzipSync } from 'node:zlib';
import { changeBytes } from '../files/bytes.ts';
import { nastyNumbers } from '../nasty-numbers.ts';
import type { Random } from '../random.ts';
import { drawMessage } from './messages.ts';
import type { Call, GrpcProblem } from './problem.ts';

type Drawn = Pick<GrpcProblem, 'what' | 'call' | 'bytes' | 'message' | 'isValid'>;

/** A message as gRPC frames it: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md. */
export function framed(message: Buffer, flag = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

const whole = (pieces: readonly Buffer[], headers: Call['headers'] = {}, isReset = false): Call => ({
  headers,
  pieces,
  isReset,
});
const open = (call: Call) => ({ call, message: undefined, isValid: false });
const right = (call: Call, message: Buffer) => ({ call, message, isValid: true });

type Draw = (random: Random, message: Buffer) => Pick<Drawn, 'call' | 'message' | 'isValid'>;

const ways: readonly (readonly [weight: number, what: string, Draw])[] = [
  [
    10,
    'bytes',
    (random, message) => {
      const { value } = changeBytes(random, message);
      return { call: whole([framed(value)]), message: value, isValid: false };
    },
  ],
  [
    2,
    'in pieces',
    (random, message) => {
      const bytes = framed(message);
      const at = random.integer(0, bytes.length);
      return right(whole([bytes.subarray(0, at), bytes.subarray(at)]), message);
    },
  ],
  [
    2,
    'compressed',
    (random, message) => {
      const [encoding, bytes] = random.pick([
        ['gzip', gzipSync(message)],
        ['deflate', deflateSync(message)],
        ['identity', message],
      ] as const);
      return right(
        whole([framed(bytes, encoding === 'identity' ? 0 : 1)], { 'grpc-encoding': encoding }),
        message,
      );
    },
  ],
  [
    3,
    'badly compressed',
    (random, message) => {
      const encoding = random.pick(['gzip', 'deflate', 'identity', 'br', '', 'gzip, gzip', 'x']);
      const packed = gzipSync(message);
      const bytes = random.pick([
        message,
        packed.subarray(0, packed.length / 2),
        changeBytes(random, packed).value,
        gzipSync(Buffer.alloc(8 * 2 ** 20)),
        Buffer.alloc(0),
      ]);
      return open(whole([framed(bytes, random.pick([1, 1, 2, 255]))], { 'grpc-encoding': encoding }));
    },
  ],
  [
    3,
    'another length',
    (random, message) => {
      const length = random.pick([...nastyNumbers.map(Math.trunc), message.length - 1, message.length + 1]);
      return open(whole([framed(message, 0, length >= 0 && length < 2 ** 32 ? length : 2 ** 32 - 1)]));
    },
  ],
  [1, 'two messages', (_, message) => open(whole([framed(message), framed(message)]))],
  [1, 'no message', () => open(whole([]))],
  [
    1,
    'empty pieces',
    (_, message) => right(whole([Buffer.alloc(0), framed(message), Buffer.alloc(0)]), message),
  ],
  [
    2,
    'half a message',
    (random, message) => {
      const bytes = framed(message);
      return open(whole([bytes.subarray(0, random.integer(0, bytes.length - 1))], {}, random.chance(0.5)));
    },
  ],
  [1, 'a whole message that is reset', (_, message) => open(whole([framed(message)], {}, true))],
  [3, 'unusual metadata', (random, message) => open(whole([framed(message)], random.pick(unusual)))],
  [
    1,
    'another method',
    (random, message) => {
      const path = `/${random.pick(['inference.GRPCInferenceService', 'grpc.health.v1.Health', 'a.B', ''])}`;
      const method = random.pick([...methods, 'Nothing', '', '__proto__', 'a'.repeat(500)]);
      return open(whole([framed(message)], { ':path': `${path}/${method}` }));
    },
  ],
];

const methods = [
  ...['ServerLive', 'ServerReady', 'ModelReady', 'ServerMetadata', 'ModelMetadata', 'ModelStatistics'],
  ...['RepositoryIndex', 'RepositoryModelLoad', 'RepositoryModelUnload', 'Check'],
];

const unusual: readonly Readonly<Record<string, string>>[] = [
  ...['0n', '1n', '99999999H', '99999999S', '100S', 'x', '-1S', '1', '', '1 S', '123456789S'].map(
    (timeout) => ({
      'grpc-timeout': timeout,
    }),
  ),
  ...['application/grpc+proto', 'application/grpc-web', 'application/json', '', 'application/grpc+json'].map(
    (type) => ({
      'content-type': type,
    }),
  ),
  ...['GET', 'PUT', 'OPTIONS'].map((method) => ({ ':method': method })),
  ...['', 'two words', 'a'.repeat(3000)].map((id) => ({ 'x-request-id': id })),
  { 'some-bin': '!!! no base64' },
  { traceparent: '00-zz-zz-zz', baggage: 'a'.repeat(5000) },
  { 'x-long': 'a'.repeat(60_000) },
  { 'x-long': 'a'.repeat(10_000), 'grpc-accept-encoding': 'x' },
  { authorization: 'Bearer something', cookie: 'a=b; c=d' },
];

/** Requests that are right or wrong, in calls that are right or wrong, over connections that are right. */
export function drawFrames(random: Random): Drawn {
  const [what, draw] = random.weighted(
    ways.map(([weight, what, draw]) => [weight, [what, draw] as const] as const),
  );
  return { what, bytes: Buffer.alloc(0), ...draw(random, drawMessage(random)) };
}
