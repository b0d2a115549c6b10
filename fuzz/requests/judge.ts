import type { InferenceServer } from '../../lib/serve/index.ts';
import type { Fault, Kind } from '../kind.ts';
import { MemoryGrowth } from '../memory-growth.ts';
import { Random } from '../random.ts';
import { isUnclear } from '../unclear-errors.ts';
import { drawRequest } from './draw.ts';
import { exchange } from './exchange.ts';
import { drawMessage, type Message, resultsFor } from './messages.ts';
import type { RequestProblem } from './problem.ts';
import { requestOf } from './requests.ts';
import { type Response, readResponses } from './responses.ts';
import { resultsIn } from './results.ts';
import { doublesServer } from './server.ts';

/** What clients may send to a server: it answers with the right results or says clearly what is wrong, and goes on. */
export async function requests(): Promise<Kind<RequestProblem>> {
  const server = await doublesServer();
  const memory = new MemoryGrowth();
  return {
    draw: drawRequest,
    describe: ({ variant, what, pieces }) =>
      `${variant}, ${what}: ${JSON.stringify(Buffer.concat(pieces).toString('latin1').slice(0, 1500))}`,
    judge: async (problem) => [...(await judge(problem, server)), ...memory.faults()],
  };
}

async function judge({ seed, pieces, asked }: RequestProblem, server: InferenceServer): Promise<Fault[]> {
  const faults = judgeAnswers(await exchange(server, pieces, asked !== undefined), asked);
  const right = drawMessage(new Random(seed));
  const after = judgeAnswers(await exchange(server, [requestOf(right)], true), [right]);
  return [...faults, ...after.map(({ detail }) => ({ fault: 'not served after', detail }))];
}

function judgeAnswers(bytes: Buffer, asked: readonly Message[] | undefined): Fault[] {
  try {
    const { responses, rest } = readResponses(bytes);
    const wanted = asked?.length ?? responses.length;
    if (responses.length !== wanted || (asked && rest.length > 0))
      throw new Error(`${wanted} answers expected, got ${responses.length} and ${rest.length} bytes`);
    for (const [i, response] of responses.entries()) checkAnswer(response, asked?.[i]);
    return [];
  } catch (error) {
    return [{ fault: 'wrong answer', detail: (error as Error).message }];
  }
}

function checkAnswer(response: Response, asked: Message | undefined): void {
  const { status, body } = response;
  const shown = `${status} ${body.toString('latin1').slice(0, 500)}`;
  if (status === 200) {
    if (asked) checkResults(response, asked, shown);
    return;
  }
  if (asked?.isValid) throw new Error(`a right request is refused: ${shown}`);
  if (status < 400 || status >= 500) throw new Error(`neither results nor what is wrong: ${shown}`);
  const { error } = JSON.parse(body.toString('utf8'));
  if (typeof error !== 'string' || error === '') throw new Error(`there is no error: ${shown}`);
  if (error.length > 1000 || isUnclear(new Error(error))) throw new Error(`an unclear error: ${shown}`);
}

function checkResults(response: Response, asked: Message, shown: string): void {
  const expected = resultsFor(asked);
  const got = resultsIn(response);
  const isSame =
    got.size === expected.size &&
    [...expected].every(([name, values]) => {
      const given = got.get(name);
      return given?.length === values.length && values.every((value, i) => Object.is(value, given[i]));
    });
  if (!isSame) throw new Error(`other results than ${JSON.stringify([...expected])}: ${shown}`);
}
