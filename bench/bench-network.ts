import { fileURLToPath } from 'node:url';
import type { Module } from '../lib/nn/index.ts';
import { bertBase, bertInput, distilBert } from './models/bert.ts';
import { referenceModels } from './models/index.ts';
import { recurrentModels } from './models/recurrent.ts';
import { vitB16 } from './models/vit.ts';

/** What a network takes, and how it is quantized. */
export interface NetworkSpec {
  /** Of its input, without the batch. */
  readonly inputShape: readonly number[];
  /**
   * Whether activations' parameters are calibrated, or chosen from each request's tensors: of linear layers, or of recurrent
   * ones.
   */
  readonly recipe: 'static' | 'dynamic' | 'recurrent';
}

/** A network that the benches know by name: one to be built, or the `.pt2` file of a trained one. */
export type BenchNetwork = NetworkSpec & ({ build(): Module } | { readonly file: string });

/** Input of the networks for ImageNet, without the batch. */
export const imageShape = [3, 224, 224] as const;

const networks: ReadonlyMap<string, BenchNetwork> = new Map<string, BenchNetwork>([
  ...Object.entries(referenceModels).map(([name, build]): [string, BenchNetwork] => {
    return [name, { build, inputShape: imageShape, recipe: 'static' }];
  }),
  // So small that the way of a request is most of its time.
  ...['glyph_resnet', 'glyph_mobilenet'].map((name): [string, BenchNetwork] => {
    const file = fileURLToPath(new URL(`../models/${name}.pt2`, import.meta.url));
    return [name, { file, inputShape: [3, 32, 32], recipe: 'static' }];
  }),
  ['vit_b_16', { build: vitB16, inputShape: imageShape, recipe: 'static' }],
  ...Object.entries(recurrentModels).map(([name, model]): [string, BenchNetwork] => {
    return [name, { ...model, recipe: 'recurrent' }];
  }),
  ['bert_base', { build: bertBase, inputShape: bertInput, recipe: 'dynamic' }],
  ['distilbert', { build: distilBert, inputShape: bertInput, recipe: 'dynamic' }],
]);

/** @throws Error that lists those there are. */
export function networkOf(name: string): BenchNetwork {
  const network = networks.get(name);
  if (!network)
    throw new Error(`there is no network '${name}'; those there are: ${[...networks.keys()].join(', ')}`);
  return network;
}
