import { isDType, type Tensor } from '../tensor/index.ts';
import type { BatchTensor, Loss } from './append-loss.ts';
import type { TrainingAutocast } from './autocast.ts';
import type { GradientClipping } from './clip-gradients.ts';
import type { Optimizer } from './optimizer.ts';

/** What is trained, for batches of which sizes. */
export interface TrainingProblem extends GradientClipping {
  readonly loss: Loss;
  /** Where the tensors stand in the model that a loss may read. */
  readonly paths?: ReadonlyMap<Tensor, string>;
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  readonly targets: Readonly<Record<string, BatchTensor>>;
  readonly optimizer: Optimizer;
  /** Parameters that stay as they are (`requires_grad_(false)`): their paths, or a test for them. */
  readonly frozen?: readonly string[] | ((path: string) => boolean);
  /** Of dropouts' masks. */
  readonly seed?: number;
  readonly autocast?: TrainingAutocast['dtype'] | TrainingAutocast;
}

const isShape = (value: unknown): boolean =>
  Array.isArray(value) && value.every((extent) => Number.isSafeInteger(extent) && extent >= 0);

/** @throws Error that names the option that is not what it must be. */
export function checkProblem({ loss, targets, shapes, frozen }: Omit<TrainingProblem, 'paths'>): void {
  if (typeof loss !== 'function')
    throw new Error(
      'Trainer: loss must be a function: ([logits], { labels }) => F.crossEntropy(logits, labels)',
    );
  if (typeof targets !== 'object' || targets === null)
    throw new Error(
      "Trainer: targets must say what the loss reads: { labels: { dtype: 'int64', shape: [64] } }, or {}",
    );
  for (const [name, target] of Object.entries(targets)) {
    const { dtype, shape } = (target ?? {}) as Partial<typeof target>;
    if (!isDType(String(dtype)) || !isShape(shape))
      throw new Error(
        `Trainer: the target '${name}' must be like { dtype: 'int64', shape: [64] }, got ${JSON.stringify(target)}`,
      );
  }
  for (const [name, shape] of Object.entries(shapes ?? {}))
    if (!isShape(shape))
      throw new Error(
        `Trainer: the shape of '${name}' must be a list of sizes, got ${JSON.stringify(shape)}`,
      );
  if (frozen !== undefined && typeof frozen !== 'function' && !Array.isArray(frozen))
    throw new Error(
      `Trainer: frozen must be a list of paths, or a test for them, got ${JSON.stringify(frozen)}`,
    );
}
