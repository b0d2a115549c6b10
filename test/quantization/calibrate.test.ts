import { getEventListeners } from 'node:events';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { loadPt2 } from '../../lib/capture/index.ts';
import { type GraphModule, Interpreter } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { calibrate, convertPt2e, preparePt2e, X86Quantizer } from '../../lib/quantization/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { goldenTensor, prepareModel } from '../support/pt2e-goldens.ts';

let prepared: GraphModule;
beforeEach(async () => {
  prepared = await prepareModel('tiny_cnn');
});

const batch = () => goldenTensor('tiny_cnn/calib_0');

async function* asynchronously(...batches: Tensor[]): AsyncGenerator<Tensor> {
  for (const tensor of batches) yield tensor;
}

describe('calibrate', () => {
  it('counts batches and reports progress', async () => {
    const onProgress = vi.fn();
    expect(await calibrate(prepared, asynchronously(batch(), batch()), { onProgress })).toBe(2);
    expect(onProgress.mock.calls).toEqual([[1], [2]]);
  });

  it('takes inputs by position, by name, and as onnxruntime writes them', async () => {
    const { data, shape } = batch();
    expect(await calibrate(prepared, [batch(), [batch()], { x: batch() }])).toBe(3);
    expect(await calibrate(prepared, [{ type: 'float32', data, dims: shape }])).toBe(1);
  });

  it('lets other work run between batches', async () => {
    const order: string[] = [];
    setImmediate(() => order.push('other work'));
    await calibrate(prepared, [batch(), batch()], { onProgress: (n) => order.push(`batch ${n}`) });
    expect(order).toEqual(['batch 1', 'other work', 'batch 2']);
  });

  it('stops when it is aborted', async () => {
    const controller = new AbortController();
    const onProgress = () => controller.abort(new Error('enough'));
    const run = calibrate(prepared, [batch(), batch()], { onProgress, signal: controller.signal });
    await expect(run).rejects.toThrow('enough');
  });

  it('stops while it waits for a batch, and closes the iterator', async () => {
    const ways: (() => Promise<IteratorResult<Tensor>>)[] = [
      async () => ({ done: true, value: undefined }),
      () => Promise.reject(new Error('too late')),
      () => new Promise(() => {}),
    ];
    for (const close of ways) {
      const controller = new AbortController();
      const onReturn = vi.fn(close);
      const next = () => {
        setImmediate(() => controller.abort(new Error('enough')));
        return new Promise<never>(() => {});
      };
      const batches = { [Symbol.asyncIterator]: () => ({ next, return: onReturn }) };
      await expect(calibrate(prepared, batches, { signal: controller.signal })).rejects.toThrow('enough');
      expect(onReturn).toHaveBeenCalledOnce();
      expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    }
  });

  it.each([undefined, new AbortController().signal])(
    'closes an iterator with a bad batch, and leaves alone one that has ended (signal: %s)',
    async (signal) => {
      const options = signal ? { signal } : {};
      const closed: string[] = [];
      async function* noting(name: string, ...batches: unknown[]) {
        let ended = false;
        try {
          yield* batches as Tensor[];
          ended = true;
        } finally {
          await Promise.resolve();
          closed.push(`${name} ${ended ? 'ended' : 'left'}`);
        }
      }
      await calibrate(prepared, noting('good', batch()), options);
      await expect(calibrate(prepared, noting('bad', 7, batch()), options)).rejects.toThrow(/batch 0/);
      expect(closed).toEqual(['good ended', 'bad left']);
    },
  );

  it('refuses what is no signal', async () => {
    const signal = {} as AbortSignal;
    const message = 'calibrate: signal must be an AbortSignal, got [object Object]';
    await expect(calibrate(prepared, [batch()], { signal })).rejects.toThrow(message);
  });

  it.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /batches must be an iterable/],
    ['a tensor alone', Tensor.zeros('float32', [1, 3, 32, 32]), /a single batch is \[batch\]/],
    [
      'a batch that is missing',
      [null],
      /calibration batch 0: expected one tensor for each input \(x: float32\[s0, 3, 32, 32\]\), got null/,
    ],
  ])('refuses %s', async (_, batches, message) => {
    await expect(calibrate(prepared, batches as Tensor[])).rejects.toThrow(message);
  });

  it('refuses a model without observers, which would learn nothing', async () => {
    const model = await loadPt2('models/tiny_cnn.pt2');
    await expect(calibrate(model, [batch()])).rejects.toThrow(
      /no observers: prepare it with preparePt2e.*it has aten.conv2d.default \(3\), aten.batch_norm/,
    );
  });

  it('refuses a model that is still to come', async () => {
    const coming = loadPt2('models/tiny_cnn.pt2');
    const model = coming as unknown as GraphModule;
    const message = /: expected a GraphModule, got a Promise; await it first/;
    await expect(calibrate(model, [batch()])).rejects.toThrow(message);
    for (const stage of [convertPt2e, lower, compile, (m: GraphModule) => preparePt2e(m, new X86Quantizer())])
      expect(() => stage(model)).toThrow(message);
    await coming;
  });

  it('refuses an empty set', async () => {
    await expect(calibrate(prepared, [])).rejects.toThrow(/calibration set is empty/);
  });

  it('names batch and tensor where NaN comes in', async () => {
    const bad = batch().clone();
    bad.data[1000] = Number.NaN;
    await expect(calibrate(prepared, [batch(), bad])).rejects.toThrow(
      /calibration batch 1: .*on the value of 'x'.*holds NaN/,
    );
  });

  it('names the parameter that holds NaN', async () => {
    const weight = prepared.attribute('conv2.weight').clone();
    weight.data[0] = Number.NaN;
    prepared.attributes.set('conv2.weight', weight);
    await expect(calibrate(prepared, [batch()])).rejects.toThrow(
      /batch 0: .*the parameter or buffer 'conv2.weight'.*holds NaN/,
    );
  });

  it.each([
    [
      Tensor.zeros('float32', [1, 3, 32, 31]),
      /input 'x' must be float32\[s0, 3, 32, 32\], got float32\[1, 3, 32, 31\]/,
    ],
    [Tensor.zeros('uint8', [1, 3, 32, 32]), /must be float32.*got uint8/],
    [Tensor.zeros('float32', [3, 32, 32]), /got float32\[3, 32, 32\]/],
    [[], /one tensor for each input \(x: .*\), got 0/],
    [{ y: Tensor.zeros('float32', [1, 3, 32, 32]) }, /one tensor for each input \(x: .*\), got 'y'/],
    [7 as unknown as Tensor, /one tensor for each input \(x: .*\), got 7/],
  ])('refuses wrong inputs %#', async (wrong, message) => {
    await expect(calibrate(prepared, [batch(), wrong])).rejects.toThrow(message);
    await expect(calibrate(prepared, [wrong])).rejects.toThrow(/calibration batch 0/);
  });
});

