import type { Problem } from '../kind.ts';

/** Channels, height and width. */
export type Image = readonly [channels: number, height: number, width: number];

export type Activation =
  | 'relu'
  | 'relu6'
  | 'silu'
  | 'hardswish'
  | 'gelu'
  | 'leakyRelu'
  | 'sigmoid'
  | 'tanh'
  | 'hardsigmoid';

/** One layer. `from` is the number of the value it reads: 0 is the input, layer i computes value i + 1. */
export type Layer = { readonly from: number } & LayerKind;

export type LayerKind =
  | {
      readonly layer: 'convolution';
      readonly channels: number;
      readonly outputs: number;
      readonly groups: number;
      readonly kernel: number;
      readonly stride: number;
      readonly padding: number;
      readonly dilation: number;
      readonly bias: boolean;
      readonly batchNorm: boolean;
      readonly activation?: Activation | undefined;
    }
  | {
      readonly layer: 'maxPool2d' | 'avgPool2d';
      readonly kernel: number;
      readonly stride: number;
      readonly padding: number;
    }
  | {
      readonly layer: 'add' | 'mul' | 'sub';
      readonly other: number;
      readonly activation?: Activation | undefined;
    }
  /** Of this value and others along the channels. */
  | { readonly layer: 'cat'; readonly others: readonly number[] }
  /** The value times what two linear layers make of its average (squeeze-and-excitation). */
  | {
      readonly layer: 'gate';
      readonly channels: number;
      readonly middle: Activation;
      readonly gate: Activation;
    }
  | { readonly layer: 'activation'; readonly activation: Activation }
  /** Two groups of channels take turns (ShuffleNet). */
  | { readonly layer: 'shuffle'; readonly image: Image }
  /** Split in halves, the first through the activation, and joined again. */
  | {
      readonly layer: 'halves';
      readonly swapped: boolean;
      readonly activation?: Activation | undefined;
    }
  | { readonly layer: 'pad'; readonly amounts: readonly [number, number, number, number] };

/** A small network of images. Its weights and inputs follow from the seed. */
export interface NetworkProblem extends Problem {
  /** What it computes in: quantized statically, as it is, or cast. */
  readonly variant: 'int8' | 'float32' | 'bfloat16';
  readonly input: Image;
  readonly layers: readonly Layer[];
  /** A linear layer ends it, on averages or on all elements; `extra` is the number of a value that is a result, too. */
  readonly head: { readonly average: boolean; readonly features: number; readonly extra?: number };
}
