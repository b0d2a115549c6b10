import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { InferenceService } from '../../lib/serve/inference/service.ts';
import type { Tensor } from '../../lib/tensor/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { ask } from './client.ts';
import { type HoldingServer, holdingServer } from './holding-server.ts';

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
let holding: HoldingServer;

beforeAll(async () => {
  provider.register();
  holding = await holdingServer();
});
afterEach(() => exporter.reset());
afterAll(async () => {
  await holding[Symbol.asyncDispose]();
  await provider.shutdown();
});

/** Spans that have ended, the outermost first: an answer may come before the end of its span. */
async function spans(count: number): Promise<readonly ReadableSpan[]> {
  while (exporter.getFinishedSpans().length < count) await new Promise((resolve) => setTimeout(resolve, 2));
  return [...exporter.getFinishedSpans()].reverse();
}

const traceId = '0af7651916cd43dd8448eb211c80319c';
const callerId = 'b7ad6b7169203331';
const traceparent = `00-${traceId}-${callerId}-01`;
const nanoseconds = ([seconds, rest]: readonly [number, number]) =>
  BigInt(seconds) * 1_000_000_000n + BigInt(rest);

it('a request is a span of its caller’s trace, with its time in the queue and its computing', async () => {
  const before = BigInt(Date.now()) * 1_000_000n;
  expect(await holding.infer(8, { headers: { traceparent } })).toBe(200);
  const after = BigInt(Date.now() + 1000) * 1_000_000n; // the clock of the system may be set meanwhile
  const [request, compute, queue] = await spans(3);
  expect(request).toMatchObject({
    name: 'POST /v2/models/:model/infer',
    kind: SpanKind.SERVER,
    parentSpanContext: { traceId, spanId: callerId },
    status: { code: SpanStatusCode.UNSET },
    attributes: {
      'http.request.method': 'POST',
      'http.route': '/v2/models/:model/infer',
      'http.response.status_code': 200,
      'url.path': '/v2/models/network/infer',
      'url.scheme': 'http',
      'octavo.model.name': 'network',
      'octavo.model.version': '1',
      'octavo.batch_size': 8,
    },
  });
  const { spanId } = request.spanContext();
  for (const [span, name] of [
    [queue, 'queue'],
    [compute, 'compute'],
  ] as const) {
    expect(span).toMatchObject({ name, kind: SpanKind.INTERNAL, parentSpanContext: { traceId, spanId } });
    expect(span.spanContext().traceId).toBe(traceId);
  }
  const [began, queued, computing, computed, ended] = [
    request.startTime,
    queue.startTime,
    queue.endTime,
    compute.endTime,
    request.endTime,
  ].map(nanoseconds);
  expect(nanoseconds(compute.startTime)).toBe(computing);
  const order = [before, began, queued, computing, computed, ended, after];
  // Within what a double holds of milliseconds since 1970.
  for (const [i, time] of order.slice(1).entries()) expect(time - order[i]).toBeGreaterThan(-1000n);
  // What the model says of the same request.
  const { infer } = holding.server.repository.model('network').model.statistics;
  expect(Math.abs(Number(computed - computing) - infer)).toBeLessThan(2000);
});

it('requests that are computed together have spans of their own', async () => {
  const statuses = await Promise.all([holding.infer(3), holding.infer(5)]);
  expect(statuses).toEqual([200, 200]);
  const all = await spans(6);
  const requests = all.filter(({ kind }) => kind === SpanKind.SERVER);
  expect(requests).toHaveLength(2);
  for (const request of requests) {
    expect(request.parentSpanContext).toBeUndefined();
    expect(request.attributes['octavo.batch_size']).toBe(8);
    const children = all.filter(
      ({ parentSpanContext }) => parentSpanContext?.spanId === request.spanContext().spanId,
    );
    expect(children.map(({ name }) => name).sort()).toEqual(['compute', 'queue']);
  }
});

it('a client’s fault is no error of the server, but told', async () => {
  expect((await ask(holding.server, '/models/network/infer', { inputs: [] })).status).toBe(400);
  expect((await ask(holding.server, '/models/nothing/infer', {})).status).toBe(404);
  const [second, first] = await spans(2);
  expect(first).toMatchObject({
    status: { code: SpanStatusCode.UNSET },
    attributes: { 'http.response.status_code': 400, 'error.type': '400' },
    events: [
      { name: 'exception', attributes: { 'exception.message': 'inputs must hold at least one tensor' } },
    ],
  });
  expect(second).toMatchObject({
    attributes: { 'http.response.status_code': 404, 'octavo.model.name': 'nothing' },
  });
});

/** A call that no protocol has made. */
const call = (read: () => Tensor) => ({
  model: 'network',
  version: undefined,
  origin: {
    protocol: 'grpc' as const,
    name: 'inference.GRPCInferenceService/ModelInfer',
    attributes: () => ({ 'rpc.system': 'grpc' }),
    statusAttributes: () => ({ 'rpc.grpc.status_code': 13 }),
    header: () => undefined,
  },
  signal: new AbortController().signal,
  read: () => ({
    id: undefined,
    inputs: { x: read() },
    outputs: undefined,
    scheduling: { priority: undefined, timeout: undefined },
  }),
  write: () => 'written',
});

it('a fault of the server is an error', async () => {
  const { repository } = holding.server;
  const service = new InferenceService({ repository });
  const broken = call(() => {
    throw new TypeError('a fault of the server');
  });
  await expect(service.infer(broken)).rejects.toThrow('a fault of the server');
  const [span] = await spans(1);
  expect(span).toMatchObject({
    name: 'inference.GRPCInferenceService/ModelInfer',
    status: { code: SpanStatusCode.ERROR, message: 'a fault of the server' },
    attributes: { 'rpc.system': 'grpc', 'rpc.grpc.status_code': 13, 'error.type': '500' },
  });
});

it('where a span is active, as of an instrumented server, a request is a part of it', async () => {
  const service = new InferenceService({ repository: holding.server.repository });
  const outer = trace.getTracer('test').startSpan('outer', {}, ROOT_CONTEXT);
  const images = uniform([8, 16, 64, 64], -1, 1, 1);
  const answer = await context.with(trace.setSpan(ROOT_CONTEXT, outer), () =>
    service.infer(call(() => images)),
  );
  expect(answer).toBe('written');
  outer.end();
  const [, request] = await spans(4);
  expect(request).toMatchObject({
    name: 'infer network',
    kind: SpanKind.INTERNAL,
    parentSpanContext: { spanId: outer.spanContext().spanId },
  });
});
