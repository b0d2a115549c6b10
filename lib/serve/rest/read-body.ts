import { errorCodes, type FastifyRequest } from 'fastify';
import type { BodyMemory } from './body-memory.ts';

/** In bytes: elements of every datatype may lie there. */
const alignment = 8;

/**
 * So many bytes of a body are read in one turn of the event loop, about one piece of a socket. Node would read 2 MiB of each connection; with some
 * of them nothing else would be done for long.
 */
const mostPerTurn = 64 * 2 ** 10;

/**
 * Reads the whole body of a request, into memory that is to be given back.
 * @param payload the bytes as they come.
 * @param jsonBytes how many come before those that are to be aligned; NaN: none are.
 * @throws Error (rejects) with the `statusCode` of the answer when the body is larger than the route's limit, or does not come whole.
 */
export function readBody(
  request: FastifyRequest,
  payload: NodeJS.ReadableStream,
  jsonBytes: number,
  memory: BodyMemory,
): Promise<Buffer> {
  const limit = request.routeOptions.bodyLimit;
  // What a hook has put in the stream's place has a length of its own.
  const announced = payload === request.raw ? Number(request.headers['content-length']) : Number.NaN;
  if (announced > limit) return Promise.reject(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
  const at = Number.isSafeInteger(jsonBytes) ? -jsonBytes & (alignment - 1) : 0;
  const place = Number.isNaN(announced) ? undefined : memory.lendIdle(at + announced);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    let inTurn = 0;
    const onData = (data: Buffer | string) => {
      const chunk = typeof data === 'string' ? Buffer.from(data) : data;
      if (length + chunk.length > limit) return settle(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
      if (place) chunk.copy(place, at + length);
      else chunks.push(chunk);
      length += chunk.length;
      inTurn += chunk.length;
      if (inTurn < mostPerTurn) return;
      inTurn = 0;
      payload.pause();
      setImmediate(() => payload.resume());
    };
    const settle = (error?: Error & { statusCode?: number }) => {
      payload.off('data', onData).off('end', settle).off('error', settle);
      if (!error) return resolve((place ?? joined(chunks, at, length, memory)).subarray(at, at + length));
      if (place) memory.giveBack(place);
      reject(Object.assign(error, { statusCode: error.statusCode ?? 400 }));
    };
    payload.on('data', onData).on('end', settle).on('error', settle);
  });
}

function joined(chunks: readonly Buffer[], at: number, length: number, memory: BodyMemory): Buffer {
  const whole = memory.lend(at + length);
  let next = at;
  for (const chunk of chunks) next += chunk.copy(whole, next);
  return whole;
}
