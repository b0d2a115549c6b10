import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadPt2 } from '../../lib/capture/index.ts';
import { ZipArchive } from '../../lib/formats/zip.ts';
import { type Document, pickle, unzip, withProgram, withState, zip } from '../support/archives.ts';

const original = () => new Uint8Array(readFileSync('models/tiny_cnn.pt2'));
const graphOf = (program: Document) => program.graph_module.graph;
const expectRefusal = async (bytes: Uint8Array | Promise<Uint8Array>, message: string | RegExp) =>
  expect(loadPt2(await bytes)).rejects.toThrow(message);

describe('loadPt2 refuses', () => {
  it('what is no archive', async () => {
    await expectRefusal(new Uint8Array(), 'not a readable zip archive');
    await expectRefusal(new TextEncoder().encode('hello'.repeat(100)), 'not a readable zip archive');
    await expect(loadPt2('models/README.md')).rejects.toThrow('models/README.md: not a readable zip archive');
    await expect(loadPt2('models/missing.pt2')).rejects.toThrow('no such file');
  });

  it('an archive of something else, and other layouts by name', async () => {
    await expectRefusal(zip(new Map([['a.txt', Uint8Array.of(1)]])), 'no file of torch.export.save');
    const archive = zip(new Map([['model/archive_format', Uint8Array.of(1)]]));
    await expectRefusal(archive, 'nor a models/….json, so this is no file of torch.export.save');
    const versioned = withProgram((program) => {
      program.schema_version = { major: 7, minor: 3 };
    });
    await expectRefusal(versioned, 'schema version 7.3, written by PyTorch 2.6.0+debian');
  });

  it('operators it does not have, all at once with a count each', async () => {
    const unknown = withProgram((program) => {
      const { nodes } = graphOf(program);
      nodes[0].target = 'torch.ops.aten.fft_fft.default';
      nodes[4].target = 'torch.ops.aten.fft_fft.default';
      nodes[1].target = 'torch.ops.mylib.custom.default';
    });
    await expectRefusal(
      unknown,
      'operators that are not supported: aten.fft_fft.default (2), mylib.custom.default (1)',
    );
  });

  it('a weight that is missing, by name', async () => {
    const missing = withProgram((program) => {
      program.graph_module.signature.input_specs[0].parameter.parameter_name = 'conv9.weight';
    });
    await expectRefusal(missing, "the weight 'conv9.weight' is missing from the archive");
    const noStorage = withState((entries) => entries.delete('archive/data/0'));
    await expectRefusal(noStorage, "there is no entry 'archive/data/0'");
  });

  it('a weight of another shape or size, by name', async () => {
    const reshaped = withProgram((program) => {
      graphOf(program).tensor_values.p_l__s___conv1_weight.sizes[0] = { as_int: 32 };
    });
    await expectRefusal(
      reshaped,
      "the weight 'conv1.weight' is float32 [16, 3, 3, 3], but the graph declares float32 [32, 3, 3, 3]",
    );
    const cut = withState((entries) =>
      entries.set('archive/data/0', entries.get('archive/data/0')!.subarray(4)),
    );
    await expectRefusal(cut, "storage '0' (FloatStorage) should have 1728 bytes, but has 1724");
  });

  it('malformed programs, and says where', async () => {
    const cases: [(program: Document) => void, string][] = [
      [(p) => delete p.graph_module, "$ has no field 'graph_module'"],
      [(p) => (graphOf(p).nodes = {}), '$.graph_module.graph.nodes is not a list'],
      [
        (p) => (graphOf(p).nodes[0].inputs[0].arg = {}),
        'nodes[0].inputs[0].arg should have exactly one field',
      ],
      [
        (p) => (graphOf(p).nodes[0].inputs[0].arg.as_tensor.name = 'linear'),
        "refers to 'linear', which is not defined before",
      ],
      [
        (p) => (graphOf(p).nodes[0].inputs[0].name = 'inputs'),
        "aten.conv2d.default has no argument 'inputs'",
      ],
      [
        (p) => graphOf(p).nodes[0].inputs.shift(),
        "aten.conv2d.default: argument 'input' (Tensor) is missing",
      ],
      [
        (p) => graphOf(p).nodes[0].inputs.push(graphOf(p).nodes[0].inputs[0]),
        "aten.conv2d.default: argument 'input' is given twice",
      ],
      [
        (p) => (graphOf(p).nodes[0].inputs[0].arg = { as_graph: {} }),
        "is an argument of kind 'as_graph', which is not supported",
      ],
      [(p) => (graphOf(p).nodes[1].outputs[0].as_tensor.name = 'conv2d'), "defines 'conv2d' a second time"],
      [
        (p) => (graphOf(p).tensor_values.relu.dtype = 11),
        'is element type 11 (complex128), which is not supported',
      ],
      [(p) => (graphOf(p).tensor_values.relu.layout = 1), 'only dense (strided) tensors are supported'],
      [
        (p) =>
          (graphOf(p).tensor_values.relu.sizes[0].as_expr.expr_str = "IntTrueDiv(Symbol('s0'), Integer(2))"),
        "the size 'IntTrueDiv(Symbol('s0'), Integer(2))' is not of a kind that is supported",
      ],
      [
        (p) => {
          graphOf(p).nodes[2].target = 'torch.ops.aten.relu_.default';
          graphOf(p).nodes[2].inputs[0].arg.as_tensor.name = 'p_l__s___fc_bias';
        },
        "node 'relu' (aten.relu_.default) writes the parameter or buffer 'fc.bias'; call model.eval()",
      ],
      [(p) => (graphOf(p).tensor_values.relu.sizes[1] = { as_int: -1 }), 'is a negative size'],
      [
        (p) => {
          const [spec] = p.graph_module.signature.output_specs;
          p.graph_module.signature.output_specs = [
            { buffer_mutation: { arg: {}, buffer_name: 'bn1.x' } },
            spec,
          ];
        },
        "updates the buffer 'bn1.x'; call model.eval() before the export",
      ],
    ];
    for (const [change, message] of cases) await expectRefusal(withProgram(change), message);
  });

  it('a call that its operator refuses, with the line of the model', async () => {
    const tall = withProgram((program) => {
      const [conv] = graphOf(program).nodes;
      conv.inputs.push({ name: 'dilation', arg: { as_ints: [40, 40] } });
      conv.metadata.stack_trace =
        '  File "/a/outer.py", line 3, in call\n    net(x)\n  File "/a/net.py", line 7, in forward\n    self.conv(x)\n';
    });
    await expectRefusal(
      tall,
      /^the .pt2 file: node 'conv2d' \(aten.conv2d.default\): .* \(File "\/a\/net.py", line 7, in forward: self.conv\(x\)\)$/s,
    );
  });

  it('a parameter that is written, but not one that is detached', async () => {
    const changed = (target: string) =>
      withProgram((program) => {
        const [relu] = graphOf(program).nodes.slice(2);
        relu.target = target;
        relu.inputs[0].arg.as_tensor.name = 'p_l__s___bn1_weight';
        const [shape, sizes] = ['relu', 'p_l__s___bn1_weight'].map(
          (name) => graphOf(program).tensor_values[name],
        );
        shape.sizes = sizes.sizes;
      });
    await expectRefusal(
      changed('torch.ops.aten.relu_.default'),
      "writes the parameter or buffer 'bn1.weight'",
    );
    // What follows reads an image.
    await expectRefusal(changed('torch.ops.aten.detach_.default'), /^the .pt2 file: node '(?!relu)/);
  });

  it('a pickle that names anything but tensors, by name, and never calls it', async () => {
    const os = pickle('\x80\x02', 'cposix\nsystem\n', 'X\x04\x00\x00\x00true', '\x85R.');
    await expectRefusal(
      withState((entries) => entries.set('archive/data.pkl', os)),
      "the global 'posix.system' is refused",
    );
    const stacked = pickle('\x80\x04', '\x8c\x08builtins', '\x8c\x04eval', '\x93', ')R.');
    await expectRefusal(
      withState((entries) => entries.set('archive/data.pkl', stacked)),
      "the global 'builtins.eval' is refused",
    );
    const forbidden = pickle('\x80\x02', '(iposix\nsystem\n.');
    await expectRefusal(
      withState((entries) => entries.set('archive/data.pkl', forbidden)),
      'opcode "i" is not allowed',
    );
  });

  it('malformed pickles', async () => {
    const cases: [Uint8Array, string][] = [
      [pickle('\x80\x09', 'N.'), 'pickle protocol 9 is unknown'],
      [pickle('\x80\x02'), 'the pickle ends too early'],
      [pickle('\x80\x02', 'N.'), 'expected a dict of tensors'],
      [pickle('\x80\x02', '}X\x01\x00\x00\x00aNs.'), "the value at 'a' is not a tensor"],
      [pickle('\x80\x02', 'h\x07.'), 'memo 7 was never written'],
      [pickle('\x80\x02', 'u.'), 'there is no mark'],
      [pickle('\x80\x02', 's.'), 'the stack is empty'],
      [pickle('\x80\x02', 'NQ.'), 'a persistent id is not a storage'],
      [pickle('\x80\x02', 'X\xff\xff\xff\xff', 'a.'), 'the pickle ends too early'],
      [pickle('\x80\x02', 'N)R.'), 'REDUCE of a non-callable'],
      [pickle('\x80\x02', 'NNb.'), 'only a dict may be given attributes'],
    ];
    for (const [content, message] of cases)
      await expectRefusal(
        withState((entries) => entries.set('archive/data.pkl', content)),
        message,
      );
    const bigEndian = withState((entries) =>
      entries.set('archive/byteorder', new TextEncoder().encode('big')),
    );
    await expectRefusal(bigEndian, "byte order 'big' is not supported");
  });

  it('what expands beyond reason, or to more than it says', async () => {
    const claiming = async (size: number) => {
      const bytes = await zip(new Map([['serialized_exported_program.json', new Uint8Array(10_000)]]), true);
      // The uncompressed size in the entry's directory record.
      const record = Buffer.from(bytes).lastIndexOf('PK\x01\x02');
      new DataView(bytes.buffer, bytes.byteOffset).setUint32(record + 24, size, true);
      return bytes;
    };
    await expectRefusal(claiming(2 ** 30), /its \d+ bytes would expand to more than \d+/);
    const bomb = await claiming(10);
    await expectRefusal(bomb, "entry 'serialized_exported_program.json' cannot be inflated");
    const archive = await ZipArchive.open(bomb, 'bomb');
    expect(() => archive.read('serialized_exported_program.json')).toThrow('cannot be inflated');
  });

  it('every truncation', async () => {
    const bytes = original();
    for (let length = 0; length < bytes.length; length += 997)
      await expectRefusal(bytes.subarray(0, length), 'not a readable zip archive');
    await expectRefusal(bytes.subarray(0, bytes.length - 1), 'not a readable zip archive');
  });

  it('or reads a valid graph of any damaged file, and nothing else', async () => {
    const bytes = original();
    const flips = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    const survives = async (damage: [number, number][]) => {
      const damaged = bytes.slice();
      for (const [at, mask] of damage) damaged[at] ^= mask;
      const result = await loadPt2(damaged).catch((error: unknown) => error);
      if (result instanceof Error) expect(result.message).not.toBe('');
      else (result as Awaited<ReturnType<typeof loadPt2>>).graph.lint();
    };
    await fc.assert(fc.asyncProperty(flips, survives), { seed: 2, numRuns: 150 });
    // Around the ends of the file, where the directories are, and behind the checksums.
    const directory = fc.array(
      fc.tuple(
        fc.integer({ min: bytes.length - 600, max: bytes.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
      ),
      { minLength: 1, maxLength: 3 },
    );
    await fc.assert(fc.asyncProperty(directory, survives), { seed: 3, numRuns: 150 });
  });

  it('or reads a valid graph of any damaged pickle and program, whose checksums are right', async () => {
    const entries = await unzip(original());
    const state = await unzip(entries.get('serialized_state_dict.pt')!);
    const damage = (content: Uint8Array, [at, value]: [number, number]) => {
      const damaged = content.slice();
      damaged[at % damaged.length] = value;
      return damaged;
    };
    const flip = fc.tuple(fc.nat(2 ** 20), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(flip, flip, fc.boolean(), async (first, second, inPickle) => {
        const changed = new Map(entries);
        if (inPickle) {
          const inner = new Map(state);
          inner.set('archive/data.pkl', damage(damage(state.get('archive/data.pkl')!, first), second));
          changed.set('serialized_state_dict.pt', await zip(inner));
        } else {
          const name = 'serialized_exported_program.json';
          changed.set(name, damage(damage(entries.get(name)!, first), second));
        }
        const result = await loadPt2(await zip(changed)).catch((error: unknown) => error);
        if (result instanceof Error) expect(result.message).not.toBe('');
        else (result as Awaited<ReturnType<typeof loadPt2>>).graph.lint();
      }),
      { seed: 4, numRuns: 120 },
    );
  });
});
