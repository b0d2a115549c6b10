/**
 * The protocol's messages that hold more than a name, as they come out of protobuf: absent lists are empty, absent strings too. Those
 * of requests may hold what they like.
 */

/** A 64-bit integer in two halves, as the protobuf library has it; it writes plain numbers, too. */
export interface Long {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

/** Only the one that `parameterChoice` names was sent; the others are what protobuf has for them. */
export interface InferParameter {
  readonly parameterChoice?: 'boolParam' | 'int64Param' | 'stringParam' | 'doubleParam' | 'uint64Param';
  readonly boolParam: boolean;
  readonly int64Param: Long;
  readonly stringParam: string;
  readonly doubleParam: number;
  readonly uint64Param: Long;
}

export type InferParameters = Readonly<Record<string, InferParameter>>;

/** A tensor's elements, in the list for its datatype. */
export interface InferTensorContents {
  readonly boolContents: ArrayLike<boolean>;
  readonly intContents: ArrayLike<number>;
  readonly int64Contents: ArrayLike<Long>;
  readonly uintContents: ArrayLike<number>;
  readonly uint64Contents: ArrayLike<Long>;
  readonly fp32Contents: ArrayLike<number>;
  readonly fp64Contents: ArrayLike<number>;
  readonly bytesContents: ArrayLike<Uint8Array>;
}

export interface InferInputTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly Long[];
  readonly contents?: InferTensorContents | null;
}

export interface ModelInferRequest {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string;
  readonly parameters: InferParameters;
  readonly inputs: readonly InferInputTensor[];
  readonly outputs: readonly { readonly name: string }[];
  readonly rawInputContents: readonly Uint8Array[];
}

export interface InferOutputTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly contents?: Partial<InferTensorContents>;
}

export interface ModelInferResponse {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string;
  readonly outputs: readonly InferOutputTensor[];
  readonly rawOutputContents: readonly Uint8Array[];
}

/** A model, and a version of it, or the one that is served. */
export interface ModelRequest {
  readonly name: string;
  readonly version: string;
}
