import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadOnnx } from '../../lib/capture/index.ts';
import { Interpreter } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { encode, modelMessage, onnxModel, type TestModel, tensorMessage } from '../support/onnx-model.ts';

const x = { x: ['float32', [2, 3]] } as const;

/** A model of operator set 13 with one input. */
const model = (rest: Partial<TestModel> & Pick<TestModel, 'nodes'>): TestModel => ({
  opset: 13,
  inputs: x,
  outputs: ['y'],
  ...rest,
});

const relu = { op: 'Relu', inputs: ['x'], outputs: ['y'], name: 'last' };

/** What is wrong with a model, and what the Error says. */
const broken: readonly (readonly [string, TestModel, RegExp])[] = [
  [
    'operators that nothing reads, all at once',
    model({
      nodes: [
        { op: 'Loop', inputs: ['x'], outputs: ['a'], name: 'l' },
        { op: 'Det', inputs: ['a'], outputs: ['b'] },
        { op: 'Det', inputs: ['b'], outputs: ['y'] },
      ],
    }),
    /not supported, of operator set 13:\n {4}Loop \(1\), first at node 'l' \(Loop\)\n {4}Det \(2\), first at the node \(Det\) of 'b'/,
  ],
  [
    'depths that nothing holds',
    model({
      nodes: [{ op: 'OneHot', inputs: ['i', 'depth', 'x'], outputs: ['y'] }],
      initializers: { i: Tensor.from('int64', [0]), depth: Tensor.scalar('float32', 1e9) },
    }),
    /\(OneHot\).*: a constant of \[1000000000\] is too large/,
  ],
  [
    'a list of no tensors',
    model({ nodes: [{ op: 'Concat', inputs: [], outputs: ['y'], attributes: { axis: 0 } }] }),
    /\(Concat\).*: its inputs are missing/,
  ],
  [
    'a sum of no tensors',
    model({ nodes: [{ op: 'Sum', inputs: [], outputs: ['y'] }] }),
    /\(Sum\).*: its inputs are missing/,
  ],
  [
    'indices without a last axis',
    model({
      nodes: [{ op: 'ScatterND', inputs: ['x', 'i', 'x'], outputs: ['y'] }],
      initializers: { i: Tensor.scalar('int64', 0) },
    }),
    /\(ScatterND\).*: the input must have at least 1 dimensions/,
  ],
  [
    'parts that do not make the whole',
    model({
      nodes: [{ op: 'Split', inputs: ['s', 'parts'], outputs: ['y', 'z'] }],
      initializers: { s: Tensor.from('int64', [1, 2]), parts: Tensor.from('int64', [-1, 3]) },
    }),
    /\(Split\).*: the parts \[-1, 3\] do not make the extent of 2/,
  ],
  [
    'strides beyond what is computed with',
    model({
      inputs: { x: ['float32', [1, 1, 3, 3]] },
      nodes: [
        {
          op: 'Conv',
          inputs: ['x', 'w'],
          outputs: ['y'],
          attributes: { strides: [2 ** 31 - 1, 1] },
        },
      ],
      initializers: { w: Tensor.from('float32', [1], [1, 1, 1, 1]) },
    }),
    /\(Conv\).*an extent, kernel, stride, padding or dilation of 2147483647 is more than 1073741824/,
  ],
  [
    'operators of another domain',
    model({ nodes: [{ ...relu, domain: 'com.example' }] }),
    /com\.example\.Relu \(1\), first at node 'last' \(com\.example\.Relu\)/,
  ],
  [
    'nodes that need themselves',
    model({
      nodes: [
        { op: 'Add', inputs: ['x', 'y'], outputs: ['a'], name: 'first' },
        { op: 'Relu', inputs: ['a'], outputs: ['y'] },
      ],
    }),
    /computed from its own result/,
  ],
  [
    'a name that nothing defines',
    model({ nodes: [{ ...relu, inputs: ['missing'] }] }),
    /node 'last' \(Relu\): it reads 'missing', which nothing defines/,
  ],
  [
    'an output that nothing defines',
    model({ nodes: [relu], outputs: ['z'] }),
    /nothing defines the output 'z'/,
  ],
  [
    'a name defined twice',
    model({ nodes: [relu, { ...relu, name: 'again' }] }),
    /node 'again' \(Relu\) defines 'y', which is defined already/,
  ],
  [
    'an input that is missing',
    model({ nodes: [{ ...relu, inputs: [] }] }),
    /node 'last' \(Relu\): .*missing/,
  ],
  [
    'an attribute of another type',
    model({ nodes: [{ op: 'Transpose', inputs: ['x'], outputs: ['y'], attributes: { perm: 1 } }] }),
    /'perm' must be of type ints, got int/,
  ],
  [
    'shapes that do not fit',
    model({
      nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'], name: 'sum' }],
      initializers: { w: Tensor.zeros('float32', [4]) },
    }),
    /node 'sum' \(Add\): .*\[2, 3\].*\[4\]/,
  ],
  [
    'a shape that data decides',
    model({
      inputs: { ...x, shape: ['int64', [2]] },
      nodes: [{ op: 'Reshape', inputs: ['x', 'shape'], outputs: ['y'], name: 'r' }],
    }),
    /node 'r' \(Reshape\): the shape \(input 1\) must be known when the file is read, but 'shape' computes it/,
  ],
  [
    'a constant that is too large',
    model({
      inputs: {},
      nodes: [{ op: 'Range', inputs: ['a', 'b', 'c'], outputs: ['y'], name: 'r' }],
      initializers: {
        a: Tensor.scalar('int64', 0),
        b: Tensor.scalar('int64', 2 ** 50),
        c: Tensor.scalar('int64', 1),
      },
    }),
    /node 'r' \(Range\): a constant of \[1125899906842624\] is too large/,
  ],
  [
    'a size beyond all numbers',
    model({ nodes: [relu], inputs: { x: ['float32', [2 ** 60]] } }),
    /input 'x' has an extent of 1152921504/,
  ],
  [
    'a random operator, with the reason',
    model({
      nodes: [{ op: 'RandomNormalLike', inputs: ['x'], outputs: ['y'], name: 'noise' }],
    }),
    /RandomNormalLike \(1\), first at node 'noise' \(RandomNormalLike\).*: it is random/,
  ],
  ['a later operator set', model({ opset: 99, nodes: [relu] }), /operator set 99; sets 1 to 25 are read/],
  [
    'an operator before there was one',
    model({
      opset: 11,
      nodes: [{ op: 'RMSNormalization', inputs: ['x', 'w'], outputs: ['y'] }],
      initializers: { w: Tensor.zeros('float32', [3]) },
    }),
    /operator set 11 does not have this operator yet/,
  ],
  [
    'branches of different shapes',
    model({
      inputs: { ...x, c: ['bool', []] },
      nodes: [
        {
          op: 'If',
          name: 'choice',
          inputs: ['c'],
          outputs: ['y'],
          attributes: {
            then_branch: {
              graph: { nodes: [{ op: 'Relu', inputs: ['x'], outputs: ['a'] }], outputs: ['a'] },
            },
            else_branch: {
              graph: {
                nodes: [{ op: 'Flatten', inputs: ['x'], outputs: ['b'], attributes: { axis: 0 } }],
                outputs: ['b'],
              },
            },
          },
        },
      ],
    }),
    /node 'choice' \(If\): .*float32\[2, 3\] or float32\[1, 6\]/,
  ],
  [
    'a function that calls itself',
    model({
      nodes: [{ op: 'F', inputs: ['x'], outputs: ['y'], domain: 'own' }],
      otherOpsets: { own: 1 },
      functions: [
        {
          name: 'F',
          domain: 'own',
          inputs: ['a'],
          outputs: ['b'],
          nodes: [{ op: 'F', inputs: ['a'], outputs: ['b'], domain: 'own' }],
        },
      ],
    }),
    /nested deeper than 64/,
  ],
];

