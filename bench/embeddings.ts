/**
 * `npm run bench:embeddings`: lookups in tables of float32, of 8 and of 4 bits, and sums of bags of 32 rows, at random places of
 * a table that no cache holds. Prints the bytes that a row has, with its parameters, and the time that it takes, of one
 * thread.
 *
 *     npm run bench:embeddings -- --rows 1000000 --width 128
 */
import { parseArgs } from 'node:util';
import { markdownTable } from 'markdown-table';
import { Graph, GraphModule, type Node } from '../lib/graph/index.ts';
import { compile, lower, Tensor } from '../lib/index.ts';
import { median } from '../lib/statistics.ts';
import { positiveIntegers } from './effort.ts';
import { otherLoad, snapshot } from './machine.ts';
import { formatSetup, setupHere } from './report.ts';

const { values: options } = parseArgs({
  options: { rows: { type: 'string', default: '1000000' }, width: { type: 'string', default: '128' } },
});
const [rows] = positiveIntegers('rows', options.rows);
const [width] = positiveIntegers('width', options.width);
const [count, bag, turns] = [8192, 32, 30];

/** The same places in every run. */
let state = 1;
const places = Array.from({ length: count }, () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state % rows;
});

/** A table of float32, or of integers of so many bits with a scale and a zero point for each row. */
function tableOf(module: GraphModule, bits: number): Node {
  const { graph } = module;
  const constant = (name: string, tensor: Tensor) => {
    module.attributes.set(name, tensor);
    return graph.getAttr(name);
  };
  const elements = rows * width;
  if (bits === 32) {
    const values = Float32Array.from({ length: elements }, (_, i) => (i % 255) / 64);
    return constant('table', new Tensor('float32', values, [rows, width]));
  }
  const most = 2 ** bits - 1;
  const integers = Uint8Array.from({ length: elements }, (_, i) => (i * 7) & most);
  return graph.callFunction('quantized_decomposed.dequantize_per_channel.default', [
    constant('table', new Tensor('uint8', integers, [rows, width])),
    constant('scales', new Tensor('float32', new Float32Array(rows).fill(0.125), [rows])),
    constant('zero_points', new Tensor('float32', new Float32Array(rows).fill(3.5), [rows])),
    ...[0, 0, most, 'uint8'],
  ]);
}

function network(bits: number, areBags: boolean): GraphModule {
  const module = new GraphModule(new Graph());
  const { graph } = module;
  const indices = graph.placeholder('indices');
  indices.meta = { val: { dtype: 'int64', shape: [count] } };
  const table = tableOf(module, bits);
  if (!areBags) {
    graph.output([graph.callFunction('aten.embedding.default', [table, indices])]);
    return module;
  }
  const begins = Tensor.from(
    'int64',
    Array.from({ length: count / bag }, (_, i) => i * bag),
  );
  module.attributes.set('offsets', begins);
  const offsets = graph.getAttr('offsets');
  const args = [table, indices, offsets, false, 0, false, null, false, null];
  const bags = graph.callFunction('aten.embedding_bag.padding_idx', args);
  graph.output([graph.callFunction('operator.getitem', [bags, 0])]);
  return module;
}

function nanosecondsOfRow(bits: number, areBags: boolean): number {
  using model = compile(lower(network(bits, areBags)).module, { streams: 1, threadsPerStream: 1 });
  const inputs = { indices: Tensor.from('int64', places) };
  const outputs = model.runSync(inputs);
  const times = Array.from({ length: turns }, () => {
    const start = performance.now();
    model.runSync(inputs, { outputs });
    return performance.now() - start;
  });
  return (median(times) * 1e6) / count;
}

const before = snapshot([]);
const kinds = [32, 8, 4].map((bits) => ({ bits, bytes: (width * bits) / 8 + (bits === 32 ? 0 : 8) }));
const measured = kinds.map((kind) => ({
  ...kind,
  times: [false, true].map((areBags) => nanosecondsOfRow(kind.bits, areBags)),
}));
const [float] = measured;
const ratio = (a: number, b: number) => `${(a / b).toFixed(2)}x`;
console.log(formatSetup(setupHere()));
console.log(
  `${rows} rows of ${width}, ${count} lookups, bags of ${bag}; ` +
    `${otherLoad(before, snapshot([])).toFixed(2)} cores were busy with other work.\n`,
);
console.log(
  markdownTable([
    ['table', 'bytes of a row', 'fewer', 'lookup', 'faster', 'in a bag', 'faster'],
    ...measured.map(({ bits, bytes, times: [lookup, inBag] }) => [
      bits === 32 ? 'float32' : `${bits} bits`,
      ...[String(bytes), ratio(float.bytes, bytes)],
      ...[`${lookup.toFixed(0)} ns`, ratio(float.times[0], lookup)],
      ...[`${inBag.toFixed(0)} ns`, ratio(float.times[1], inBag)],
    ]),
  ]),
);
