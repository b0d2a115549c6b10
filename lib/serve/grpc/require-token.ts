import { ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js';
import type { BearerToken } from '../security/bearer-token.ts';
import { isProbe } from './probes.ts';

/** Answers clients that do not show the token with `UNAUTHENTICATED`, before their message is read. The server's health is told to anyone. */
export function requireToken(token: BearerToken): ServerInterceptor {
  return ({ path }, call) => {
    if (isProbe(path)) return new ServerInterceptingCall(call);
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
