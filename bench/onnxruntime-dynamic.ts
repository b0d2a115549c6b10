import { execFile } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const script = fileURLToPath(new URL('onnxruntime/quantize_dynamic.py', import.meta.url));

/**
 * Quantizes an ONNX file with ONNX Runtime's own dynamic quantizer, which is Python: `python3`, or the command in `PYTHON`
 * (`PYTHON='chroot FOLDER python3'`), which has to see this folder and TMPDIR under the same names.
 * @returns the files' paths by their element types; none where the quantizer changes nothing.
 */
export async function quantizeByOnnxRuntime(file: string, folder: string): Promise<Record<string, string>> {
  const into = join(folder, 'onnxruntime');
  await mkdir(into, { recursive: true });
  const [command, ...before] = (process.env.PYTHON ?? 'python3').split(' ');
  try {
    await promisify(execFile)(command, [...before, script, file, into]);
  } catch (error) {
    throw new Error(
      `ONNX Runtime's dynamic quantizer did not run; it needs Python with onnx and onnxruntime, and PYTHON can name it`,
      { cause: error },
    );
  }
  const written = (await readdir(into)).filter((name) => name.endsWith('.onnx'));
  return Object.fromEntries(written.map((name) => [parse(name).name, join(into, name)]));
}
