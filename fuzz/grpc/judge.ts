import { status } from '@grpc/grpc-js';
import type { Fault, Kind } from '../kind.ts';
import { MemoryGrowth } from '../memory-growth.ts';
import { Random } from '../random.ts';
import { doublesServer } from '../requests/server.ts';
import { isUnclear } from '../unclear-errors.ts';
import { type Answer, Caller, exchange } from './calls.ts';
import { drawGrpc } from './draw.ts';
import { framed } from './frames.ts';
import { dataOf } from './http2.ts';
import { drawMessage } from './messages.ts';
import type { GrpcProblem } from './problem.ts';
import { resultsFor, resultsIn } from './results.ts';

/** What clients may send to a server over gRPC: it answers with the right results or says clearly what is wrong, and goes on. */
export async function grpcCalls(): Promise<Kind<GrpcProblem>> {
  const server = await doublesServer({ grpcPort: 0 });
  const address = server.grpcAddress!;
  const caller = new Caller(address);
  const memory = new MemoryGrowth();
  return {
    draw: drawGrpc,
    describe: ({ variant, what, call, bytes }) =>
      `${variant}, ${what}: ${JSON.stringify(call?.headers ?? {})} ${hexOf(Buffer.concat(call?.pieces ?? [bytes]))}`,
    judge: async (problem) => {
      const faults = await judge(problem, address, caller);
      const right = drawMessage(new Random(problem.seed));
      const pieces = [framed(right)];
      const after = await faultsOf('not served after', async () =>
        checkAnswer(await caller.call({ headers: {}, pieces, isReset: false }), right, true),
      );
      return [...faults, ...after, ...memory.faults()];
    },
  };
}

const judge = (problem: GrpcProblem, address: string, caller: Caller): Promise<readonly Fault[]> =>
  faultsOf('wrong answer', async () => {
    const { call, bytes, message, isValid } = problem;
    if (call) return checkAnswer(await caller.call(call), message, isValid);
    const received = await exchange(address, bytes, (received) => !isValid || dataOf(received, 1).length > 0);
    if (isValid) checkResults(dataOf(received, 1), message!);
  });

async function faultsOf(fault: string, check: () => Promise<void>): Promise<readonly Fault[]> {
  try {
    await check();
    return [];
  } catch (error) {
    return [{ fault, detail: (error as Error).message }];
  }
}

/** @param message what was asked, where that is certain. */
function checkAnswer(
  { status: code, details, data }: Answer,
  message: Buffer | undefined,
  isValid: boolean,
): void {
  const shown = `${code === undefined ? 'no status' : status[code]} ${details}`;
  if (code === status.OK) {
    if (message) checkResults(data, message);
    return;
  }
  if (isValid) throw new Error(`a right request is refused: ${shown}`);
  // Of calls that are reset, or are none of gRPC.
  if (code === undefined) return;
  if (!refusals.has(code) && !ofTheLibrary.test(details))
    throw new Error(`neither results nor what is wrong: ${shown}`);
  if (details === '' || details.length > 1024 || isUnclear(new Error(details)))
    throw new Error(`an unclear error: ${shown}`);
}

/** What a client can be at fault for. */
const refusals: ReadonlySet<number> = new Set([
  ...[status.INVALID_ARGUMENT, status.NOT_FOUND, status.RESOURCE_EXHAUSTED, status.UNIMPLEMENTED],
  ...[status.PERMISSION_DENIED, status.DEADLINE_EXCEEDED],
]);
/** What is INTERNAL by gRPC's rules: https://grpc.github.io/grpc/core/md_doc_statuscodes.html. */
const ofTheLibrary = /^(Failed to decompress message|Invalid grpc-timeout value)/;

function checkResults(data: Buffer, message: Buffer): void {
  const [got, expected] = [resultsIn(data), resultsFor(message)];
  const isSame =
    got.size === expected.size &&
    [...expected].every(([name, values]) => {
      const given = got.get(name);
      return given?.length === values.length && values.every((value, i) => Object.is(value, given[i]));
    });
  if (!isSame)
    throw new Error(`other results than ${JSON.stringify([...expected])}: ${JSON.stringify([...got])}`);
}

/** The bytes, or as many as a person would read. */
const hexOf = (bytes: Buffer) => bytes.subarray(0, 750).toString('hex');
