import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { Curve } from './training.ts';

/** Share of test images that a model takes for what they show, by how its weights are kept. */
export interface Result {
  readonly weights: string;
  /** Quantized after training; undefined for the float model. */
  readonly withoutTraining?: number;
  readonly trained: number;
}

/** One HTML page with the curves of loss and accuracy and a table of results. It needs no other file and no network. */
export async function trainingPage(curves: readonly Curve[], results: readonly Result[]): Promise<string> {
  const losses = curves.flatMap(({ name, losses }) =>
    smoothed(losses).map((loss, step) => ({ run: name, step, loss })),
  );
  const accuracies = curves.flatMap(({ name, accuracies }) =>
    accuracies.map(({ epoch, accuracy }) => ({ run: name, epoch, accuracy })),
  );
  const runs = { field: 'run', type: 'nominal', title: null, sort: null } as const;
  const loss = await svg('Loss of each step, averaged over some', {
    data: { values: losses },
    mark: 'line',
    encoding: {
      x: { field: 'step', type: 'quantitative' },
      y: { field: 'loss', type: 'quantitative', scale: { type: 'log' } },
      color: runs,
    },
  });
  const accuracy = await svg('Share of test images that are right, after each epoch', {
    data: { values: accuracies },
    mark: { type: 'line', point: true },
    encoding: {
      x: { field: 'epoch', type: 'quantitative', axis: { tickMinStep: 1 } },
      y: { field: 'accuracy', type: 'quantitative', axis: { format: '%' }, scale: { zero: false } },
      color: runs,
    },
  });
  const rows = results.map(
    ({ weights, withoutTraining, trained }) =>
      `<tr><th scope="row">${weights}</th><td>${percent(withoutTraining)}</td><td>${percent(trained)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Training glyphs</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 50rem; margin: 2rem auto; padding: 0 1rem; }
  svg { width: 100%; height: auto; margin: 1rem 0; }
  svg text { fill: currentColor; }
  table { border-collapse: collapse; }
  caption { text-align: left; }
  th, td { padding: 0.3rem 1rem 0.3rem 0; text-align: right; border-bottom: 1px solid #8886; }
  th[scope='row'] { text-align: left; font-weight: normal; }
</style>
<h1>Training glyphs</h1>
<table>
<caption>Share of test images that are right</caption>
<thead><tr><th scope="col"></th><th scope="col">quantized after training</th><th scope="col">trained so</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
${accuracy}
${loss}
</html>
`;
}

const percent = (share: number | undefined) => (share === undefined ? '' : `${(100 * share).toFixed(2)} %`);

/** What differs from chart to chart. */
type Chart = Pick<Extract<TopLevelSpec, { mark: unknown }>, 'data' | 'mark' | 'encoding'>;

/** Lines in colours that can be told apart on light and dark ground, and by those who do not see all colours (Okabe and Ito). */
const palette = ['#0072b2', '#d55e00', '#009e73', '#cc79a7'];

async function svg(description: string, chart: Chart): Promise<string> {
  const spec: TopLevelSpec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: { text: description, anchor: 'start' },
    description,
    width: 640,
    height: 280,
    background: 'transparent',
    config: {
      range: { category: palette },
      axis: { gridColor: '#8884', domainColor: '#888', tickColor: '#888' },
      view: { stroke: null },
      legend: { orient: 'bottom' },
    },
    ...chart,
  };
  const view = new View(parse(compile(spec).spec), { renderer: 'none' });
  const text = await view.toSVG();
  view.finalize();
  // Its size is the page's matter.
  return text.replace(/^<svg [^>]*?width="(\d+)" height="(\d+)"/, (start) =>
    start.replace(/ (width|height)="\d+"/g, ''),
  );
}

/** Moving averages, a point for every so many steps: a batch's loss says little. */
function smoothed(losses: readonly number[]): number[] {
  let average = losses[0];
  return losses.map((loss) => {
    average = 0.95 * average + 0.05 * loss;
    return average;
  });
}
