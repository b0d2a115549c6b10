/** Routes that tell the server's health: to anyone, and without a line in the log. */
const probes: readonly (string | undefined)[] = ['/v2/health/live', '/v2/health/ready'];

export const isProbe = ({
  routeOptions,
}: {
  readonly routeOptions: { readonly url?: string | undefined };
}): boolean => probes.includes(routeOptions.url);
