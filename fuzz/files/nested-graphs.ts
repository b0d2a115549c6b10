import type { Random } from '../random.ts';
import type { Change } from './problem.ts';

/** Protobuf's fields that lead from a graph to the next: a node, its attribute, the graph in it. */
const [NODE, ATTRIBUTE, GRAPH] = [1, 5, 6];
/** Of a model. */
const MODEL_GRAPH = 7;
/** Field 8 of a model: an operator set, whose field 2 says that it is 17. */
const opset = Uint8Array.of((8 << 3) | 2, 2, 0x10, 17);

/** What stands before a field's content: its number, and the content's length. */
function head(number: number, length: number): Uint8Array {
  const bytes = [(number << 3) | 2];
  let rest = length;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Uint8Array.from([...bytes, rest]);
}

/** A model whose graph has a node with a graph with a node, and so on. */
export function nestedGraphs(random: Random): Change<Buffer> {
  const depth = random.pick([10, 33, 100, 101, 1000, 20_000]);
  const heads: Uint8Array[] = [];
  let length = 0;
  const enclose = (number: number) => {
    heads.push(head(number, length));
    length += heads[heads.length - 1].length;
  };
  for (let i = 0; i < depth; i++) for (const number of [GRAPH, ATTRIBUTE, NODE]) enclose(number);
  enclose(MODEL_GRAPH);
  return { what: `graphs ${depth} deep`, value: Buffer.concat([opset, ...heads.toReversed()]) };
}
