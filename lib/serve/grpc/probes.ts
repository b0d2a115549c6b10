/** Calls that tell the server's health: to anyone, and without a line in the log. */
const probes: readonly RegExp[] = [
  /^\/grpc\.health\.v1\.Health\//,
  /^\/inference\.GRPCInferenceService\/Server(Live|Ready)$/,
];

export const isProbe = (path: string): boolean => probes.some((each) => each.test(path));
