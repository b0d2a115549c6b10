import { operatorName } from '../../graph/index.ts';
import type { OperatorDefinition } from '../registry.ts';

/** Views that PyTorch also has as operators whose result is memory of its own: `view_copy` for `view`. */
export const copiedViews: ReadonlySet<string> = new Set([
  'aten._reshape_alias.default',
  'aten.alias.default',
  'aten.detach.default',
  'aten.diagonal.default',
  'aten.expand.default',
  'aten.narrow.default',
  'aten.permute.default',
  'aten.select.int',
  'aten.slice.Tensor',
  'aten.split.Tensor',
  'aten.split_with_sizes.default',
  'aten.squeeze.default',
  'aten.squeeze.dim',
  'aten.squeeze.dims',
  'aten.t.default',
  'aten.transpose.int',
  'aten.unbind.int',
  'aten.unfold.default',
  'aten.unsqueeze.default',
  'aten.view.default',
]);

/** The copying form of such a view. */
export const copyingName = (target: string): string => target.replace(/^aten\.\w+/, '$&_copy');

/** A schema under the name of its copying form, without the marks of memory that the result shares. */
const copyingForm = (schema: string): string =>
  schema.replace(/^aten::\w+/, '$&_copy').replaceAll(/\(a( -> \*)?\)/g, '');

/**
 * The same operators under the names of their copying forms. Which memory a result has is for a plan to choose, so both
 * are computed alike.
 */
export const copiesOf = (views: readonly OperatorDefinition[]): readonly OperatorDefinition[] =>
  views
    .filter(({ schema }) => copiedViews.has(operatorName(schema)))
    .map((definition) => ({ ...definition, schema: copyingForm(definition.schema) }));
