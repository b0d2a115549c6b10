import { ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js';
import type { BearerToken } from '../security/bearer-token.ts';

/** Of probes, which have no token. */
const open: readonly RegExp[] = [
  /^\/grpc\.health\.v1\.Health\//,
  /^\/inference\.GRPCInferenceService\/Server(Live|Ready)$/,
];

/** Answers clients that do not show the token with `UNAUTHENTICATED`, before their message is read. The server's health is told to anyone. */
export function requireToken(token: BearerToken): ServerInterceptor {
  return ({ path }, call) => {
    if (open.some((each) => each.test(path))) return new ServerInterceptingCall(call);
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, accept) => {
            if (token.accepts(metadata.get('authorization')[0]?.toString())) accept(metadata);
            else
              call.sendStatus({
                code: status.UNAUTHENTICATED,
                details: 'the metadata authorization must be Bearer and the token of this server',
              });
          },
        }),
    });
  };
}