describe('preparePt2e', () => {
  it('refuses a model that is prepared already', () => {
    expect(() => preparePt2e(prepared, new X86Quantizer())).toThrow(
      /prepared already: it has the observer 'activation_post_process_/,
    );
  });

  it('refuses to work without a quantizer', async () => {
    const model = await loadPt2('models/tiny_cnn.pt2');
    expect(() => preparePt2e(model, undefined as unknown as X86Quantizer)).toThrow(/expected a Quantizer/);
  });
});

describe('convertPt2e', () => {
  it('names what calibration has not reached', () => {
    expect(() => convertPt2e(prepared)).toThrow(
      /'activation_post_process_0' on the value of 'x': HistogramObserver has seen no tensor; run calibrate/,
    );
  });

  it('leaves the prepared model as it is, and its own result alone when repeated', async () => {
    await calibrate(prepared, [batch()]);
    const nodes = prepared.graph.nodes.map(String);
    const once = convertPt2e(prepared);
    expect(prepared.graph.nodes.map(String)).toEqual(nodes);
    const twice = convertPt2e(once);
    expect(twice.graph.nodes.map(String)).toEqual(once.graph.nodes.map(String));
    expect([...twice.attributes]).toEqual([...once.attributes]);
  });

  it('can leave weights in floating point', async () => {
    await calibrate(prepared, [batch()]);
    const { operators } = await import('../../lib/aten/index.ts');
    const folded = convertPt2e(prepared);
    const unfolded = convertPt2e(prepared, { foldQuantize: false });
    expect([...unfolded.attributes.keys()]).toContain('conv1.weight');
    expect([...folded.attributes.keys()]).not.toContain('conv1.weight');
    const run = (module: GraphModule) => new Interpreter(module, operators).run([batch()])[0].toArray();
    expect(run(unfolded)).toEqual(run(folded));
  });

  it('tells quantize and dequantize nodes the source line they serve', async () => {
    await calibrate(prepared, [batch()]);
    const { graph } = convertPt2e(prepared);
    const linear = graph.nodes.find((node) => node.target === 'aten.linear.default')!;
    expect(linear.meta.stackTrace).toBeTruthy();
    const [input] = linear.allInputNodes;
    expect(input.target).toMatch(/dequantize/);
    expect(input.meta.stackTrace).toBe(linear.meta.stackTrace);
    for (const node of graph.nodes) expect(node.meta.quantizationAnnotation).toBeUndefined();
  });
});
