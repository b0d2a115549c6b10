import type { JsonCursor } from '../../formats/json-cursor.ts';
import type { PickleValue } from '../../formats/pickle.ts';
import type { Tensor } from '../../tensor/index.ts';

/** One program of a `.pt2` archive with its tensors, in any layout. */
export interface ModelArchive {
  /** The serialized `ExportedProgram`. */
  readonly program: JsonCursor;
  /** A parameter or a persistent buffer by its name; undefined when the archive has none of that name. */
  weight(name: string): Promise<Tensor | undefined>;
  /** A constant, or a buffer that is not persistent. */
  constant(name: string): Promise<Tensor | undefined>;
  /** What `torch.export` was called with, `(args, kwargs)`; undefined where that was not stored. */
  exampleInputs(): Promise<PickleValue | undefined>;
}
