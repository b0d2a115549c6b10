import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { canonicalType } from '../../lib/backend/index.ts';
import {
  type BackendConfig,
  type BackendPatternConfig,
  type DTypeConfig,
  getFbgemmBackendConfig,
  getNativeBackendConfig,
  getX86BackendConfig,
  ObservationType,
} from '../../lib/index.ts';

type Described = readonly [
  pattern: readonly string[],
  observed: readonly number[],
  dtypes: readonly unknown[][],
];

/** What script/goldens/backend_configs.py wrote of PyTorch 2.6. */
const golden = JSON.parse(
  readFileSync(new URL('../fixtures/fx/backend-configs.json', import.meta.url), 'utf8'),
) as {
  readonly native: readonly Described[];
  readonly x86: readonly (readonly string[])[];
  readonly fbgemm: readonly (readonly string[])[];
};

/** What has no tensor as its result, is folded before observers are placed, or has no kernel and no reference either. */
const absent = new Set([
  ...['shape', 'size', 'operator.floordiv'],
  ...[1, 2, 3].map((axes) => `torch.nn.ConvTranspose${axes}d torch.nn.BatchNorm${axes}d`),
  ...['torch.nn.GRUCell', 'torch.nn.LSTMCell', 'torch.nn.RNNCell'],
]);

const keyOf = (pattern: readonly string[]) => pattern.map(canonicalType).join(' ');
const theirs = (patterns: readonly (readonly string[])[]) =>
  [...new Set(patterns.map(keyOf))].filter((key) => !absent.has(key)).sort();
const ours = ({ configs }: BackendConfig) => configs.map(({ keys }) => keys.join(' ')).sort();

const dtypes: Readonly<Record<string, string>> = {
  ...{ 'torch.quint8': 'uint8', 'torch.quint4x2': 'uint8', 'torch.qint8': 'int8' },
  ...{ 'torch.float16': 'float16', 'torch.float32': 'float32', True: 'true' },
};
const observationTypes = Object.values(ObservationType);

function described(config: DTypeConfig): string {
  const { inputDtype, outputDtype, weightDtype, biasDtype, isDynamic, outputDtypeWithConstraints } = config;
  const { scaleExactMatch, zeroPointExactMatch } = outputDtypeWithConstraints;
  return [
    inputDtype,
    outputDtype,
    weightDtype,
    biasDtype,
    isDynamic || null,
    scaleExactMatch,
    zeroPointExactMatch,
  ]
    .map((each) => each ?? null)
    .join();
}

function expectAlike(config: BackendPatternConfig, [, observed, expected]: Described, key: string) {
  expect(
    [1, 2].map((n) => observationTypes.indexOf(config.observationTypeFor(n))),
    key,
  ).toEqual(observed);
  const wanted = expected.map((facts) => facts.map((fact) => dtypes[fact as string] ?? fact).join());
  // Recurrent layers have no float16 weights here.
  const isRecurrent = /LSTM|GRU/.test(key);
  const known = wanted.filter((facts) => !(isRecurrent && facts.startsWith('float16')));
  // Tables of 4 and of 8 bits are both uint8.
  expect(config.dtypeConfigs.map(described), key).toEqual([...new Set(known)]);
}

describe('backend configurations', () => {
  it('have the patterns of PyTorch 2.6', () => {
    expect(ours(getNativeBackendConfig())).toEqual(theirs(golden.native.map(([pattern]) => pattern)));
    expect(ours(getX86BackendConfig())).toEqual(theirs(golden.x86));
    expect(ours(getFbgemmBackendConfig())).toEqual(theirs(golden.fbgemm));
  });

  it('observe them as PyTorch 2.6 does, and have its dtypes', () => {
    const expected = new Map(golden.native.map((each) => [keyOf(each[0]), each]));
    for (const config of getNativeBackendConfig().configs) {
      const key = config.keys.join(' ');
      expectAlike(config, expected.get(key)!, key);
    }
  });
});
