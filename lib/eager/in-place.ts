import { Module } from '../nn/index.ts';
import type { OptionNames } from '../options.ts';

/** Options of what changes a model. */
export interface InPlaceOptions {
  /** Whether the model itself is changed, in place of a copy. An Error may then leave it changed in part. */
  readonly inplace?: boolean;
}

export const inPlaceOptions: OptionNames<InPlaceOptions> = { inplace: 'boolean' };

/** @throws Error when a caller gave something else. */
export function checkModule(model: unknown, where: string): void {
  if (!(model instanceof Module))
    throw new Error(
      `${where}: expected a Module of octavo/nn, got ${model === null ? 'null' : typeof model}; captured graphs are prepared with ` +
        'preparePt2e',
    );
}
