import {
  Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';
import type { FastifyBaseLogger } from 'fastify';
import { factsOf, type RequestFacts } from '../logging/request-facts.ts';
import { requestId } from '../logging/request-id.ts';
import { logRequest } from '../logging/request-line.ts';
import { isProbe } from './probes.ts';
import { sizeOf } from './schema.ts';
import { httpStatusOf } from './status.ts';

const idHeader = 'x-request-id';

/**
 * Gives each call the id that its metadata has, or a new one, which its answer has, too. When it is over it has a line in the log, with
 * nothing of what messages and metadata hold.
 * @param log undefined: no line is written.
 */
export function logCalls(log: FastifyBaseLogger | undefined): ServerInterceptor {
  return ({ path }, call) => {
    const start = performance.now();
    let id = '';
    let facts: RequestFacts = {};
    let code: number = status.CANCELLED;
    let [request, response]: (object | undefined)[] = [];
    let hasMetadata = false;
    onFirstStatus(call, (sent) => {
      code = sent.code;
      if (hasMetadata) return sent;
      const metadata = sent.metadata ?? new Metadata();
      metadata.set(idHeader, id);
      return { ...sent, metadata };
    });
    const logEnd = (log: FastifyBaseLogger) => {
      const own = log.child({ reqId: id });
      const { failure } = facts;
      if (failure) own.error(failure);
      logRequest(own, { protocol: 'grpc', path, code: status[code] }, facts, {
        status: httpStatusOf(code),
        isProbe: isProbe(path),
        bytesIn: sizeOf(request),
        bytesOut: sizeOf(response),
        ms: performance.now() - start,
      });
    };
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, proceed) => {
            id = requestId(metadata.get(idHeader)[0]?.toString());
            facts = factsOf(metadata);
            proceed(metadata);
          },
          onReceiveMessage: (message, proceed) => {
            request = message;
            proceed(message);
          },
          // Whatever it ends by.
          onCancel: () => {
            if (log) logEnd(log);
          },
        }),
      sendMetadata: (metadata, proceed) => {
        hasMetadata = true;
        metadata.set(idHeader, id);
        proceed(metadata);
      },
      sendMessage: (message, proceed) => {
        response = message;
        proceed(message);
      },
    });
  };
}

type Status = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

/** Interceptors do not see what the library itself answers, as when a deadline has passed or a message is too large: the call does. */
function onFirstStatus(call: ServerInterceptingCallInterface, change: (sent: Status) => Status): void {
  const send = call.sendStatus.bind(call);
  let isFirst = true;
  call.sendStatus = (sent) => {
    send(isFirst ? change(sent) : sent);
    isFirst = false;
  };
}
