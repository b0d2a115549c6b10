import type { NetworkFiles } from '../prepare.ts';
import type { Contender } from './contender.ts';
import { Match, type Question } from './match.ts';
import type { LoadOptions } from './options.ts';

/** Octavo by each protocol, one by one and in batches. */
export function ourContenders(
  { octavo }: NetworkFiles,
  { modes, streams, threads, maxBatchSize: most }: LoadOptions,
): Contender[] {
  return modes.flatMap((protocol) =>
    [undefined, most].map((maxBatchSize): Contender => {
      const server = { kind: 'octavo', models: octavo.int8, streams, threads, maxBatchSize } as const;
      return { name: 'Octavo', protocol, maxBatchSize, server };
    }),
  );
}

/**
 * The peer with as many threads for a request as it serves most requests with. They are computed one by one: `onnxruntime-node` computes
 * on the event loop.
 * @param types the element types of its network, as `u8s8`.
 */
export async function bestPeer(
  { onnxInt8 }: NetworkFiles,
  types: string,
  question: Question & LoadOptions,
): Promise<Contender[]> {
  const { shape, streams, threads: each, inFlight, milliseconds } = question;
  const peer = (threads: number, protocol: string): Contender => ({
    name: `fastify + ORT, threads: ${threads}`,
    protocol,
    maxBatchSize: undefined,
    server: { kind: 'peer', file: onnxInt8[types], threads, shape },
  });
  let best = { threads: 0, perSecond: 0 };
  for (const threads of new Set([1, streams * each])) {
    await using match = await Match.start(peer(threads, 'plain-binary'), question);
    await match.closed(inFlight, milliseconds / 4);
    const { perSecond } = (await match.closed(inFlight, milliseconds)).report;
    if (perSecond > best.perSecond) best = { threads, perSecond };
  }
  return ['plain-binary', 'rest-json'].map((protocol) => peer(best.threads, protocol));
}
