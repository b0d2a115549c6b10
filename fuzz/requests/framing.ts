import { nastyNumbers } from '../nasty-numbers.ts';
import type { Random } from '../random.ts';
import { drawMessage, type Message } from './messages.ts';
import type { RequestProblem } from './problem.ts';
import { headOf, inChunks, requestOf, written } from './requests.ts';

type Drawn = Pick<RequestProblem, 'what' | 'pieces' | 'asked'>;

/** Requests whose messages are right, but not how they travel; and some that travel in unusual ways and are right. */
export function drawFraming(random: Random): Drawn {
  const [what, draw] = random.pick(ways);
  return { what, ...draw(random, drawMessage(random)) };
}

type Draw = (random: Random, message: Message) => Omit<Drawn, 'what'>;

const open = (...pieces: readonly Buffer[]) => ({ pieces, asked: undefined });
const bad: Message = { body: Buffer.from('{"inputs": ['), jsonBytes: undefined, isValid: false };

const ways: readonly (readonly [string, Draw])[] = [
  ['half a body', (_, message) => open(cut(requestOf(message), message.body.length / 2))],
  ['no body', (_, message) => open(cut(requestOf(message), message.body.length))],
  [
    'another Content-Length',
    (random, message) => {
      const length = random.pick([...nastyNumbers, '', 'x', '1, 2', '0x10', '+5', message.body.length + 1]);
      return open(written(headOf(message, `Content-Length: ${length}`), message.body));
    },
  ],
  [
    'two lengths',
    (random, { body, ...message }) => {
      const second = random.pick([`Content-Length: ${body.length + 1}`, 'Transfer-Encoding: chunked']);
      return open(written(headOf(message, `Content-Length: ${body.length}`, second), body));
    },
  ],
  [
    'several requests behind each other',
    (random, message) => {
      const before = Array.from({ length: random.integer(1, 6) }, () =>
        random.chance(0.3) ? bad : drawMessage(random),
      );
      const bytes = [...before.map((each) => requestOf(each, 'keep-alive')), requestOf(message)];
      return { pieces: random.chance(0.5) ? bytes : [Buffer.concat(bytes)], asked: [...before, message] };
    },
  ],
  [
    'chunks',
    (random, message) => {
      const sizes = Array.from({ length: random.integer(1, 5) }, () => random.integer(1, 100));
      return { pieces: [inChunks(message, sizes)], asked: [message] };
    },
  ],
  [
    'chunks that are none',
    (random, message) => {
      const size = random.pick(['', 'x', '-1', 'ffffffffffffffff', '7fffffff', '5;a=b', '0']);
      const head = headOf(message, 'Transfer-Encoding: chunked');
      return open(written(head, Buffer.concat([Buffer.from(`${size}\r\n`), message.body])));
    },
  ],
  [
    'a wish to go on',
    (_, message) => {
      const [head, body] = split(requestOf(message), message.body.length);
      const asking = Buffer.from(head.toString().replace('Host', 'Expect: 100-continue\r\nHost'));
      return { pieces: [asking, body], asked: [message] };
    },
  ],
  [
    'a flood of headers',
    (random, message) => {
      const [count, length] = random.pick([
        [3000, 3],
        [10, 10_000],
        [1, 1_000_000],
      ]);
      const flood = Array.from({ length: count }, (_, i) => `X-${i}: ${'a'.repeat(length)}`);
      return open(written(headOf(message, ...flood, `Content-Length: ${message.body.length}`), message.body));
    },
  ],
  ['an unusual head', (random, message) => open(unusualHead(random, message))],
  ['an unusual path', (random) => open(written([`GET ${random.pick(paths)} HTTP/1.1`, ...plain]))],
];

const plain = ['Host: localhost', 'Connection: close'] as const;

const paths: readonly string[] = [
  ...['*', '/', '//', '/v2/', '/v2/../../etc/passwd', '/v2/%2e%2e/%2e%2e/etc/passwd', '/v2/models/%00'],
  ...[
    '/v2/models/%',
    '/v2/models/%zz/infer',
    '/v2/models/..%2f..%2fsecret',
    '/v2/models/doubles/versions/-1',
  ],
  ...[`/v2/models/${'a'.repeat(255)}`, `/v2/models/${'a'.repeat(5000)}`, '/v2/models/doubles/infer'],
  ...['http://elsewhere/v2', '/v2?a=%', '/v2#fragment', '/v2/models/\xff', '/v2/models/doubles;a=b'],
];

function unusualHead(random: Random, message: Message): Buffer {
  const length = `Content-Length: ${message.body.length}`;
  const [line] = headOf(message);
  const lines = random.pick<readonly string[]>([
    ...['DELETE', 'PUT', 'OPTIONS', 'PATCH', 'CONNECT', 'TRACE', 'PRI', 'post', ''].map((method) => [
      line.replace('POST', method),
      ...plain,
      length,
    ]),
    ...['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/9.9', ''].map((version) => [
      line.replace('HTTP/1.1', version),
      ...plain,
      length,
    ]),
    ...['gzip', 'br', '', 'identity, gzip'].map((coding) => [
      line,
      ...plain,
      length,
      `Content-Encoding: ${coding}`,
    ]),
    [line, 'Connection: close', length],
    [line, ...plain, length, 'Upgrade: websocket'],
    [line, ...plain, length, 'Content-Type: multipart/form-data'],
    [line, ...plain, length, 'Content-Type: /;;'],
    [line, ...plain, length, 'Expect: the-impossible'],
    [line, ...plain, length, ' folded: yes'],
    [line, ...plain, length, 'no colon'],
    [line, ...plain, length, 'nul: \0'],
  ]);
  return written(lines, message.body);
}

const split = (bytes: Buffer, behind: number) =>
  [bytes.subarray(0, bytes.length - behind), bytes.subarray(bytes.length - behind)] as const;

const cut = (bytes: Buffer, behind: number) => split(bytes, Math.ceil(behind))[0];
