/** Samples a second. */
export const RATE = 16_000;
/** Samples of a frame: 32 ms. */
export const FRAME = 512;
/** Samples of the frame before that a network sees again. */
export const CONTEXT = 64;

/**
 * Cuts a stream of bytes, a WAV file or bare samples, into frames. Samples are of 16 bits, one channel, 16,000 a second. Every
 * frame is in the same array; what is left at the end is filled up with silence.
 * @throws Error for a WAV file of other samples.
 */
export async function* framesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Float32Array> {
  const frame = new Float32Array(FRAME);
  let filled = 0;
  let rest: Uint8Array = new Uint8Array();
  let isBeginning = true;
  /** Bytes of samples that are to come: other chunks may follow them. */
  let left = Number.POSITIVE_INFINITY;
  for await (const chunk of stream) {
    let bytes: Uint8Array = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    if (isBeginning) {
      const samples = findSamples(bytes);
      if (samples === undefined) {
        rest = bytes;
        continue;
      }
      bytes = bytes.subarray(samples.start);
      left = samples.size;
      isBeginning = false;
    }
    bytes = bytes.subarray(0, Math.min(bytes.length, left));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const end = bytes.length - (bytes.length % 2);
    for (let at = 0; at < end; at += 2) {
      frame[filled++] = view.getInt16(at, true) / 32768;
      if (filled < FRAME) continue;
      yield frame;
      filled = 0;
    }
    left -= end;
    rest = bytes.slice(end);
  }
  if (isBeginning && rest.length > 0) throw new Error(`the stream ends within its WAV header`);
  if (filled > 0) yield frame.fill(0, filled);
}

/**
 * Where a WAV file's samples are: from the start on where the bytes are no WAV file, undefined where more of them are needed. Programs
 * that write to a stream do not know the size, and write 0 or the largest number.
 */
function findSamples(bytes: Uint8Array): { readonly start: number; readonly size: number } | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (at: number) => buffer.toString('latin1', at, at + 4);
  if (!'RIFF'.startsWith(text(0))) return { start: 0, size: Number.POSITIVE_INFINITY };
  // Chunks: a name, a size, and as many bytes, to an even number.
  for (
    let at = 12;
    at + 8 <= buffer.length;
    at += 8 + buffer.readUInt32LE(at + 4) + (buffer.readUInt32LE(at + 4) % 2)
  ) {
    if (text(at) === 'data') {
      const size = buffer.readUInt32LE(at + 4);
      const isUnknown = size === 0 || size === 0xffffffff;
      return { start: at + 8, size: isUnknown ? Number.POSITIVE_INFINITY : size };
    }
    if (text(at) === 'fmt ' && at + 24 <= buffer.length) checkFormat(buffer, at + 8);
  }
  return undefined;
}

function checkFormat(buffer: Buffer, at: number): void {
  const [format, channels] = [buffer.readUInt16LE(at), buffer.readUInt16LE(at + 2)];
  const [rate, bits] = [buffer.readUInt32LE(at + 4), buffer.readUInt16LE(at + 14)];
  if (format !== 1 || channels !== 1 || rate !== RATE || bits !== 16)
    throw new Error(
      `the WAV file must have one channel of 16-bit integers, ${RATE} a second; ` +
        `it has ${channels} of ${bits} bits in format ${format}, ${rate} a second`,
    );
}

/** The bytes of a WAV file that holds these samples. */
export function wavOf(samples: Float32Array): Uint8Array {
  const bytes = Buffer.alloc(44 + 2 * samples.length);
  bytes.write('RIFF', 0, 'latin1');
  bytes.writeUInt32LE(36 + 2 * samples.length, 4);
  bytes.write('WAVEfmt ', 8, 'latin1');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(RATE, 24);
  bytes.writeUInt32LE(2 * RATE, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(2 * samples.length, 40);
  for (const [i, sample] of samples.entries())
    bytes.writeInt16LE(Math.max(-32768, Math.min(32767, Math.round(sample * 32768))), 44 + 2 * i);
  return bytes;
}
