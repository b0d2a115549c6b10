import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InferenceServer } from '../../lib/serve/index.ts';
import { closed } from '../closed.ts';

/** How long nothing comes until the client ends a connection of which it is open whether something will. */
const quietMilliseconds = 20;

/**
 * Writes pieces to a connection, one after the other, and reads what comes until it is closed.
 * @param isWhole whether the server answers all and closes. If not, the client ends the connection when nothing comes any more.
 */
export async function exchange(
  { url }: InferenceServer,
  pieces: readonly Buffer[],
  isWhole: boolean,
): Promise<Buffer> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname.replace(/[[\]]/g, ''), port: Number(port), noDelay: true });
  const end = closed(socket);
  const received: Buffer[] = [];
  socket.on('data', (bytes: Buffer) => received.push(bytes));
  // The server may close while the client still writes: what it has answered until then counts.
  socket.on('error', () => {});
  for (const piece of pieces) {
    socket.write(piece);
    await sleep(0);
  }
  if (!isWhole) {
    for (let seen = -1; !socket.closed && seen !== received.length; ) {
      seen = received.length;
      await Promise.race([end, sleep(quietMilliseconds)]);
    }
    socket.end();
  }
  await end;
  return Buffer.concat(received);
}
