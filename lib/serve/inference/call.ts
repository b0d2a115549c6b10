import type { Protocol } from '../models/version-tally.ts';
import type { InferRequest, InferResponse } from './request.ts';

/** A client's call for inference, as its protocol hands it on. */
export interface InferCall<Request extends InferRequest, Answer> {
  readonly model: string;
  /** Undefined: the one that is loaded. */
  readonly version: string | undefined;
  readonly origin: CallOrigin;
  /** Takes a request back that still waits. */
  readonly signal: AbortSignal;
  /** Makes the request of what was sent. Is called when the model is known to be loaded. */
  read(): Request;
  /** Makes what is sent of the response. */
  write(request: Request, response: InferResponse): Answer;
}

/** The way that a call has come, for those who count and trace. */
export interface CallOrigin {
  readonly protocol: Protocol;
  /** What OpenTelemetry calls it: `POST /v2/models/:model/infer`. */
  readonly name: string;
  /** OpenTelemetry's attributes of such a call. */
  attributes(): Readonly<Record<string, string | number>>;
  /** OpenTelemetry's attributes of its end. @param status that of HTTP: 200, or a ProtocolError's. */
  statusAttributes(status: number): Readonly<Record<string, string | number>>;
  /** What the client has sent beside the request: a header, or metadata. */
  header(name: string): string | undefined;
}