describe('loadOnnx refuses', () => {
  for (const [what, bad, message] of broken)
    it(what, async () => {
      await expect(loadOnnx(onnxModel(bad))).rejects.toThrow(message);
    });

  it('a file that is cut short anywhere, without anything worse', async () => {
    const whole = onnxModel(
      model({
        nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
        initializers: { w: Tensor.zeros('float32', [3]) },
      }),
    );
    for (let length = 0; length < whole.length; length++)
      await expect(loadOnnx(whole.slice(0, length))).rejects.toThrow(/the \.onnx file: /);
  });

  it('bytes that are something else', async () => {
    await expect(loadOnnx(new TextEncoder().encode('no model at all'))).rejects.toThrow(
      /not an ONNX model|no graph/,
    );
    await expect(loadOnnx(new Uint8Array(0))).rejects.toThrow(/no graph/);
  });

  it('a file that is not there', async () => {
    await expect(loadOnnx('/nowhere/model.onnx')).rejects.toThrow(
      /\/nowhere\/model\.onnx could not be opened/,
    );
  });

  it('a tensor of other bytes than its shape needs', async () => {
    const message = modelMessage(
      model({ nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'], name: 'sum' }] }),
    ) as {
      graph: { initializer: object[] };
    };
    message.graph.initializer.push({ ...tensorMessage('w', Tensor.zeros('float32', [3])), dims: [4] });
    await expect(loadOnnx(encode(message))).rejects.toThrow(
      /node 'sum' \(Add\): the tensor 'w' of \[4\] needs 16 bytes, but the file has 12/,
    );
  });

  it('options that the model has nothing for', async () => {
    const bytes = onnxModel(model({ nodes: [relu] }));
    await expect(loadOnnx(bytes, { bind: { z: 1 } })).rejects.toThrow(
      "bind: there is no input 'z'; the inputs are x",
    );
    await expect(loadOnnx(bytes, { bind: { x: 1 } })).rejects.toThrow(/\[2, 3\]: give a Tensor/);
    await expect(loadOnnx(bytes, { shapes: { x: [2, 4] } })).rejects.toThrow(/'x' has 3 along axis 1/);
    await expect(loadOnnx(bytes, { shape: {} } as object)).rejects.toThrow(/did you mean "shapes"/);
  });
});

describe('external data', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'octavo-'));
    await writeFile(join(folder, 'weights.bin'), Tensor.from('float32', [0, 1, 2, 3]).bytes());
    await symlink('/etc/passwd', join(folder, 'link'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function modelWith(entries: Readonly<Record<string, string>>): Promise<string> {
    const message = modelMessage(
      model({ nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'], name: 'sum' }] }),
    ) as {
      graph: { initializer: object[] };
    };
    message.graph.initializer.push({
      name: 'w',
      dims: [3],
      dataType: 1,
      dataLocation: 1,
      externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
    });
    const path = join(folder, 'model.onnx');
    await writeFile(path, encode(message));
    return path;
  }

  it('is read beside the model', async () => {
    const module = await loadOnnx(await modelWith({ location: 'weights.bin', offset: '4', length: '12' }));
    const [y] = new Interpreter(module, operators).run([Tensor.zeros('float32', [2, 3])]);
    expect(y.toArray()).toEqual([1, 2, 3, 1, 2, 3]);
  });

  it.each([
    ['a path that leads out', { location: '../../etc/passwd' }, /outside of the model's folder/],
    ['a path from the root', { location: '/etc/passwd' }, /outside of the model's folder/],
    ['a link that leads out', { location: 'link' }, /leads outside of the model's folder/],
    ['the folder itself', { location: '.' }, /outside of the model's folder/],
    ['a file that is not there', { location: 'nothing.bin' }, /could not be opened/],
    [
      'more than the file holds',
      { location: 'weights.bin', offset: '8', length: '12' },
      /ends at byte 20 of 'weights\.bin', which has 16/,
    ],
    ['a length that is no number', { location: 'weights.bin', length: '-1' }, /has the length '-1'/],
    ['no location', {}, /has no location/],
  ])('refuses %s', async (_, entries, message) => {
    await expect(loadOnnx(await modelWith(entries as Record<string, string>))).rejects.toThrow(message);
  });
});
