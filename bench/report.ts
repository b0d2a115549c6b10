import { createRequire } from 'node:module';
import { markdownTable } from 'markdown-table';
import { cpuFeatures } from '../lib/index.ts';
import { geometricMean } from './statistics.ts';

/** What the figures were measured on and with. */
export interface Setup {
  readonly cpu: string;
  readonly cores: number;
  /** The widest instruction set that oneDNN uses. */
  readonly isa: string;
  readonly oneDnn: string;
  readonly onnxRuntime: string;
  readonly node: string;
}

export function setupHere(): Setup {
  const { brand, vendor, cores, oneDnn } = cpuFeatures();
  const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json');
  const { isa, version: oneDnnVersion } = oneDnn;
  return {
    ...{ cpu: brand || vendor, cores, isa, oneDnn: oneDnnVersion },
    ...{ onnxRuntime: version, node: process.version },
  };
}

export const formatSetup = ({ cpu, cores, isa, oneDnn, onnxRuntime, node }: Setup): string =>
  `${cpu}, ${cores} cores, ${isa}; oneDNN ${oneDnn}, onnxruntime-node ${onnxRuntime}, Node ${node}`;

/** One line of a table: what was measured, medians and ratios by column, and what disturbed. */
export interface Row {
  readonly what: Readonly<Record<string, string | number>>;
  readonly milliseconds: Readonly<Record<string, number>>;
  readonly ratios: Readonly<Record<string, number>>;
  /** Cores that other processes kept busy. */
  readonly otherLoad: number;
}

/** Rows as markdown, with the geometric means of their ratios below them. All rows have the same columns. */
export function formatTable(rows: readonly Row[]): string {
  const [{ what, milliseconds, ratios }] = rows;
  const heading = [...[what, milliseconds, ratios].flatMap(Object.keys), 'other load'];
  const lines = rows.map((row) => [
    ...Object.values(row.what).map(String),
    ...Object.values(row.milliseconds).map(formatTime),
    ...Object.values(row.ratios).map(formatRatio),
    row.otherLoad.toFixed(2),
  ]);
  const means = Object.entries(geometricMeans(rows)).map(([, mean]) => formatRatio(mean));
  const blank = Object.keys(what).length - 1 + Object.keys(milliseconds).length;
  const last = ['geometric mean', ...Array<string>(blank).fill(''), ...means, ''];
  const align = heading.map((_, column) => (column === 0 ? 'l' : 'r'));
  return markdownTable([heading, ...lines, last], { align });
}

export function geometricMeans(rows: readonly Row[]): Record<string, number> {
  return Object.fromEntries(
    Object.keys(rows[0].ratios).map((name) => [name, geometricMean(rows.map(({ ratios }) => ratios[name]))]),
  );
}

/** Milliseconds in three digits or so. */
export const formatTime = (ms: number): string =>
  ms < 0.9995 ? `${(1000 * ms).toFixed(0)} us` : `${ms.toFixed(ms < 10 ? 2 : 1)} ms`;

const formatRatio = (ratio: number) => `${ratio.toFixed(2)}x`;
