import { JsonCursor } from '../formats/json-cursor.ts';
import { parseJson } from '../formats/parse-json.ts';
import type { StoredEntry } from '../formats/safetensors.ts';
import { addon } from '../native/addon.ts';
import type { StoredFormDesc } from '../native/addon-types.ts';
import { StoredTensor } from '../native/stored-tensor.ts';
import { byteSizeOf, numelOf, Tensor } from '../tensor/index.ts';

/**
 * Packed weights in a saved file: a choice, because they are worth it on some CPUs only. On AVX2, whose exact kernels pack
 * themselves, the first result after loading comes in 0.79 (ResNet-18, 149 to 117 ms) and 0.87 (ResNet-50, 238 to 206 ms)
 * of the time, for twice the file. On AMX nothing is gained (70 to 68 ms, 99 to 105 ms). `npm run bench:first-use` measures it.
 */

/** Packed weights as stored in a file: bytes with their own names, and a description. */
export interface PackedWeights {
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** JSON: what they were packed for, and the form and the weight of each of them. */
  readonly record: string;
}

/**
 * The packed forms that the plans of this process have packed, or found in the file they came from.
 * @throws Error when this oneDNN cannot describe them in a way that holds in another process.
 */
export function packedWeightsOf(weights: ReadonlyMap<string, Tensor>): PackedWeights {
  const tensors = new Map<string, Tensor>();
  const forms: { readonly tensor: string; readonly of: string; readonly key: string }[] = [];
  for (const [path, weight] of weights) {
    const { constant } = StoredTensor.of(weight);
    for (const { key, byteLength, isLasting } of addon.packedForms(constant)) {
      if (!isLasting)
        throw new Error(
          `save: packed weights cannot be stored with oneDNN ${addon.oneDnnVersion().version}, which does not hand out ` +
            'what a layout is; versions 2.x, 3.4 and later do',
        );
      let tensor = `${path} packed ${forms.length}`;
      while (weights.has(tensor)) tensor += "'";
      const bytes = new Uint8Array(byteLength);
      addon.readPackedForm(constant, key, bytes);
      tensors.set(tensor, new Tensor('uint8', bytes, [byteLength]));
      forms.push({ tensor, of: path, key });
    }
  }
  return { tensors, record: JSON.stringify({ packing: addon.packing(), forms }) };
}

/**
 * The places of the packed forms in a file, by the path of the weight. Empty if they were packed for another CPU, by
 * another oneDNN or another version of Octavo.
 * @throws Error that names the place where the record is not what {@link packedWeightsOf} wrote.
 */
export function storedForms(
  record: string,
  entries: readonly StoredEntry[],
): ReadonlyMap<string, readonly StoredFormDesc[]> {
  const forms = new Map<string, StoredFormDesc[]>();
  const root = new JsonCursor(parseJson(record), 'packed');
  if (root.field('packing').string() !== addon.packing()) return forms;
  const byName = new Map(entries.map((entry) => [entry.key, entry]));
  const entryOf = (name: JsonCursor) =>
    byName.get(name.string()) ?? name.fail(`names '${name.string()}', which the file does not hold`);
  for (const form of root.field('forms').items()) {
    const { dtype, shape, position } = entryOf(form.field('tensor'));
    const { key: weight } = entryOf(form.field('of'));
    const byteLength = numelOf(shape) * byteSizeOf(dtype);
    const known = forms.get(weight) ?? [];
    forms.set(weight, [...known, { key: form.field('key').string(), position, byteLength }]);
  }
  return forms;
}
