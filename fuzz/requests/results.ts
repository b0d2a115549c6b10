import type { Results } from './messages.ts';
import type { Response } from './responses.ts';

interface Output {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data?: readonly number[];
  readonly parameters?: { readonly binary_data_size: number };
}

/**
 * The results that an answer holds, in JSON or as bytes behind it.
 * @throws Error when it is no such answer.
 */
export function resultsIn({ headers, body }: Response): Results {
  const jsonBytes = Number(headers.get('inference-header-content-length') ?? body.length);
  const { outputs } = JSON.parse(body.toString('utf8', 0, jsonBytes)) as {
    readonly outputs: readonly Output[];
  };
  let at = jsonBytes;
  const results = new Map<string, readonly number[]>();
  for (const { name, datatype, shape, data, parameters } of outputs) {
    const size = parameters?.binary_data_size ?? 0;
    const values = data ?? [...new Float32Array(new Uint8Array(body.subarray(at, at + size)).buffer)];
    at += size;
    const count = shape.reduce((product, extent) => product * extent, 1);
    if (datatype !== 'FP32' || values.length !== count)
      throw new Error(`output ${name} is ${datatype}[${shape}] with ${values.length} elements`);
    results.set(name, values);
  }
  if (at !== body.length) throw new Error(`${body.length - at} bytes belong to no output`);
  return results;
}
