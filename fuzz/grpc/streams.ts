import { changeBytes } from '../files/bytes.ts';
import type { Random } from '../random.ts';
import { framed } from './frames.ts';
import { flags, frame, frameTypes, headerBlock, preface, setting, words } from './http2.ts';
import { drawMessage } from './messages.ts';
import type { GrpcProblem } from './problem.ts';

type Drawn = Pick<GrpcProblem, 'what' | 'call' | 'bytes' | 'message' | 'isValid'>;

const headers: readonly (readonly [string, string])[] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':authority', 'localhost'],
  [':path', '/inference.GRPCInferenceService/ModelInfer'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
];
const head = (stream: number, flag: number = flags.endHeaders, of = headers) =>
  frame(frameTypes.headers, flag, stream, headerBlock(of));
const body = (stream: number, bytes: Buffer, flag: number = flags.endStream) =>
  frame(frameTypes.data, flag, stream, bytes);
const start = [preface, frame(frameTypes.settings, 0, 0), frame(frameTypes.settings, flags.acknowledged, 0)];

/** The frames of one call, by itself on a connection. */
const callOf = (message: Buffer): readonly Buffer[] => [...start, head(1), body(1, framed(message))];

type Draw = (random: Random, message: Buffer) => readonly Buffer[];

/** What no client writes. */
const wrong: readonly (readonly [weight: number, what: string, Draw])[] = [
  [
    8,
    'bytes',
    (random, message) => [preface, changeBytes(random, Buffer.concat(callOf(message).slice(1))).value],
  ],
  [
    1,
    'bytes from the start',
    (random, message) => [changeBytes(random, Buffer.concat(callOf(message))).value],
  ],
  [
    2,
    'cut',
    (random, message) => {
      const bytes = Buffer.concat(callOf(message));
      return [bytes.subarray(0, random.integer(0, bytes.length))];
    },
  ],
  [
    6,
    'a frame between',
    (random, message) => {
      const frames = [...callOf(message)];
      frames.splice(random.integer(1, frames.length), 0, oddFrame(random));
      return frames;
    },
  ],
  [
    3,
    'the head of a frame',
    (random, message) => {
      const frames = callOf(message).map((each) => Buffer.from(each));
      const changed = frames[random.integer(1, frames.length - 1)];
      changed[random.integer(0, 8)] = random.integer(0, 255);
      return frames;
    },
  ],
  [
    1,
    'frames in another order',
    (random, message) => {
      const frames = [...callOf(message)];
      const [moved] = frames.splice(random.integer(0, frames.length - 1), 1);
      return [...frames, moved];
    },
  ],
  [
    1,
    'a head that goes on',
    (random, message) => {
      const count = random.pick([1, 5, 1000]);
      const more = Array.from({ length: count }, (_, i) =>
        frame(frameTypes.continuation, 0, 1, headerBlock([[`x-${i}`, 'a'.repeat(100)]])),
      );
      return [...start, head(1, 0), ...more, body(1, framed(message))];
    },
  ],
  [
    1,
    'many streams that are reset',
    (random, message) => {
      const count = random.pick([10, 300]);
      const streams = Array.from({ length: count }, (_, i) => 2 * i + 1).flatMap((stream) => [
        head(stream),
        body(stream, framed(message), random.pick([0, 1])),
        frame(frameTypes.reset, 0, stream, words(8)),
      ]);
      return [...start, ...streams];
    },
  ],
  [
    1,
    'a flood',
    (random, message) => {
      const each = random.pick([
        frame(frameTypes.ping, 0, 0, Buffer.alloc(8)),
        frame(frameTypes.settings, 0, 0, setting(4, 65535)),
        frame(frameTypes.priority, 0, 1, Buffer.alloc(5)),
        body(1, Buffer.alloc(0), 0),
        body(1, Buffer.alloc(1), 0),
      ]);
      return [...start, head(1), ...Array(3000).fill(each), body(1, framed(message))];
    },
  ],
  [
    1,
    'a window that is closed',
    (_, message) => [
      preface,
      frame(frameTypes.settings, 0, 0, setting(4, 0)),
      head(1),
      body(1, framed(message)),
    ],
  ],
  [
    2,
    'unusual headers',
    (random, message) => [
      ...start,
      head(1, flags.endHeaders, random.pick(oddHeaders)),
      body(1, framed(message)),
    ],
  ],
  [
    1,
    'another protocol',
    (random) => [
      random.pick([
        Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
        Buffer.from('160301020001000001fc0303', 'hex'),
        Buffer.alloc(1000),
        Buffer.alloc(0),
      ]),
    ],
  ],
];

