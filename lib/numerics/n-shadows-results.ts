import { markdownTable } from 'markdown-table';
import type { LayerResult, NShadowsModel } from './n-shadows.ts';

/**
 * What the loggers have kept (counterpart: `extract_results_n_shadows_model`), by the names that layers have in the float model, in its order.
 * @throws Error when they have seen nothing.
 */
export function extractResultsNShadowsModel(model: NShadowsModel): ReadonlyMap<string, LayerResult> {
  if (model.layers.size === 0)
    throw new Error(
      'extractResultsNShadowsModel: the loggers have seen nothing; convert the model, enable them and run it',
    );
  const layers = [...model.layers].sort(([a], [b]) => a - b);
  return new Map(layers.map(([, layer]) => [layer.refNodeName, layer]));
}

/**
 * Prints a table (counterpart: `print_comparisons_n_shadows_model`): a layer a row, and for each candidate the mean of its SQNRs in
 * decibels; `-` where the candidate does not quantize the layer.
 */
export function printComparisonsNShadowsModel(results: ReadonlyMap<string, LayerResult>): void {
  const layers = [...results.values()];
  const names = [...new Set(layers.flatMap(({ candidates }) => [...candidates.keys()]))];
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const rows = layers.map(({ refNodeName, refNodeTarget, refModulePath, candidates }) => [
    refNodeName,
    refNodeTarget,
    refModulePath,
    ...names.map((name) => {
      const found = candidates.get(name);
      return found ? mean(found.comparisons).toFixed(1) : '-';
    }),
  ]);
  const align = ['l', 'l', 'l', ...names.map(() => 'r')];
  console.log(markdownTable([['layer', 'operator', 'module', ...names], ...rows], { align }));
}
