import { layout } from '@dagrejs/dagre';
import { Graph } from '@dagrejs/graphlib';
import type { NodeFacts } from './facts.ts';
import { kindOf, titleOf } from './names.ts';

/** A place in the drawing, in pixels at the size at which text is easily read. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A node's box, by its centre, with the lines of text in it. */
export interface Box extends Point {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly kind: string;
}

/** The drawing of a network: boxes in the order of the nodes, and the lines between them. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
  readonly edges: readonly (readonly Point[])[];
}

const [boxHeight, padding, longest] = [48, 28, 34];
/** The widest that a letter of the page's font is on average, in the title and in the line below. */
const [titleLetter, kindLetter] = [8.6, 6.6];

/** What dagre reads of the whole graph, and the size that it writes there. */
interface Settings {
  readonly rankdir: 'TB';
  readonly nodesep: number;
  readonly ranksep: number;
  readonly marginx: number;
  readonly marginy: number;
  readonly width: number;
  readonly height: number;
}

/** What it adds to a node and to an edge. */
type Placed = Pick<Box, 'x' | 'y' | 'width' | 'height'>;
interface Line {
  readonly points: readonly Point[];
}

/** Lays out the network from top to bottom (Sugiyama's method, by dagre). */
export function drawNetwork(nodes: readonly NodeFacts[]): Drawing {
  const graph = new Graph<Settings, Placed, Line>();
  graph.setGraph({ rankdir: 'TB', nodesep: 28, ranksep: 34, marginx: 20, marginy: 20, width: 0, height: 0 });
  graph.setDefaultEdgeLabel(() => ({ points: [] }));
  const texts = nodes.map((node) => ({
    title: shortenedPath(titleOf(node)),
    kind: shortenedKind(kindOf(node)),
  }));
  for (const [i, { name }] of nodes.entries()) {
    const { title, kind } = texts[i];
    const width = padding + Math.max(titleLetter * title.length, kindLetter * kind.length);
    graph.setNode(name, { x: 0, y: 0, width, height: boxHeight });
  }
  for (const { name, inputs } of nodes) for (const input of inputs) graph.setEdge(input, name);
  layout(graph);
  const { width, height } = graph.graph();
  return {
    width,
    height,
    boxes: nodes.map(({ name }, i) => ({ ...graph.node(name), ...texts[i] })),
    edges: graph.edges().map((edge) => graph.edge(edge).points),
  };
}

/** Paths differ at their ends, and what is computed begins with the layer. */
const shortenedPath = (text: string) => (text.length <= longest ? text : `…${text.slice(1 - longest)}`);
const shortenedKind = (text: string) => (text.length <= longest ? text : `${text.slice(0, longest - 1)}…`);
