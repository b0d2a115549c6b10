import {
  type Context,
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { RunTiming } from '../../runtime/index.ts';
import { ProtocolError } from '../errors.ts';
import type { CallOrigin } from '../inference/call.ts';

/** What becomes of a request, for its trace. */
export interface RequestSpan {
  /** Undefined where nobody traces: then nothing has to be timed. */
  readonly onTiming: ((timing: RunTiming) => void) | undefined;
  succeeded(version: string): void;
  failed(error: unknown): void;
}

/** Does nothing until an SDK is there. */
const tracer: Tracer = trace.getTracer('octavo');

const headers: TextMapGetter<CallOrigin> = {
  get: (origin, name) => origin.header(name),
  // For formats that put baggage into headers of names of their own; W3C's do not.
  keys: () => [],
};

const untraced: RequestSpan = { onTiming: undefined, succeeded: () => {}, failed: () => {} };

/**
 * All times of a request by one clock, in milliseconds since 1970: spans of an SDK each have their own, and one that ends where the
 * next begins would seem to end a millisecond before or after.
 */
class RequestClock {
  readonly startTime = Date.now();
  readonly #start = performance.now();

  now(): number {
    return this.startTime + performance.now() - this.#start;
  }

  /** @param nanoseconds on the clock of `process.hrtime`. */
  at(nanoseconds: number): number {
    return this.startTime + nanoseconds / 1e6 + clockOffset - this.#start;
  }
}

/** What `performance.now()` is later than the clock of `process.hrtime`, in milliseconds. */
const clockOffset = performance.now() - Number(process.hrtime.bigint()) / 1e6;

/**
 * Begins the span of a request: a part of the caller's trace, whose context its headers hold. Where a span is active already, as of an
 * instrumented HTTP server, it is a part of that one. Spans of its time in the queue, and of its computing, become parts of it.
 */
export function startSpan(origin: CallOrigin, model: string): RequestSpan {
  const active = trace.getActiveSpan();
  const parent = active ? context.active() : propagation.extract(context.active(), origin, headers);
  const attributes = { ...origin.attributes(), 'octavo.model.name': model };
  const kind = active ? SpanKind.INTERNAL : SpanKind.SERVER;
  const clock = new RequestClock();
  const { startTime } = clock;
  const name = active ? `infer ${model}` : origin.name;
  const span = tracer.startSpan(name, { kind, attributes, startTime }, parent);
  if (!span.isRecording()) return untraced;
  return {
    onTiming: (timing) => addTiming(span, trace.setSpan(parent, span), timing, clock),
    succeeded(version) {
      span.setAttributes({ ...origin.statusAttributes(200), 'octavo.model.version': version });
      span.end(clock.now());
    },
    failed(error) {
      const status = error instanceof ProtocolError ? error.status : 500;
      span.setAttributes({ ...origin.statusAttributes(status), 'error.type': `${status}` });
      span.recordException(error as Error);
      // By the conventions, what is the client's fault is no error of the server.
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message });
      span.end(clock.now());
    },
  };
}

function addTiming(span: Span, parent: Context, timing: RunTiming, clock: RequestClock): void {
  const { start, queue, input, infer, output, batchSize } = timing;
  const add = (name: string, from: number, nanoseconds: number) =>
    tracer.startSpan(name, { startTime: clock.at(from) }, parent).end(clock.at(from + nanoseconds));
  span.setAttribute('octavo.batch_size', batchSize);
  add('queue', start, queue);
  add('compute', start + queue, input + infer + output);
}