const oddHeaders: readonly (readonly (readonly [string, string])[])[] = [
  [],
  headers.slice(1),
  headers.filter(([name]) => name !== ':path'),
  headers.filter(([name]) => name !== 'content-type'),
  [...headers, [':path', '/again']],
  [...headers].reverse(),
  [...headers, ['X-Upper', 'a']],
  [...headers, ['connection', 'close'], ['transfer-encoding', 'chunked']],
  [...headers, ['x-nul', 'a\0b'], ['x-line', 'a\r\nb']],
  [...headers, ['', '']],
  [...headers, ['content-length', '5']],
  [...headers, ['x-latin', '\xff\xfe'], ['grpc-timeout', '\xff']],
  [...headers, ['x-bin', '\xff'], ['x-bin', 'AAA']],
  [...headers, ...Array.from({ length: 200 }, (_, i) => [`x-${i}`, `${i}`] as const)],
];

function oddFrame(random: Random): Buffer {
  const stream = random.pick([0, 1, 2, 3, 5, 2 ** 31 - 1, 2 ** 31]);
  return random.pick([
    frame(
      frameTypes.settings,
      0,
      stream,
      setting(random.integer(0, 9), random.pick([0, 1, 16384, 2 ** 24, 2 ** 31, 2 ** 32 - 1])),
    ),
    frame(frameTypes.settings, random.pick([0, 1]), 0, Buffer.alloc(random.integer(1, 20))),
    frame(frameTypes.ping, random.pick([0, 1]), stream, Buffer.alloc(random.pick([0, 7, 8, 9]))),
    frame(frameTypes.windowUpdate, 0, stream, words(random.pick([0, 1, 2 ** 31 - 1, 2 ** 32 - 1]))),
    frame(frameTypes.reset, 0, stream, Buffer.alloc(random.pick([0, 3, 4, 5]))),
    frame(frameTypes.goAway, 0, stream, words(random.pick([0, 1, 5]), random.integer(0, 20))),
    frame(frameTypes.priority, 0, stream, words(stream, 1).subarray(0, random.pick([4, 5]))),
    frame(frameTypes.pushPromise, 4, stream, words(2)),
    frame(frameTypes.continuation, 4, stream, headerBlock([['a', 'b']])),
    head(stream, random.integer(0, 255)),
    body(stream, Buffer.alloc(random.pick([0, 1, 20_000])), random.integer(0, 255)),
    frame(random.integer(10, 255), random.integer(0, 255), stream, Buffer.alloc(random.integer(0, 30))),
  ]);
}

/** What is unusual, and right. */
const right: readonly (readonly [what: string, Draw])[] = [
  ['one call', (_, message) => callOf(message)],
  [
    'a head in pieces',
    (random, message) => {
      const block = headerBlock(headers);
      const at = random.integer(0, block.length);
      return [
        ...start,
        frame(frameTypes.headers, 0, 1, block.subarray(0, at)),
        frame(frameTypes.continuation, flags.endHeaders, 1, block.subarray(at)),
        body(1, framed(message)),
      ];
    },
  ],
  [
    'padded',
    (random, message) => {
      const padding = random.integer(0, 255);
      const padded = Buffer.concat([Buffer.of(padding), framed(message), Buffer.alloc(padding)]);
      return [...start, head(1), body(1, padded, flags.padded | flags.endStream)];
    },
  ],
  [
    'byte by byte',
    (_, message) => [
      ...start,
      head(1),
      ...[...framed(message)].map((byte) => body(1, Buffer.of(byte), 0)),
      body(1, Buffer.alloc(0)),
    ],
  ],
  [
    'beside what is not known',
    (_, message) => [
      ...start,
      frame(200, 255, 0, Buffer.alloc(10)),
      frame(frameTypes.settings, 0, 0, setting(999, 1)),
      head(1, flags.endHeaders, [...headers, ['x-unknown', 'a'.repeat(500)]]),
      frame(frameTypes.ping, 0, 0, Buffer.alloc(8)),
      body(1, framed(message)),
    ],
  ],
];

/** Bytes that a client writes to a connection of its own. */
export function drawStreams(random: Random): Drawn {
  const message = drawMessage(random);
  const isValid = random.chance(0.2);
  const [what, draw] = isValid
    ? random.pick(right)
    : random.weighted(wrong.map(([weight, what, draw]) => [weight, [what, draw] as const] as const));
  const bytes = Buffer.concat(draw(random, message));
  return { what, call: undefined, bytes, message: isValid ? message : undefined, isValid };
}
