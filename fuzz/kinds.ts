import { dataVariants, modelVariants } from './files/problem.ts';
import { grpcVariants } from './grpc/problem.ts';
import type { Kind, Problem } from './kind.ts';
import { requestVariants } from './requests/problem.ts';

interface KindEntry {
  /** What `--only` can select. */
  readonly variants: readonly string[];
  /** Loads the kind with all it needs: for the process that judges. */
  load(): Promise<Kind<Problem>>;
}

/** For a process that draws problems only to hand them back to their kind. */
const asKind = <P extends Problem>(kind: Kind<P>) => kind as unknown as Kind<Problem>;

/** All kinds by name. */
export const kinds: Readonly<Record<string, KindEntry>> = {
  convolutions: {
    variants: ['int8', 'float32', 'bfloat16'],
    load: async () => asKind((await import('./convolutions/judge.ts')).convolutions),
  },
  pooling: {
    variants: ['uint8', 'int8', 'float32'],
    load: async () => asKind((await import('./pooling/judge.ts')).pooling),
  },
  networks: {
    variants: ['int8', 'float32', 'bfloat16'],
    load: async () => asKind((await import('./networks/judge.ts')).networks),
  },
  operators: {
    variants: ['aten', 'mkldnn', 'octavo', 'onednn', 'quantized_decomposed', 'operator'],
    load: async () => asKind((await import('./operators/judge.ts')).operatorCalls),
  },
  files: {
    variants: [...modelVariants, ...dataVariants],
    load: async () => asKind(await (await import('./files/judge.ts')).files()),
  },
  grpc: {
    variants: grpcVariants,
    load: async () => asKind(await (await import('./grpc/judge.ts')).grpcCalls()),
  },
  requests: {
    variants: requestVariants,
    load: async () => asKind(await (await import('./requests/judge.ts')).requests()),
  },
};
