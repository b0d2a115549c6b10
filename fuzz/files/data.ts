import type { Random } from '../random.ts';
import { changeBytes } from './bytes.ts';
import { changeJson, type Json, vocabularyOf } from './json.ts';
import { changeNpy } from './npz.ts';
import type { Changer } from './problem.ts';

/** Damages a `.npy` file. */
export const npyChanger =
  (bytes: Buffer): Changer =>
  (random) =>
    random.chance(0.3) ? changeBytes(random, bytes) : changeNpy(random, bytes);

/** Damages a safetensors file: its header, which is JSON, or any of its bytes. */
export function safetensorsChanger(bytes: Buffer): Changer {
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header: Json = JSON.parse(bytes.toString('utf8', 8, start));
  const vocabulary = vocabularyOf(header, ['F64', 'BF16', 'I64', 'BOOL', '__metadata__', '__proto__']);
  return (random) => {
    if (random.chance(0.3)) return changeBytes(random, bytes);
    let changed = header;
    for (let n = random.integer(1, 3); n > 0; n--) changed = changeJson(random, changed, vocabulary);
    const text = Buffer.from(random.chance(0.05) ? deep(random) : JSON.stringify(changed));
    const length = Buffer.alloc(8);
    const claimed = text.length + (random.chance(0.9) ? 0 : random.integer(-9, 9));
    length.writeBigUInt64LE(BigInt(Math.max(0, claimed)));
    return { what: 'changes to the header', value: Buffer.concat([length, text, bytes.subarray(start)]) };
  };
}

/** Damages JSON lines. */
export function linesChanger(lines: readonly Json[]): Changer {
  const vocabulary = vocabularyOf(lines, ['__proto__', 'constructor']);
  return (random) => {
    const changed = [...lines];
    for (let n = random.integer(1, 3); n > 0; n--) {
      const at = random.integer(0, lines.length - 1);
      changed[at] = changeJson(random, changed[at], vocabulary);
    }
    const texts = changed.map((line) => JSON.stringify(line));
    if (random.chance(0.1))
      texts.push(random.pick([deep(random), '', '{"input_ids":', '\0', 'null', '1e999']));
    const bytes = Buffer.from(texts.join(random.pick(['\n', '\n', '\n', '\r\n', '\r', '\n\n', ''])));
    return random.chance(0.2) ? changeBytes(random, bytes) : { what: 'changes to lines', value: bytes };
  };
}

/** JSON whose lists are in lists. */
const deep = (random: Random): string => {
  const depth = random.pick([100, 10_000, 1_000_000]);
  return `{"input_ids":${'['.repeat(depth)}${random.chance(0.5) ? ']'.repeat(depth) : ''}}`;
};
