import type { Asking, Image } from './asking.ts';
import { askByGrpc } from './grpc-asking.ts';
import { askByHttp, encodings } from './http-asking.ts';

/** The protocols that the client speaks with Octavo. */
export const protocols = ['rest-json', 'rest-binary', 'grpc'] as const;

/**
 * @param protocol one of these, or the peer's `plain-binary`.
 * @param url where the model takes requests.
 */
export function asking(protocol: string, url: string, images: readonly Image[]): Asking {
  if (protocol === 'grpc') return askByGrpc(new URL(url), images);
  return askByHttp(encodings[protocol], new URL(url), images);
}
