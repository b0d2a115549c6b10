import type { GraphModule, ModelInputs } from '../graph/index.ts';

/** The models that a report is about, and what they are run on. */
export interface ReportSubject {
  /** A lowered model: what `lower` returns, or what a file holds that `octavo quantize` wrote. */
  readonly model: GraphModule;
  /**
   * The captured float model that `model` was made from. Without it the report says nothing of errors and activations. `model` must have been
   * made after `generateNumericDebugHandle(reference)`, as `octavo quantize` does.
   */
  readonly reference?: GraphModule;
  /**
   * The examples from the beginning, each batch as for `calibrate`. Called once for each pass over them.
   * @param pass what it is for, for a progress bar.
   */
  readonly batches: (pass: string) => AsyncIterable<ModelInputs> | Iterable<ModelInputs>;
  /** The request whose steps are timed; default the first batch. */
  readonly example?: ModelInputs;
}
