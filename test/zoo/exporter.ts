import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What PyTorch is, and what it has. */
export interface Zoo {
  readonly torch: string;
  readonly torchvision: string;
  /** The package that PyTorch's own int8 comes from, or `none` and why. */
  readonly quantizer: string;
  /** Families of models by name. */
  readonly models: Readonly<Record<string, string>>;
}

/** What PyTorch says of a model. Its files lie in the folder: the exported program, inputs and results. */
export interface Exported {
  /** Why there are no files. */
  readonly error?: string;
  readonly shape: readonly number[];
  readonly export: 'strict' | 'not strict';
  /** Why there are no int8 results. */
  readonly quantizerError?: string;
  /** Scale and zero point of every tensor that is quantized and depends on the input. */
  readonly activations?: readonly (readonly [number, number])[];
  /** How many weights of layers that read such tensors are quantized. */
  readonly weights?: number;
}

/** The Python process that exports models, `export.py`, which answers line by line. */
export class Exporter {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly zoo: Zoo;

  private constructor(process: ChildProcess, lines: AsyncIterator<string>, zoo: Zoo) {
    this.#process = process;
    this.#lines = lines;
    this.zoo = zoo;
  }

  /**
   * @param python the command that starts Python, words between spaces.
   * @param folder where the files are written.
   * @param seconds how long PyTorch may take for a model.
   */
  static async start(python: string, folder: string, seconds: number): Promise<Exporter> {
    const [command, ...args] = python.split(' ');
    const script = fileURLToPath(new URL('export.py', import.meta.url));
    const child = spawn(command, [...args, script, folder, String(seconds)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const failed = new Promise<never>((_, reject) => child.once('error', reject));
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    const zoo = await Promise.race([nextAnswer<Zoo>(lines), failed]);
    return new Exporter(child, lines, zoo);
  }

  async export(name: string): Promise<Exported> {
    this.#process.stdin!.write(`${name}\n`);
    return nextAnswer<Exported>(this.#lines);
  }

  /** Lets Python end. */
  end(): void {
    this.#process.stdin!.end();
  }
}

async function nextAnswer<Answer>(lines: AsyncIterator<string>): Promise<Answer> {
  const { value, done } = await lines.next();
  if (done) throw new Error('Python ended without an answer; what it printed says why');
  return JSON.parse(value) as Answer;
}
