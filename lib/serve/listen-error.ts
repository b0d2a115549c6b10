/** By the codes of the system. */
const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is taken (EADDRINUSE)',
  EADDRNOTAVAIL: 'this machine does not have the address (EADDRNOTAVAIL)',
};

/** That a server cannot listen. @param error of Node, or of gRPC, which has Node's code in its text. */
export function listenError(host: string, port: number, error: Error): Error {
  const { message } = error;
  const code = Object.keys(reasons).find((each) => message.includes(each));
  return new Error(`the server cannot listen at ${host}:${port}: ${code ? reasons[code] : message}`, {
    cause: error,
  });
}
