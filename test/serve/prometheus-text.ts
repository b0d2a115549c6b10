/** One line of Prometheus' text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A family of metrics: all lines of one name, or of a histogram's `_bucket`, `_sum` and `_count`. */
export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

// Values are those of Go's ParseFloat, which knows no case.
const sampleLine =
  /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (nan|[+-]?inf|[-+.\de]+)$/i;

/**
 * Reads Prometheus' text format, version 0.0.4, strictly as its specification has it: every family has its help, then its type, then its
 * lines, which are different ones; the buckets of a histogram grow up to `+Inf`, which is its count.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function parsePrometheusText(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line must end');
  const families = new Map<string, { type: string; help: string; samples: Sample[] }>();
  let current = '';
  let help = '';
  for (const line of text.split('\n').filter((line) => line !== '')) {
    const [, kind, name, rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === 'HELP') [current, help] = [name, rest];
    else if (kind === 'TYPE') {
      if (name !== current || families.has(name)) throw new Error(`${line}: not after its help, or twice`);
      families.set(name, { type: rest, help, samples: [] });
    } else families.get(current)!.samples.push(sampleOf(line, current, families.get(current)!.type));
  }
  for (const [name, { type, samples }] of families) {
    const lines = samples.map(({ name, labels }) => JSON.stringify([name, Object.entries(labels).sort()]));
    if (new Set(lines).size !== lines.length) throw new Error(`${name}: a line is there twice`);
    if (type === 'histogram') checkHistogram(name, samples);
  }
  return families;
}

function sampleOf(line: string, family: string, type: string): Sample {
  const [, name, labels = '', value] = sampleLine.exec(line) ?? [];
  const names = type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => family + end) : [family];
  if (!names.includes(name)) throw new Error(`${line}: no line of the ${type} ${family}`);
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [label, text]);
  return { name, labels: Object.fromEntries(pairs), value: Number(value.replace(/inf/i, 'Infinity')) };
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const counts = samples.filter((sample) => sample.name === `${name}_count`);
  for (const { labels, value } of counts) {
    const buckets = samples.filter(
      (sample) =>
        sample.name === `${name}_bucket` &&
        Object.entries(labels).every(([label, text]) => sample.labels[label] === text),
    );
    const isGrowing = buckets.every((bucket, i) => i === 0 || bucket.value >= buckets[i - 1].value);
    const last = buckets.at(-1);
    if (!isGrowing || last?.labels.le !== '+Inf' || last.value !== value)
      throw new Error(`${name}: its buckets must grow to +Inf, which is its count`);
  }
}
