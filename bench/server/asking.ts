/** One image, and what it is called by the model that takes it. */
export interface Image {
  readonly input: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Asks a server for what it makes of one of a few images, as often as wanted. */
export interface Asking {
  /** The bytes of the result, undefined if the server had too much to do. */
  ask(image: number): Promise<Buffer | undefined>;
  close(): void;
}

/** An image's numbers as they travel. */
export const bytesOf = ({ data }: Image): Buffer =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength);
