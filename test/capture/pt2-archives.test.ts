import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadPt2 } from '../../lib/capture/index.ts';
import { type GraphModule, printGraph } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { type Document, pickle, unzip, zip } from '../support/archives.ts';
import { rawFixture, renamed, rooted, withRaw } from '../support/raw-archives.ts';

const printed = ({ graph }: GraphModule) => printGraph(graph, operators);
const valuesOf = (module: GraphModule) =>
  [...module.attributes].map(([name, { dtype, shape, data }]) => [name, dtype, shape, [...data]]);
const bytes = () => new Uint8Array(readFileSync(rawFixture));

/** Float32 numbers as raw bytes. */
const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

describe('loadPt2 reads', () => {
  it('the layout of PyTorch 2.8 as that of 2.6', async () => {
    const flat = await loadPt2('models/tiny_cnn.pt2');
    const module = await loadPt2(await zip(await rooted()));
    expect(printed(module)).toBe(printed(flat));
    expect(valuesOf(module)).toEqual(valuesOf(flat));
  });

  it('a raw archive of PyTorch 2.14: graph, weights, and the inputs it was exported with', async () => {
    const module = await loadPt2(rawFixture);
    expect(printed(module)).toContain('torch.ops.aten.linear.default');
    expect(valuesOf(module).map(([name, dtype, shape]) => [name, dtype, shape])).toEqual([
      ['fc.weight', 'float32', [8, 16]],
      ['fc.bias', 'float32', [8]],
    ]);
    const [x] = module.meta.exampleInputs!;
    const stored = (await unzip(bytes())).get('float_argument/data/weights/weight_1')!;
    expect([...module.attribute('fc.bias').bytes()]).toEqual([...stored]);
    expect([module.meta.exampleInputs!.length, x.dtype, x.shape]).toEqual([1, 'float32', [2, 16]]);
  });

  it('the same from bytes, with entries in any order, without a root folder, and compressed', async () => {
    const expected = valuesOf(await loadPt2(rawFixture));
    const backwards = new Map([...(await unzip(bytes()))].reverse());
    const variants = [
      bytes(),
      await zip(backwards),
      await zip(backwards, true),
      await renamed((name) => name.slice(name.indexOf('/') + 1)),
      await renamed((name) => name.replace('float_argument/', 'a folder.of (any) name/')),
    ];
    for (const variant of variants) expect(valuesOf(await loadPt2(variant))).toEqual(expected);
  });

  it('one of several models by its name', async () => {
    const [first, second] = [await rooted('both/', 'first'), await rooted('both/', 'second')];
    const several = await zip(new Map([...first, ...second]));
    await expect(loadPt2(several)).rejects.toThrow(
      "the .pt2 file: there are several models, 'first', 'second'; say which one: loadPt2(path, { model: … }), octavo … --model NAME",
    );
    await expect(loadPt2(several, { model: 'third' })).rejects.toThrow(
      "there is no model 'third', but 'first', 'second'",
    );
    const module = await loadPt2(several, { model: 'second' });
    expect(printed(module)).toBe(printed(await loadPt2('models/tiny_cnn.pt2', { model: 'model' })));
    // @ts-expect-error: there is no such option.
    await expect(loadPt2(several, { name: 'second' })).rejects.toThrow('loadPt2: unknown option "name"');
  });

  it('views of one storage: strides, offsets, repeated elements, and the same place as one tensor', async () => {
    const storage = floats(...Array.from({ length: 200 }, (_, i) => i));
    const module = await loadPt2(
      await withRaw(({ weights, put }) => {
        put('data/weights/weight_0', storage);
        const [weight, bias] = [weights['fc.weight'], weights['fc.bias']];
        weight.tensor_meta.strides = [{ as_int: 1 }, { as_int: 8 }];
        weight.tensor_meta.storage_offset = { as_int: 3 };
        bias.path_name = 'weight_0';
        bias.tensor_meta.strides = [{ as_int: 0 }];
        bias.tensor_meta.storage_offset = { as_int: 199 };
      }),
    );
    const transposed = Array.from({ length: 128 }, (_, i) => 3 + Math.floor(i / 16) + 8 * (i % 16));
    expect(module.attribute('fc.weight').toArray()).toEqual(transposed);
    expect(module.attribute('fc.bias').toArray()).toEqual(Array(8).fill(199));
  });

  it('newer minor versions, whose fields it does not know', async () => {
    const newer = await withRaw(({ program, weights }) => {
      program.schema_version.minor = 99;
      program.guards_code = ["L['x'].size()[0] == 4"];
      program.of_the_future = { a: [1] };
      program.graph_module.graph.nodes[0].of_the_future = 1;
      weights['fc.weight'].of_the_future = null;
    });
    expect(printed(await loadPt2(newer))).toBe(printed(await loadPt2(rawFixture)));
  });

  it('a tensor that was saved without elements as zeros, and says so', async () => {
    const warnings: string[] = [];
    const listen = ({ message }: Error) => warnings.push(message);
    process.on('warning', listen);
    const module = await loadPt2(await withRaw(({ put }) => put('data/weights/weight_1', '')));
    await new Promise(setImmediate);
    process.off('warning', listen);
    expect(module.attribute('fc.bias').toArray()).toEqual(Array(8).fill(0));
    expect(warnings.join()).toContain("the tensor 'fc.bias' was saved without elements");
  });
});

