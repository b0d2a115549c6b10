/**
 * The Error of a server that cannot listen.
 * @param cause Node's, or that of the gRPC library, which has Node's as text.
 * @param where `127.0.0.1:8000`
 */
export function listenError(cause: Error, where: string): Error {
  const why = cause.message.includes('EADDRINUSE') ? 'the port is taken (EADDRINUSE)' : cause.message;
  return new Error(`the server cannot listen at ${where}: ${why}`, { cause });
}
