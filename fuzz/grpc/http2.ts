/** Frames of HTTP/2, written and read by hand: https://www.rfc-editor.org/rfc/rfc9113. */

export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const flags = { endStream: 1, acknowledged: 1, endHeaders: 4, padded: 8, priority: 0x20 } as const;

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

const headBytes = 9;

export function frame(type: number, flag: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUIntBE(payload.length & 0xffffff, 0, 3);
  head[3] = type;
  head[4] = flag;
  head.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([head, payload]);
}

export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, 4 * i);
  return bytes;
}

export function setting(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(id);
  bytes.writeUInt32BE(value >>> 0, 2);
  return bytes;
}

/** Headers as literals that nobody keeps: https://www.rfc-editor.org/rfc/rfc7541. */
export const headerBlock = (headers: readonly (readonly [name: string, value: string])[]): Buffer =>
  Buffer.concat(headers.flatMap((header) => [Buffer.of(0), ...header.map(literal)]));

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  const length: number[] = [Math.min(bytes.length, 127)];
  if (bytes.length >= 127) {
    let rest = bytes.length - 127;
    for (; rest > 127; rest >>= 7) length.push((rest & 127) | 128);
    length.push(rest);
  }
  return Buffer.concat([Buffer.of(...length), bytes]);
}

/** The data that a stream has in what was received. */
export function dataOf(received: Buffer, stream: number): Buffer {
  const data: Buffer[] = [];
  for (let at = 0; at + headBytes <= received.length; ) {
    const length = received.readUIntBE(at, 3);
    const isData = received[at + 3] === frameTypes.data && received.readUInt32BE(at + 5) === stream;
    const end = at + headBytes + length;
    if (isData) data.push(received.subarray(at + headBytes, end));
    at = end;
  }
  return Buffer.concat(data);
}
