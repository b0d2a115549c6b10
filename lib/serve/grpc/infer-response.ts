import { bytesOf, datatypeOf } from '../inference/datatypes.ts';
import type { InferResponse } from '../inference/request.ts';
import { contentsOf, hasList } from './contents.ts';
import type { GrpcInferRequest } from './infer-request.ts';
import type { ModelInferResponse } from './messages.ts';

/**
 * The answer to a request: bytes if the request had bytes, otherwise lists, as KServe and OpenVINO Model Server do. The protocol has
 * all outputs of an answer in one way, so one of FP16 or BF16, which have no list, makes all of them bytes.
 */
export function writeInferResponse(asked: GrpcInferRequest, response: InferResponse): ModelInferResponse {
  const { modelName, modelVersion, id = '' } = response;
  const isRaw = asked.isRaw || !response.outputs.every(({ tensor }) => hasList(tensor));
  const outputs = response.outputs.map(({ name, tensor }) => ({
    name,
    datatype: datatypeOf(tensor.dtype).name,
    shape: tensor.shape,
    ...(isRaw ? {} : { contents: contentsOf(tensor) }),
  }));
  const rawOutputContents = isRaw ? response.outputs.map(({ tensor }) => bytesOf(tensor)) : [];
  return { modelName, modelVersion, id, outputs, rawOutputContents };
}
