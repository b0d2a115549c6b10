import { badRequest } from '../errors.ts';

/** Parameters of Triton's extensions that there are not: whoever sends one would take the answer for another. */
const absentOfTensors: Readonly<Record<string, string>> = {
  classification: 'classes are not ranked; ask for the output itself',
  shared_memory_region: 'there is no shared memory; send and ask for the tensor itself',
};

/**
 * Refuses what a tensor of a request should be read from, or be answered as, but cannot be. Other parameters that are not known are
 * ignored, as the protocol has it.
 * @param where the tensor, for messages.
 * @throws ProtocolError that names the parameter.
 */
export function refuseAbsent(parameters: Readonly<Record<string, unknown>>, where: string): void {
  for (const [name, why] of Object.entries(absentOfTensors))
    if (parameters[name] !== undefined && parameters[name] !== null)
      throw badRequest(`${where}.parameters.${name}: ${why}`);
}

/**
 * Refuses to load a model otherwise than its file is.
 * @param parameters of the load.
 * @throws ProtocolError that names the parameter.
 */
export function refuseOverride(parameters: Readonly<Record<string, unknown>>): void {
  const override = Object.keys(parameters).find((name) => name === 'config' || name.startsWith('file:'));
  if (override !== undefined)
    throw badRequest(`load: parameters.${override}: a model is loaded as its file in the repository is`);
}
