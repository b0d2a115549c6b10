import type { OperatorDefinition } from './registry.ts';

/** Pointwise functions of one tensor that oneDNN knows as eltwise algorithms. */
export const activations: readonly OperatorDefinition[] = [
  {
    schema: 'aten::relu(Tensor self) -> Tensor',
    infer: (args) => args.tensor('self'),
    step: (args) => ({ op: 'eltwise', inputs: [args.tensor('self')], attributes: { algorithm: 'relu' } }),
  },
];
