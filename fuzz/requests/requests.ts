import type { Message } from './messages.ts';

/** Lines of a head, without those that say how long the body is. */
export const headOf = (
  { jsonBytes }: Pick<Message, 'jsonBytes'>,
  ...more: readonly string[]
): readonly string[] => [
  'POST /v2/models/doubles/infer HTTP/1.1',
  'Host: localhost',
  ...(jsonBytes === undefined ? [] : [`Inference-Header-Content-Length: ${jsonBytes}`]),
  ...more,
];

export const written = (head: readonly string[], body: Buffer = Buffer.alloc(0)): Buffer =>
  Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), body]);

/** A whole request, after which the server closes the connection unless others follow. */
export function requestOf(message: Message, connection: 'close' | 'keep-alive' = 'close'): Buffer {
  const head = headOf(message, `Connection: ${connection}`, `Content-Length: ${message.body.length}`);
  return written(head, message.body);
}

/** The same in chunks of these sizes, the last one repeatedly. */
export function inChunks(message: Message, sizes: readonly number[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (let i = 0; at < message.body.length; i++) {
    const chunk = message.body.subarray(at, at + sizes[Math.min(i, sizes.length - 1)]);
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
    at += chunk.length;
  }
  const head = headOf(message, 'Connection: close', 'Transfer-Encoding: chunked');
  return written(head, Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]));
}
