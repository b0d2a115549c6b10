/** Messages that hold more than a name. Those that are read have empty strings for what was not sent. */

/** A request for inference, its tensors not read yet. */
export interface ModelInferRequest {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  readonly inputs: readonly InferInputTensor[];
  readonly outputs: readonly { readonly name: string }[];
  readonly rawInputContents: readonly Uint8Array[];
}

export type ParameterValue = boolean | number | string | undefined;

export interface InferInputTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  /** `InferTensorContents` as they were sent: usually one, and none where the tensor is bytes. */
  readonly contents: readonly Uint8Array[];
}

export interface ModelInferResponse {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string;
  readonly outputs: readonly InferOutputTensor[];
  readonly rawOutputContents: readonly Uint8Array[];
}

export interface InferOutputTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly contents?: InferTensorContents;
}

/** A tensor's elements by the name of their list. */
export type InferTensorContents = Readonly<Record<string, ArrayLike<number | boolean | Long>>>;

/** A 64-bit integer in two halves, as the protobuf library writes it. */
export interface Long {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

/** A model, and a version of it, or the one that is served. */
export interface ModelRequest {
  readonly name: string;
  readonly version: string;
}

/** A model to load or to unload. */
export interface ModelChange {
  readonly modelName: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
}
