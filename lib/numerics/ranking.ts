import type { NodeComparison } from './compare-models.ts';

/** A node, and by how much it is worse than what it was given. */
export interface RankedNode extends NodeComparison {
  /** In decibels: from the SQNR of the worst of its inputs to its own, both 0 at least. Infinitely negative where nothing differs. */
  readonly drop: number;
}

/** Decibels that 8-bit layers which are well keep at least: as much as this does not count as an error. */
const well = 30;
/** Decibels of a value that is lost: worse is no more of an error. Behind a ReLU, a value far below 0 is 0, of which SQNR is -Infinity. */
const lost = 0;

/**
 * The nodes of a comparison, those first that add most to the error. Behind a broken layer all values are bad, and some are worse than its
 * own; but it is the one from whose inputs to whose result the SQNR falls most. An input without errors, or with a SQNR above it, counts as one
 * of 30 dB, which 8-bit layers that are well keep at least; a SQNR below 0, where the error is larger than the value, counts as 0. Of
 * {@link compareModelShadows}, where all inputs are without errors, the order is that of the SQNR: take that one where good layers have much
 * less than 30 dB, as those of 4 bits do. (No counterpart in PyTorch.)
 *
 * @example
 * const [first] = rankLayers(await compareModelOutputs(captured, converted, batches));
 * console.log(`${first.actualNodeName} costs ${first.drop.toFixed(1)} dB`);
 *
 * @param found of either comparison.
 * @returns all its nodes; of equal drops the first in the model comes first.
 */
export function rankLayers(found: ReadonlyMap<number, NodeComparison>): readonly RankedNode[] {
  return [...found.values()]
    .map((node) => {
      const given = node.inputs.flatMap((handle) => found.get(handle)?.sqnr ?? []);
      const before = Math.max(lost, Math.min(well, ...given));
      return { ...node, drop: before - Math.max(lost, node.sqnr) };
    })
    .sort((a, b) => (a.drop === b.drop ? 0 : b.drop - a.drop));
}
