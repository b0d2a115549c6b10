/**
 * The PT2E that a graph is quantized as. `torchao`, the default, is torchao 0.19 with PyTorch 2.14; `pytorch-2.6` is
 * `torch.ao.quantization` of PyTorch 2.6 and 2.7, for models that have to be as they were. docs/recipes.md lists what
 * differs.
 * @useDeclaredType
 */
export type Recipe = (typeof recipes)[number];

const recipes = ['torchao', 'pytorch-2.6'] as const;

/** The recipe where none is named. */
export const DEFAULT_RECIPE: Recipe = 'torchao';

/** @throws Error that lists the recipes if this is not one of them. */
export function checkRecipe(recipe: Recipe, where: string): void {
  if (!recipes.includes(recipe))
    throw new Error(`${where}: recipe must be ${recipes.join(' or ')}, got '${String(recipe)}'`);
}

declare module '../graph/graph-module.ts' {
  interface GraphModuleMeta {
    /** What `preparePt2e` followed, for `convertPt2e`; absent if it is the default. */
    recipe?: Recipe;
  }
}
