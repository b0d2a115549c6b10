import { constants, type ServerHttp2Stream } from 'node:http2';
import {
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';

/**
 * Answers a call with `DEADLINE_EXCEEDED` whose request does not arrive in time, and takes nothing of a request any more whose call is
 * over for this or another reason.
 * @param timeout in milliseconds, from the call's head on; 0: it may take forever.
 * @param stream what the call's request comes on.
 */
export function limitUploads(timeout: number, stream: ServerHttp2Stream | undefined): ServerInterceptor {
  return (_, call) => {
    let timer: NodeJS.Timeout | undefined;
    let [isWhole, isOver] = [false, false];
    const tooLate = () =>
      call.sendStatus({
        code: status.DEADLINE_EXCEEDED,
        details: `the request took longer to arrive than the ${timeout} ms that it may take`,
      });
    return new ServerInterceptingCall(call, {
      start: (next) => {
        if (timeout > 0) timer = setTimeout(tooLate, timeout).unref();
        next({
          onReceiveHalfClose: (proceed) => {
            clearTimeout(timer);
            isWhole = true;
            if (!isOver) proceed();
          },
          onCancel: () => {
            clearTimeout(timer);
            isOver = true;
            if (!isWhole) stream?.close(constants.NGHTTP2_NO_ERROR);
          },
        });
      },
    });
  };
}

/**
 * The stream of a call as the library hands it to the first interceptor. The library itself would leave it, and what has come on it so
 * far, to a client that says neither that it has ended nor that it has given up.
 */
export const streamOf = (call: ServerInterceptingCallInterface): ServerHttp2Stream | undefined =>
  (call as { readonly stream?: ServerHttp2Stream }).stream;