describe('loadPt2 says what is missing of example inputs by leaving them out', () => {
  const exampleInputs = async (change: Parameters<typeof withRaw>[0]) =>
    (await loadPt2(await withRaw(change))).meta.exampleInputs;

  it('when there are none, or other objects than tensors', async () => {
    expect(await exampleInputs(({ put }) => put('data/sample_inputs/model.pt', ''))).toBeUndefined();
    expect(await exampleInputs(({ put }) => put('data/sample_inputs/model.pt', 'PK'))).toBeUndefined();
    expect(
      await exampleInputs(({ entries }) => entries.delete('float_argument/data/sample_inputs/model.pt')),
    ).toBeUndefined();
    // A list that holds itself.
    const endless = await zip(new Map([['a/data.pkl', pickle('\x80\x02', ']q', 0, 'h', 0, 'a.')]]));
    expect(await exampleInputs(({ put }) => put('data/sample_inputs/model.pt', endless))).toBeUndefined();
    expect((await exampleInputs(() => {}))?.[0]).toBeInstanceOf(Tensor);
  });
});

describe('loadPt2 refuses', () => {
  const refusal = async (archive: Uint8Array | Promise<Uint8Array>) =>
    loadPt2(await archive).then(
      () => 'nothing',
      (error: Error) => error.message,
    );
  const named = (...names: string[]) => zip(new Map(names.map((name) => [name, Uint8Array.of(1)])));

  it.each([
    [
      'a TorchScript archive',
      ['m/code/__torch__.py', 'm/data.pkl', 'm/constants.pkl'],
      'TorchScript archive (torch.jit.save)',
    ],
    ['tensors alone', ['archive/data.pkl', 'archive/data/0', 'archive/version'], 'a file of torch.save'],
    ['compiled code', ['m/archive_format', 'm/data/aotinductor/model/x.so'], 'an AOTInductor package'],
    ['compiled code without a root', ['data/aotinductor/model/x.so'], 'an AOTInductor package'],
    ['an ExecuTorch program', ['m/archive_format', 'm/data/executorch/model.pte'], 'an ExecuTorch package'],
    ['arrays', ['x.npy'], 'an archive of NumPy arrays'],
    ['anything else', ['a.txt'], 'there is neither serialized_exported_program.json nor a models/….json'],
    ['a program without weights', ['models/a.json'], "the weights of the model 'a' are missing"],
  ])('%s by its name', async (_, names, message) => {
    expect(await refusal(named(...names))).toContain(message);
  });

  it('files of other formats than zip by their names', async () => {
    const start = (text: string) => Buffer.from(text.padEnd(100, '.'), 'latin1');
    expect(await refusal(start('\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M'))).toContain(
      'the .pt2 file: this is a file of torch.save in its format before PyTorch 1.6',
    );
    expect(await refusal(start('\x38\0\0\0ET12'))).toContain('this is an ExecuTorch program (.pte)');
  });

  it.each([
    ['archive_format', 'pt3', "its archive_format is 'pt3', not 'pt2'"],
    ['archive_version', '1', "it has archive_version '1'; version 0 is supported"],
    ['byteorder', 'big', "byte order 'big' is not supported"],
    ['byteorder', 'little'.repeat(100), "'float_argument/byteorder' has 600 bytes"],
  ])('%s of %s', async (name, content, message) => {
    expect(await refusal(withRaw(({ put }) => put(name, content)))).toContain(message);
  });

  it('a newer major version of the schema', async () => {
    const newer = withRaw(({ program }) => (program.schema_version.major = 9));
    expect(await refusal(newer)).toContain(
      'schema version 9.20, written by PyTorch 2.14.1+debian; version 8 (PyTorch 2.6 and later) is supported',
    );
  });

  const config = 'float_argument/data/weights/model_weights_config.json: $.config.fc.weight';
  const changed: [string, (meta: Document) => void, string][] = [
    ['pickled tensors', (at) => (at.use_pickle = true), `${config} is a pickled tensor subclass`],
    ['custom objects', (at) => (at.path_name = 'custom_obj_0'), `${config} is a custom object (TorchBind)`],
    ['pickled objects', (at) => (at.path_name = 'opaque_obj_0'), `${config} is a pickled Python object`],
    [
      'paths out of the folder',
      (at) => (at.path_name = '../weights/weight_0'),
      "is '../weights/weight_0', not the name of an entry",
    ],
    [
      'entries that are not there',
      (at) => (at.path_name = 'weight_9'),
      `${config} names the entry 'float_argument/data/weights/weight_9', which the archive does not have`,
    ],
    ['no description', (at) => (at.tensor_meta = null), `${config}.tensor_meta is not an object`],
    ['sparse tensors', (at) => (at.tensor_meta.layout = 1), 'only dense (strided) tensors are supported'],
    [
      'complex numbers',
      (at) => (at.tensor_meta.dtype = 10),
      'is element type 10 (complex64), which is not supported',
    ],
    ['unknown dtypes', (at) => (at.tensor_meta.dtype = 77), 'is element type 77, which is not supported'],
    [
      'other dtypes than the graph',
      (at) => (at.tensor_meta.dtype = 4),
      "the weight 'fc.weight' is int32 [8, 16], but the graph declares float32 [8, 16]",
    ],
    ['huge sizes', (at) => (at.tensor_meta.sizes[0].as_int = 2 ** 60), 'is 1152921504606847000, not a size'],
    [
      'sizes beyond the storage',
      (at) => (at.tensor_meta.sizes[0].as_int = 2 ** 40),
      'reaches element 17592186044415 of a storage of 128',
    ],
    [
      'negative strides',
      (at) => (at.tensor_meta.strides[0].as_int = -1),
      'strides[0].as_int is -1, not a stride',
    ],
    ['negative offsets', (at) => (at.tensor_meta.storage_offset.as_int = -1), 'is -1, not an offset'],
    [
      'symbolic sizes',
      (at) => (at.tensor_meta.sizes[0] = { as_expr: {} }),
      "is a size of kind 'as_expr'; stored tensors have numbers",
    ],
    ['strides of another rank', (at) => at.tensor_meta.strides.pop(), 'has 2 sizes and 1 strides'],
    [
      'elements repeated without end',
      ({ tensor_meta: meta }) => {
        meta.sizes = [{ as_int: 2 ** 30 }, { as_int: 2 ** 30 }];
        meta.strides = [{ as_int: 0 }, { as_int: 0 }];
      },
      'tensors repeat elements of their storages more than',
    ],
  ];
  it.each(changed)('%s', async (_, change, message) => {
    expect(await refusal(withRaw(({ weights }) => change(weights['fc.weight'])))).toContain(message);
  });

  it('weights that are missing from the config, or of a wrong number of bytes', async () => {
    expect(await refusal(withRaw(({ weights }) => delete weights['fc.weight']))).toContain(
      "the weight 'fc.weight' is missing from the archive",
    );
    expect(await refusal(withRaw(({ put }) => put('data/weights/weight_0', 'abc')))).toContain(
      `${config} is float32, but its entry 'weight_0' has 3 bytes`,
    );
    expect(await refusal(withRaw(({ put }) => put('data/weights/weight_0', 'abcd')))).toContain(
      'reaches element 127 of a storage of 1',
    );
    const none = withRaw(({ entries }) =>
      entries.delete('float_argument/data/constants/model_constants_config.json'),
    );
    expect(await refusal(none)).toContain(
      "there is no entry 'float_argument/data/constants/model_constants_config.json'",
    );
  });

  it('inputs that are custom objects, by name', async () => {
    const custom = withRaw(({ program }) =>
      program.graph_module.signature.input_specs.unshift({
        custom_obj: { arg: { name: 'obj', class_fqn: 'x' }, custom_obj_name: 'stack' },
      }),
    );
    expect(await refusal(custom)).toContain(
      "is the custom object 'stack' (TorchBind), which only PyTorch can load",
    );
  });

  it('every truncation', async () => {
    const all = bytes();
    for (let length = 0; length < all.length; length += 501)
      expect(await refusal(all.subarray(0, length))).toContain('not a readable zip archive');
  });

  it('a damaged weight, by the entry', async () => {
    const damaged = bytes();
    // The first entry's content begins on the 64 bytes after its header.
    damaged[130] ^= 1;
    expect(await refusal(damaged)).toContain(
      "entry 'float_argument/data/weights/weight_0' is damaged: its checksum does not match",
    );
  });
});
