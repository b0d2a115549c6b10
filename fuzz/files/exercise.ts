import { type CompiledModel, SymInt, Tensor } from '../../lib/index.ts';

/** So that what a file asks for does not take longer than the problem is worth, nor all memory. */
const mostElements = 2 ** 22;
const mostBytes = 2 ** 28;

/** Runs a model with two for every size that a request chooses, as far as its inputs are of a size that a caller might have. */
export async function exercise(model: CompiledModel): Promise<void> {
  const inputs: Tensor[] = [];
  for (const { dtype, shape } of model.inputs) {
    const sizes = shape.map((size) => (size instanceof SymInt ? 2 : size));
    if (!(sizes.reduce((a, b) => a * b, 1) <= mostElements)) return;
    inputs.push(exampleInput(sizes, dtype));
  }
  if (
    model.plan(Object.fromEntries(model.inputs.map(({ name }, i) => [name, inputs[i].shape]))).memory
      .arenaBytes > mostBytes
  )
    return;
  await model.run(inputs);
  void model.report;
}

export function exampleInput(shape: readonly number[], dtype: Tensor['dtype'] = 'float32'): Tensor {
  const tensor = Tensor.zeros(dtype, shape);
  const { data } = tensor;
  if (data instanceof BigInt64Array) for (let i = 0; i < data.length; i++) data[i] = BigInt(i % 7);
  else for (let i = 0; i < data.length; i++) data[i] = dtype === 'float32' ? 2 * Math.sin(0.37 * i) : i % 7;
  return tensor;
}
