/** What a log tells of a request that is in its body, or that the repository has decided. */
export interface RequestFacts {
  model?: string;
  /** The client's name for the request. */
  id?: string | undefined;
  /** The version of the model that has answered. */
  version?: string;
  /** How long the body was, whose memory may be another's by now. */
  bytesIn?: number;
  /** What the server failed by. */
  failure?: Error;
}

const known = new WeakMap<object, RequestFacts>();

/**
 * The facts of a request, to be added to.
 * @param request what its protocol knows it by: a request of HTTP, or the metadata of a call.
 */
export function factsOf(request: object): RequestFacts {
  const facts = known.get(request) ?? {};
  known.set(request, facts);
  return facts;
}
