import { describe, expect, it } from 'vitest';
import {
  calibrate,
  compile,
  convertPt2e,
  exportModel,
  GraphModule,
  getDefaultX86QuantizationConfig,
  loadModel,
  lower,
  operators,
  quantizeDynamic,
  quantizeStatic,
  SubgraphMatcher,
  Tensor,
  tune,
} from '../lib/index.ts';
import * as nn from '../lib/nn/index.ts';
import { checkOptions } from '../lib/options.ts';

describe('checkOptions', () => {
  const check = (given: object) => () =>
    checkOptions(given, { threads: true, maxQueue: true, packedWeights: 'boolean' }, 'door');

  it('accepts what it knows', () => {
    expect(check({ threads: 1, maxQueue: undefined })).not.toThrow();
    for (const packedWeights of [true, false, undefined])
      expect(check({ threads: 'checked elsewhere', packedWeights })).not.toThrow();
    expect(check({})).not.toThrow();
  });

  it.each([
    ['thread', 'threads'],
    ['theads', 'threads'],
    ['thraeds', 'threads'],
    ['maxqueue', 'maxQueue'],
    ['packed', 'packedWeights'],
  ])('names what %s may have meant', (given, meant) => {
    expect(check({ [given]: 1 })).toThrow(`door: unknown option "${given}"; did you mean "${meant}"?`);
  });

  it.each(['bias', 'to', 'x', 'toString'])('names all there are where %s resembles none', (given) => {
    expect(check({ [given]: 1 })).toThrow(
      `door: unknown option "${given}"; there are threads, maxQueue, packedWeights`,
    );
  });

  it.each([
    [1, '1'],
    ['false', "'false'"],
    [null, 'null'],
    [{ packed: 1n }, '{ packed: 1n }'],
  ])('refuses %o for true or false', (packedWeights, shown) => {
    expect(check({ packedWeights })).toThrow(
      `door: option "packedWeights" must be true or false, got ${shown}`,
    );
  });

  it.each([[null], [[]], [3]])('refuses %j, which holds no options', (given) => {
    expect(check(given as never)).toThrow(`door: options must be an object, got ${JSON.stringify(given)}`);
  });
});

describe('every public function that takes options says which it does not know', () => {
  const x = Tensor.from('float32', [1, 2], [1, 2]);
  const module = exportModel(new nn.Linear(2, 2).eval(), { x });
  // What TypeScript would not let through, and JavaScript does.
  const wrong = (option: string) => ({ [option]: true }) as never;

  it('of graphs', () => {
    const expectUnknown = (door: string, call: () => unknown, meant: string) =>
      expect(call, door).toThrow(new RegExp(`^${door}: unknown option "\\w+"; did you mean "${meant}"\\?$`));
    expectUnknown('compile', () => compile(module, wrong('stream')), 'streams');
    expectUnknown('lower', () => lower(module, wrong('keepfloat')), 'keepFloat');
    expectUnknown('tune', () => tune(module, x, wrong('onprogress')), 'onProgress');
    expectUnknown('convertPt2e', () => convertPt2e(module, wrong('foldQuantise')), 'foldQuantize');
    expectUnknown(
      'exportModel',
      () => exportModel(new nn.Linear(2, 2).eval(), { x }, wrong('dynamicbatch')),
      'dynamicBatch',
    );
    expectUnknown(
      'getDefaultX86QuantizationConfig',
      () => getDefaultX86QuantizationConfig(wrong('reduceRanges')),
      'reduceRange',
    );
    const pattern = module.graph;
    expectUnknown(
      'SubgraphMatcher',
      () => new SubgraphMatcher(pattern, operators, wrong('ignoreLiteral')),
      'ignoreLiterals',
    );
    const autocast = { dtype: 'bfloat16', forced: true } as never;
    expect(() => lower(module, { autocast })).toThrow(
      'lower: autocast: unknown option "forced"; did you mean "force"?',
    );
  });

  it('and takes nothing else for true or false', () => {
    const expectRefused = (door: string, option: string, call: (wrong: never) => unknown) =>
      expect(() => call({ [option]: 1 } as never), door).toThrow(
        `${door}: option "${option}" must be true or false, got 1`,
      );
    expectRefused('lower', 'mergeLinears', (wrong) => lower(module, wrong));
    expectRefused('lower', 'strict', (wrong) => lower(module, wrong));
    expectRefused('tune', 'strict', (wrong) => tune(module, x, wrong));
    expectRefused('convertPt2e', 'foldQuantize', (wrong) => convertPt2e(module, wrong));
    expectRefused('exportModel', 'dynamicBatch', (wrong) => exportModel(new nn.Linear(2, 2), { x }, wrong));
    expectRefused('getDefaultX86QuantizationConfig', 'isDynamic', (wrong) =>
      getDefaultX86QuantizationConfig(wrong),
    );
    expectRefused(
      'SubgraphMatcher',
      'ignoreLiterals',
      (wrong) => new SubgraphMatcher(module.graph, operators, wrong),
    );
    expect(() => lower(module, { autocast: { dtype: 'bfloat16', force: 1 } as never })).toThrow(
      'lower: autocast: option "force" must be true or false, got 1',
    );
  });

  it('of promises', async () => {
    const observed = new GraphModule();
    observed.modules.set('observer', { forward: (value) => value });
    const input = observed.graph.placeholder('x');
    observed.graph.output([observed.graph.callModule('observer', [input])]);
    const rejects = (door: string, result: Promise<unknown>, meant: string) =>
      expect(result, door).rejects.toThrow(
        new RegExp(`^${door}: unknown option "\\w+"; did you mean "${meant}"\\?$`),
      );
    await rejects('calibrate', calibrate(observed, [x], wrong('signals')), 'signal');
    await rejects('loadModel', loadModel('a model', wrong('thread')), 'threadsPerStream');
    await rejects('quantizeStatic', quantizeStatic(module, [x], wrong('onReports')), 'onReport');
    await rejects('quantizeDynamic', quantizeDynamic(module, wrong('overide')), 'overrides');
    using model = compile(module);
    await rejects('run', model.run(x, wrong('output')), 'outputs');
    await rejects('save', model.save('a model', wrong('packedWeight')), 'packedWeights');
    expect(() => model.runSync(x, wrong('output'))).toThrow(
      'runSync: unknown option "output"; did you mean "outputs"?',
    );
  });
});
