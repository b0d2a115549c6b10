import { createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { HttpConnections } from '../../../bench/server/http-connection.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Connections to a server that answers each piece it receives as it is told. */
async function connectionsTo(answer: (socket: Socket, request: string) => void): Promise<HttpConnections> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => answer(socket, bytes.toString()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const connections = new HttpConnections(new URL(`http://127.0.0.1:${address.port}`));
  cleanups.push(
    () => connections.close(),
    () => server.close(),
  );
  return connections;
}

test('answers are put together from pieces, wherever they are cut', async () => {
  const whole = Buffer.from('HTTP/1.1 429 Too Many Requests\r\ncontent-length: 6\r\nX: y\r\n\r\na\r\n\r\nb');
  let cut = 0;
  const connections = await connectionsTo((socket) => {
    cut++;
    socket.write(whole.subarray(0, cut));
    // A write of its own: after the first one has been sent, so that they do not travel as one.
    setTimeout(() => socket.write(whole.subarray(cut)), 2);
  });
  for (let i = 1; i < whole.length; i++) {
    const { status, body } = await connections.ask(Buffer.from('x'));
    expect([i, status, body.toString()]).toEqual([i, 429, 'a\r\n\r\nb']);
  }
});

test('requests that are under way at the same time have connections of their own, which are used again', async () => {
  const waiting: [Socket, string][] = [];
  const sockets = new Set<Socket>();
  const connections = await connectionsTo((socket, request) => {
    sockets.add(socket);
    waiting.push([socket, request]);
    if (waiting.length < 2) return;
    for (const [each, text] of waiting.splice(0).reverse())
      each.write(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${text}`);
  });
  for (const pair of ['ab', 'cd']) {
    const answers = await Promise.all(Array.from(pair, (text) => connections.ask(Buffer.from(text))));
    expect(answers.map(({ body }) => body.toString()).join('')).toBe(pair);
  }
  expect(sockets.size).toBe(2);
});

test.each([
  [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    /expected an answer of HTTP\/1.1 with a Content-Length/,
  ],
  ['', /the server has closed the connection/],
])('what is no such answer fails: %j', async (answer, message) => {
  const connections = await connectionsTo((socket) => socket.end(answer));
  await expect(connections.ask(Buffer.from('x'))).rejects.toThrow(message);
});
