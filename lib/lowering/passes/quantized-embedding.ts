import { DEQUANTIZE_PER_CHANNEL, embeddingBagOperators, paddingRowOf } from '../../aten/index.ts';
import { type Argument, GET_ITEM, isCall, type Node } from '../../graph/index.ts';
import type { Tensor } from '../../tensor/index.ts';
import type { Pass, PassContext } from '../pass.ts';
import { isDequantize, qparamsOf } from '../patterns/affine-parameters.ts';
import { packRows, type QuantizedTable } from '../patterns/packed-rows.ts';

/**
 * Embedding tables of 8-bit integers stay integers: only the rows that are looked up are dequantized. A row is stored with
 * its parameters behind it, so that it is in one place.
 *
 *     w (uint8|int8) → dequantize, by rows or as a whole ─┐
 *                                         indices → embedding → y   ⇒   octavo.embedding_byte(rows, indices) → y
 *
 * The same for bags of rows, if only their sums, means or maxima are used:
 *
 *     indices, offsets → embedding_bag → getitem(0) → y   ⇒   octavo.embedding_bag_byte(rows, indices, offsets, …) → y
 *
 * Where the integers have a range of 4 bits, two are stored in a byte: octavo.embedding_4bit, octavo.embedding_bag_4bit.
 */
export const quantizedEmbedding: Pass = {
  name: 'quantized-embedding',
  run(context) {
    const tables = new PackedTables(context);
    let count = 0;
    for (const node of context.graph.nodes) {
      if (!isCall(node, EMBEDDING, ...embeddingBagOperators)) continue;
      const [table] = node.args as readonly [Node];
      if (!isCall(table, DEQUANTIZE_PER_CHANNEL) && !isDequantize(table)) continue;
      const packed = tables.of(table);
      if (typeof packed === 'string') {
        context.refuse(node, packed);
        continue;
      }
      const result = node.target === EMBEDDING ? node : onlyResult(context, node);
      if (!result) continue;
      replace(context, node, result, packed);
      count++;
    }
    return count;
  },
};

const EMBEDDING = 'aten.embedding.default';

/** The only one of a bag's results that is used, if that is its sums, means or maxima. The others are erased. */
function onlyResult(context: PassContext, node: Node): Node | undefined {
  const used = node.users.filter((user) => user.users.length > 0);
  if (used.length !== 1 || !isCall(used[0], GET_ITEM) || used[0].args[1] !== 0) {
    context.refuse(node, 'more than the sums or means of its bags is wanted');
    return undefined;
  }
  for (const user of node.users) if (user !== used[0]) context.erase(user);
  return used[0];
}

function replace(context: PassContext, node: Node, result: Node, { rows, width, bits }: PackedTable): void {
  const [table, indices] = node.args as readonly [Node, Node];
  const isBag = node.target !== EMBEDDING;
  const args = [
    ...[rows, indices],
    ...(isBag ? bagArguments(context, node) : []),
    ...(bits === 4 ? [width] : []),
  ];
  const target = `octavo.embedding${isBag ? '_bag' : ''}_${bits === 4 ? '4bit' : 'byte'}.default`;
  context.replace(result, target, args, isBag ? [table, node] : [table]);
}

/** All arguments but the table and the indices. */
function bagArguments(context: PassContext, node: Node): readonly Argument[] {
  const args = context.args(node);
  return [
    ...[args.tensor('offsets'), args.number('mode')],
    ...[args.optionalTensor('per_sample_weights'), args.bool('include_last_offset')],
    paddingRowOf(args, context.meta(node.args[0] as Node).shape[0]),
  ];
}

/** A table's rows in the graph, each of `width` integers. */
interface PackedTable {
  readonly rows: Node;
  readonly width: number;
  readonly bits: 8 | 4;
}

/** The tables of a graph: one for all that look up rows of the same integers with the same parameters. */
class PackedTables {
  readonly #context: PassContext;
  readonly #packed = new Map<string, PackedTable>();

  constructor(context: PassContext) {
    this.#context = context;
  }

  /** The rows that a dequantize node stands for, or why they cannot be packed. */
  of(table: Node): PackedTable | string {
    const [integers] = table.args as readonly [Node];
    const key = table.args.map(String).join();
    const known = this.#packed.get(key);
    if (known) return known;
    const { dtype } = this.#context.meta(table);
    if (dtype !== 'float32') return `its rows are wanted in ${dtype}`;
    const quantized = isDequantize(table) ? this.#asAWhole(table) : this.#byRows(table);
    if (!quantized)
      return 'its table is no constant of 8-bit integers with parameters for each row, or for all';
    const { rows, bits } = packRows(quantized);
    const packed = {
      rows: this.#context.constant(`${integers.target}_rows`, rows, { before: table }),
      width: quantized.integers.shape[1],
      bits,
    };
    this.#packed.set(key, packed);
    return packed;
  }

  #byRows(table: Node): QuantizedTable | undefined {
    const [stored, scales, zeroPoints, axis, quantMin, quantMax] = table.args as readonly Argument[];
    if (zeroPoints === null) return undefined;
    const integers = this.#integers(stored);
    const parameters = [scales, zeroPoints].map((node) =>
      this.#context.constantValue(node as Node)?.toArray(),
    );
    if (!integers || axis !== 0 || !parameters.every((values) => values !== undefined)) return undefined;
    const [ofScales, ofZeroPoints] = parameters.map((values) => values.map(Number));
    const limits = { quantMin: quantMin as number, quantMax: quantMax as number };
    return { integers, scales: ofScales, zeroPoints: ofZeroPoints, ...limits };
  }

  /** One scale for all rows, which torchao's scaled embedding bags have. */
  #asAWhole(table: Node): QuantizedTable | undefined {
    const integers = this.#integers(table.args[0]);
    if (!integers) return undefined;
    const { scale, zeroPoint, quantMin, quantMax } = qparamsOf(table);
    const ofEach = (value: number) => Array<number>(integers.shape[0]).fill(value);
    return { integers, scales: ofEach(scale), zeroPoints: ofEach(zeroPoint), quantMin, quantMax };
  }

  #integers(stored: Argument): Tensor | undefined {
    const integers = this.#context.constantValue(stored as Node);
    const isTable = integers?.shape.length === 2 && ['uint8', 'int8'].includes(integers.dtype);
    return isTable ? integers : undefined;
  }
}
