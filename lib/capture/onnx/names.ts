/** Names and orders in which ONNX and PyTorch differ: the reader goes one way, the writer the other. */

/** Reductions of what is written to one position: PyTorch's names, and ONNX's. */
export const scatterReductions: Readonly<Record<string, string>> = {
  sum: 'add',
  prod: 'mul',
  amax: 'max',
  amin: 'min',
};

/** `GridSample`'s modes by PyTorch's numbers, as operator set 20 has them, and as set 16 had them. */
export const gridModes: readonly (readonly string[])[] = [
  ['linear', 'bilinear'],
  ['nearest'],
  ['cubic', 'bicubic'],
];

/** `GridSample`'s paddings by PyTorch's numbers. */
export const gridPaddings: readonly string[] = ['zeros', 'border', 'reflection'];

/** Gates of recurrent layers in PyTorch's order, each as its number in ONNX's. */
export const recurrentGates = { LSTM: [0, 2, 3, 1], GRU: [1, 0, 2], RNN: [0] } as const;

/** The least scale that is chosen at run time: float32's epsilon, as in PyTorch. `DynamicQuantizeLinear` has none. */
export const leastScale = 2 ** -23;
