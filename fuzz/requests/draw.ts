import { changeBytes } from '../files/bytes.ts';
import { changeJson, type Json, type Vocabulary, vocabularyOf } from '../files/json.ts';
import { nastyNumbers } from '../nasty-numbers.ts';
import { Random } from '../random.ts';
import { drawFraming } from './framing.ts';
import { drawMessage, drawParts, type Message } from './messages.ts';
import { doubled } from './model.ts';
import { type RequestProblem, type RequestVariant, requestVariants } from './problem.ts';
import { requestOf } from './requests.ts';

export function drawRequest(seed: number): RequestProblem {
  const random = new Random(seed);
  const variant = random.pick(requestVariants);
  return { seed, variant, ...drawers[variant](random) };
}

type Drawn = Pick<RequestProblem, 'what' | 'pieces' | 'asked'>;

const drawers: Readonly<Record<RequestVariant, (random: Random) => Drawn>> = {
  json: (random) => whole(random, changedMessage(random, false)),
  binary: (random) => whole(random, changedMessage(random, true)),
  bytes: (random) => {
    const { what, value } = changeBytes(random, requestOf(drawMessage(random)));
    return { what, pieces: piecesOf(random, value), asked: undefined };
  },
  framing: drawFraming,
};

interface Changed {
  readonly what: string;
  readonly message: Message;
}

function whole(random: Random, { what, message }: Changed): Drawn {
  return { what, pieces: piecesOf(random, requestOf(message)), asked: [message] };
}

/** The same bytes in one piece, or cut anywhere. */
export function piecesOf(random: Random, bytes: Buffer): readonly Buffer[] {
  if (random.chance(0.7)) return [bytes];
  const at = random.integer(0, bytes.length);
  return [bytes.subarray(0, at), bytes.subarray(at)];
}

function changedMessage(random: Random, isBinary: boolean): Changed {
  const { fields, bytes } = drawParts(random, isBinary);
  const what: string[] = [];
  let json: Json = fields as unknown as Json;
  const words = vocabulary(json);
  for (let n = random.pick([0, 1, 1, 1, 2, 4]); n > 0; n--) {
    json = changeJson(random, json, words);
    what.push('json');
  }
  let text: Buffer = Buffer.from(JSON.stringify(json));
  if (random.chance(0.15)) {
    const changed = changeBytes(random, text);
    text = changed.value;
    what.push(`text (${changed.what})`);
  }
  let [behind, jsonBytes] = [bytes, isBinary ? `${text.length}` : undefined];
  if (isBinary && random.chance(0.25)) {
    behind = random.pick([bytes.subarray(1), Buffer.concat([bytes, Buffer.of(0)]), bytes.subarray(0, 0)]);
    what.push('length');
  }
  if (random.chance(0.15)) {
    const { length } = text;
    jsonBytes = random.pick([
      undefined,
      '',
      'x',
      '-1',
      `${length - 1}`,
      `${length + 1}`,
      `${random.pick(nastyNumbers)}`,
    ]);
    what.push(`Inference-Header-Content-Length ${jsonBytes}`);
  }
  const body = Buffer.concat([text, behind]);
  return { what: what.join(', ') || 'nothing', message: { body, jsonBytes, isValid: what.length === 0 } };
}

const vocabulary = (json: Json): Vocabulary =>
  vocabularyOf(json, ['BOOL', 'UINT8', 'INT8', 'BF16', 'BYTES', 'FP64', 'INT32', doubled, '__proto__']);
