import type { NodeFacts, ReportFacts, StepFacts } from '../facts.ts';
import { decibels, duration, percent, real, smallPercent, tensorText } from '../format.ts';
import { kindOf, titleOf } from '../names.ts';
import { channelPlot, histogramPlot } from './plots.ts';

/** The panel that tells what is known of one node. Names are set as text, never as HTML. */
export class Details {
  readonly #facts: ReportFacts;
  readonly #panel: HTMLElement;

  constructor(facts: ReportFacts, panel: HTMLElement) {
    this.#facts = facts;
    this.#panel = panel;
  }

  show(index: number): void {
    const node = this.#facts.nodes[index];
    const steps = this.#facts.times.steps.filter((step) => step.node === node.name);
    const title = element('h3', titleOf(node));
    title.id = 'details-title';
    const list = element('dl');
    list.className = 'facts';
    for (const [name, value] of [...factsOf(node), ...steps.flatMap(stepFacts)]) {
      const row = element('div');
      row.append(element('dt', name), element('dd', value));
      list.append(row);
    }
    this.#panel.replaceChildren(title);
    if (node.histogram && node.quantization)
      this.#add(
        'Values in the float model, and the range of 8 bits',
        histogramPlot(node.histogram, node.quantization),
      );
    if (node.weight) this.#add('Smallest and largest weight by output channel', channelPlot(node.weight));
    this.#panel.append(list);
    this.#panel.scrollTop = 0;
  }

  #add(caption: string, plot: Element): void {
    const figure = element('figure');
    figure.append(element('figcaption', caption), plot);
    this.#panel.append(figure);
  }
}

function factsOf(node: NodeFacts): [string, string][] {
  const { quantization, histogram, error, weight } = node;
  return [
    ['Computes', kindOf(node)],
    ...(node.modulePath ? [['Module', node.modulePath] as [string, string]] : []),
    ['Operator', node.target],
    ['Node', node.name],
    ...(node.operators.length > 0
      ? [['Fused from', node.operators.map(({ name }) => name).join(', ')] as [string, string]]
      : []),
    ['Result', tensorText(node.dtype, node.shape)],
    ...(quantization
      ? ([
          ['Scale', real(quantization.scale)],
          ['Zero point', String(quantization.zeroPoint)],
          ['Range', `${real(quantization.low)} to ${real(quantization.high)}`],
        ] as [string, string][])
      : []),
    ...(histogram ? [['Clipped', smallPercent(histogram.clipped)] as [string, string]] : []),
    ...(error
      ? ([
          ['SQNR alone', decibels(error.alone.sqnr)],
          ['SQNR accumulated', decibels(error.together.sqnr)],
          ['Largest error', real(error.together.maxError)],
        ] as [string, string][])
      : []),
    ...(weight
      ? ([
          ['Weight', `[${weight.shape.join(', ')}]`],
          ...(weight.sqnr === undefined ? [] : [['SQNR of the weight', decibels(weight.sqnr)]]),
        ] as [string, string][])
      : []),
  ];
}

const stepFacts = ({
  op,
  implementation,
  nanoseconds,
  share,
  efficiency,
  bound,
}: StepFacts): [string, string][] => [
  ['Kernel', `${op} ${implementation}`],
  ['Time', `${duration(nanoseconds)}, ${percent(share)} of all`],
  ['Of the roofline', `${percent(efficiency, 0)}, limited by ${bound.by}`],
];

function element<K extends keyof HTMLElementTagNameMap>(name: K, text = ''): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
