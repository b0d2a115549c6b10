import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Case, casesFolder, readCases } from './index.ts';
import { type Exporter, modelOf, type Outcome, runCase } from './run-case.ts';

/**
 * Small models of the kinds that people report faults about, each run as a float graph node by node, compiled, and
 * quantized, and held against PyTorch. `npx tsx test/cases/table.ts` prints what becomes of them.
 */
const cases = Object.entries(readCases());

const exporters: readonly Exporter[] = ['2.6', '2.14', 'torchscript', 'dynamo'];
/** Every case has an archive of each PyTorch; some also have ONNX. */
const isThere = (name: string, exporter: Exporter) =>
  exporter.startsWith('2.') || existsSync(modelOf(casesFolder, name, exporter));

/** Float32 results differ by the order of sums. */
const FLOAT = 1e-4;
/** Decibels: a value halfway between two integers may be rounded otherwise, for the sums before it are in another order. */
const ROUNDING = 0.5;

/** What a stage should have come to, in words; nothing where it did. */
function complaint(it: Case, { stage, error, decibels = 0, relativeError = 0 }: Outcome): string | undefined {
  const refusal = it.refused?.[stage];
  if (refusal !== undefined || error !== undefined)
    return refusal !== undefined && error?.includes(refusal)
      ? undefined
      : `${stage}: expected ${refusal ?? 'results'}, got ${error ?? 'results'}`;
  if (it.anyNumbers?.includes(stage)) return undefined;
  const [kind, run = 'example'] = stage.split(' ');
  if (kind === it.quantization && kind !== 'float') {
    const wanted = it.atLeast ?? it.pytorch![run] - ROUNDING;
    return decibels >= wanted ? undefined : `${stage}: ${decibels} dB, expected ${wanted}`;
  }
  const allowed = it.relative ?? FLOAT;
  return relativeError <= allowed
    ? undefined
    : `${stage}: relative error ${relativeError}, expected ${allowed}`;
}

describe.each(exporters)('a case of PyTorch, exporter %s', (exporter) => {
  for (const [name, plain] of cases) {
    if (!isThere(name, exporter)) continue;
    const each = { ...plain, ...plain.exporters?.[exporter] };
    const test = each.knownToFail === undefined ? it : it.fails;
    test(`${name}: ${each.special}`, async () => {
      const outcomes = await runCase(casesFolder, name, each, exporter);
      const complaints = outcomes.map((outcome) => complaint(each, outcome));
      expect(complaints.filter((text) => text !== undefined)).toEqual([]);
      const stages = outcomes.map(({ stage }) => stage);
      expect(Object.keys(each.refused ?? {}).filter((stage) => !stages.includes(stage))).toEqual([]);
    });
  }
});
