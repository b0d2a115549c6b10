/** A field of a message, as protobuf writes it: https://protobuf.dev/programming-guides/encoding/. */
export interface Field {
  /** For those who read what was changed. */
  readonly name: string;
  readonly number: number;
  readonly wireType: number;
  /** Of wire type 2 what stands behind the length; otherwise all that stands behind the tag. */
  readonly value: Buffer | readonly Field[];
}

export function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.of(...bytes, Number(rest));
}

export const sized = (name: string, number: number, value: Buffer | string | readonly Field[]): Field => ({
  name,
  number,
  wireType: 2,
  value: typeof value === 'string' ? Buffer.from(value) : value,
});

export const integer = (name: string, number: number, value: number | bigint): Field => ({
  name,
  number,
  wireType: 0,
  value: varint(value),
});

/** A message's bytes. */
export function written(fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(({ number, wireType, value }) => {
      const bytes = Buffer.isBuffer(value) ? value : written(value as readonly Field[]);
      return [varint(number * 8 + wireType), ...(wireType === 2 ? [varint(bytes.length)] : []), bytes];
    }),
  );
}
