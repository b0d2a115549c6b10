import { type GraphModule, isStateful } from '../graph/index.ts';
import { Tensor } from '../tensor/index.ts';

const prefix = 'model.';

/** A model's tensors: `model.layer1.weight`, and those of its fake quantizers: `model.activation_post_process_0.scale`. */
export function modelTensors(model: GraphModule): ReadonlyMap<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const [path, tensor] of model.attributes) tensors.set(`${prefix}${path}`, tensor);
  for (const [name, module] of model.modules)
    if (isStateful(module))
      for (const [key, tensor] of module.state) tensors.set(`${prefix}${name}.${key}`, tensor);
  return tensors;
}

/** Replaces all of a model's tensors by those of the same names. */
export function setModelTensors(model: GraphModule, tensors: ReadonlyMap<string, Tensor>): void {
  for (const path of [...model.attributes.keys()])
    model.attributes.set(path, tensors.get(`${prefix}${path}`)!);
  for (const [name, module] of model.modules)
    if (isStateful(module))
      for (const key of [...module.state.keys()])
        module.setState(key, tensors.get(`${prefix}${name}.${key}`)!);
}

/** @throws Error that lists what is missing, what is not known, and what has another dtype or shape. */
export function checkSameTensors(
  known: ReadonlyMap<string, Tensor>,
  given: ReadonlyMap<string, Tensor>,
  where: string,
): void {
  if (!(given instanceof Map) || ![...given.values()].every((each) => each instanceof Tensor))
    throw new Error(`${where}: expected a Map of tensors, as stateDict() returns`);
  const form = ({ dtype, shape }: Tensor) => `${dtype}[${shape.join(', ')}]`;
  const missing = [...known.keys()].filter((name) => !given.has(name));
  const unknown = [...given.keys()].filter((name) => !known.has(name));
  const differing = [...known]
    .map(([name, tensor]) => ({ name, is: form(tensor), given: given.get(name) }))
    .filter(({ is, given: other }) => other && form(other) !== is)
    .map(({ name, is, given: other }) => `${name} is ${is}, got ${form(other!)}`);
  const parts = [
    ...listed('missing', missing),
    ...listed('not known', unknown),
    ...listed('of another dtype or shape', differing),
  ];
  if (parts.length > 0) throw new Error(`${where}: these are not the trainer's tensors: ${parts.join('; ')}`);
}

/** More than a few names tell nothing more. */
const mostListed = 5;

function listed(what: string, names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  const more = names.length - mostListed;
  return [`${what}: ${names.slice(0, mostListed).join(', ')}${more > 0 ? ` and ${more} more` : ''}`];
}
