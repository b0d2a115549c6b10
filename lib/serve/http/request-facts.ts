import type { FastifyRequest } from 'fastify';

/** What a log tells of a request that is in its body, or that the repository has decided. */
export interface RequestFacts {
  /** The client's name for the request. */
  id?: string | undefined;
  /** The version of the model that has answered. */
  version?: string;
}

const known = new WeakMap<FastifyRequest, RequestFacts>();

/** The facts of a request, to be added to. */
export function factsOf(request: FastifyRequest): RequestFacts {
  const facts = known.get(request) ?? {};
  known.set(request, facts);
  return facts;
}
