import { parseArgs } from 'node:util';
import { cpuFeatures } from '../../lib/index.ts';
import { effortOptions, positiveIntegers } from '../effort.ts';
import { type Arrivals, arrivalKinds } from './arrivals.ts';
import { allowedCpus, type CpuDivision, divideCpus } from './cpus.ts';
import { protocols } from './protocols.ts';

/** What the command was told. */
export interface LoadOptions {
  readonly network: string;
  /** Protocols of Octavo. */
  readonly modes: readonly string[];
  readonly arrivals: Arrivals;
  /** Of each load. */
  readonly milliseconds: number;
  /** Requests under way where the capacity is measured. */
  readonly inFlight: number;
  /** The most requests that are computed together. */
  readonly maxBatchSize: number;
  /** Loads to offer, as fractions of the capacity. */
  readonly shares: readonly number[];
  /** Requests, or batches of them, that Octavo computes at the same time. */
  readonly streams: number;
  /** Of one of them. */
  readonly threads: number;
  readonly cpus: CpuDivision;
  /** Print one JSON document instead of tables. */
  readonly json: boolean;
}

/** @throws Error that names the option, and says what it takes. */
export function optionsOf(args: string[]): LoadOptions {
  const { values } = parseArgs({
    args,
    options: {
      quick: effortOptions.quick,
      json: effortOptions.json,
      network: { type: 'string', default: 'resnet18' },
      seconds: { type: 'string', default: '3' },
      rates: { type: 'string', default: '25,50,75,90' },
      modes: { type: 'string', default: protocols.join() },
      arrivals: { type: 'string', default: 'poisson' },
      'in-flight': { type: 'string', default: '32' },
      'max-batch-size': { type: 'string', default: '16' },
      streams: { type: 'string', default: '1' },
      threads: { type: 'string' },
    },
  });
  const whole = (option: 'seconds' | 'in-flight' | 'max-batch-size' | 'streams') =>
    positiveIntegers(option, values[option])[0];
  const cpus = divideCpus(allowedCpus());
  const streams = whole('streams');
  const cores = Math.min(cpuFeatures().cores, cpus.server?.length ?? Number.POSITIVE_INFINITY);
  return {
    network: values.network,
    modes: namesIn('modes', values.modes, protocols),
    arrivals: namesIn('arrivals', values.arrivals, arrivalKinds)[0],
    milliseconds: values.quick ? 500 : 1000 * whole('seconds'),
    inFlight: whole('in-flight'),
    maxBatchSize: whole('max-batch-size'),
    shares: positiveIntegers('rates', values.rates).map((percent) => percent / 100),
    streams,
    threads: positiveIntegers('threads', values.threads ?? String(Math.ceil(cores / streams)))[0],
    cpus,
    json: values.json,
  };
}

function namesIn<Name extends string>(option: string, list: string, names: readonly Name[]): Name[] {
  return list.split(',').map((given) => {
    const name = names.find((each) => each === given);
    if (name === undefined) throw new Error(`--${option} takes ${names.join(', ')}; got '${given}'`);
    return name;
  });
}
