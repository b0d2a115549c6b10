import { writeFile } from 'node:fs/promises';
import {
  getDefaultX86QuantizationConfig,
  loadPt2,
  MinMaxObserver,
  type Node,
  preparePt2e,
  Tensor,
  X86Quantizer,
} from 'octavo';
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

// Draws the pictures of docs/introduction.md: `npm run docs:pictures`. They are kept, so that the pages have them as files, too.

type Chart = Pick<Extract<TopLevelSpec, { layer: unknown }>, 'data' | 'layer'>;

/** The colours can be told apart on light and dark ground, and by those who do not see all colours (Okabe and Ito). */
const [blue, orange] = ['#0072b2', '#d55e00'];
const grey = '#777';

async function draw(name: string, description: string, chart: Chart): Promise<void> {
  const spec: TopLevelSpec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    description,
    width: 600,
    height: 260,
    background: 'transparent',
    config: {
      aria: false, // the pages say what is to be seen
      axis: { labelColor: grey, titleColor: grey, gridColor: '#8884', domainColor: grey, tickColor: grey },
      view: { stroke: null },
    },
    ...chart,
  };
  const view = new View(parse(compile(spec).spec), { renderer: 'none' });
  await writeFile(new URL(`${name}.svg`, import.meta.url), `${await view.toSVG()}\n`);
  view.finalize();
}

const observer = new MinMaxObserver({
  dtype: 'uint8',
  qscheme: 'per_tensor_affine',
  quantMin: 0,
  quantMax: 7,
});
observer.forward(Tensor.from('float32', [-1, 3]));
const { scale, zeroPoint } = observer.calculateQparams();
const [step, zero] = [scale.item(), zeroPoint.item()];
const numbers = Array.from({ length: 601 }, (_, i) => -2 + i / 100);
const kept = (x: number) => (Math.min(Math.max(Math.round(x / step) + zero, 0), 7) - zero) * step;
await draw('staircase', 'Numbers from -2 to 4, and what 3 bits with a range from -1 to 3 make of them', {
  data: { values: numbers.map((x) => ({ x, kept: kept(x) })) },
  layer: [
    {
      mark: { type: 'line', color: grey, strokeDash: [4, 4], strokeWidth: 1 },
      encoding: {
        x: { field: 'x', type: 'quantitative', title: 'a number' },
        y: { field: 'x', type: 'quantitative', title: 'what is kept of it' },
      },
    },
    {
      mark: { type: 'line', color: blue, strokeWidth: 2.5 },
      encoding: { x: { field: 'x', type: 'quantitative' }, y: { field: 'kept', type: 'quantitative' } },
    },
  ],
});

const quantizer = new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig());
const prepared = preparePt2e(await loadPt2('models/glyph_mobilenet.pt2'), quantizer);
const layer = prepared.graph.nodes.find(({ name }) => name === 'conv2d_14')!;
const weight = prepared.attribute(((layer.args[1] as Node).args[0] as Node).target);
const each = weight.numel / weight.shape[0];
const channels = Array.from({ length: weight.shape[0] }, (_, i) => {
  const values = weight
    .toArray()
    .slice(i * each, (i + 1) * each)
    .map(Number);
  return { smallest: Math.min(...values), largest: Math.max(...values) };
}).sort((a, b) => b.largest - b.smallest - (a.largest - a.smallest));
const most = Math.max(...weight.toArray().map((w) => Math.abs(Number(w))));
await draw('channels', `The range of the weights of ${channels.length} channels, and the one that fits all`, {
  layer: [
    {
      data: { values: channels.map((range, channel) => ({ ...range, channel })) },
      mark: { type: 'rule', color: blue, strokeWidth: 2.5 },
      encoding: {
        x: {
          field: 'channel',
          type: 'quantitative',
          title: 'channel, the widest first',
          axis: { grid: false },
        },
        y: { field: 'smallest', type: 'quantitative', title: 'weights, from smallest to largest' },
        y2: { field: 'largest' },
      },
    },
    {
      data: { values: [{ bound: -most }, { bound: most }] },
      mark: { type: 'rule', color: orange, strokeWidth: 1.5, strokeDash: [6, 4] },
      encoding: { y: { field: 'bound', type: 'quantitative' } },
    },
  ],
});
