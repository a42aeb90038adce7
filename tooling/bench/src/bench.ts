import { interleave, type InterleaveOptions, type Variant } from './interleave.ts';
import { machine, type Machine } from './machine.ts';
import { ratio, timing, type Ratio, type Timing } from './summary.ts';

/** What a bench prepared: the ways to compare, and figures that are counted rather than timed. */
export interface Prepared {
  readonly variants: Readonly<Record<string, Variant>>;
  /** For example `{ 'dense bytes': 1_066_440 }`. */
  readonly figures?: Readonly<Record<string, number>>;
  readonly dispose?: () => void;
}

/** One question about speed, answered by one interleaved run. The default export of a `bench/<noun>.bench.ts`. */
export interface Bench extends Pick<InterleaveOptions, 'rounds' | 'warmup'> {
  /** For example `fw-prune/structured`. */
  readonly id: string;
  readonly question: string;
  /** Which variant is compared with which: `{ pruned: 'dense' }`. */
  readonly against: Readonly<Record<string, string>>;
  prepare(): Prepared | Promise<Prepared>;
}

export interface BenchResult {
  readonly id: string;
  readonly question: string;
  readonly engine: string;
  readonly machine: Machine;
  readonly against: Readonly<Record<string, string>>;
  readonly timings: Readonly<Record<string, Timing>>;
  /** For each variant of `against`, how many times as fast as the other: above 1 is faster. */
  readonly ratios: Readonly<Record<string, Ratio>>;
  readonly figures: Readonly<Record<string, number>>;
}

/** Types a bench where it is written. */
export function bench(definition: Bench): Bench {
  return definition;
}

/** Prepares, times and summarises one bench. */
export async function runBench(definition: Bench, engine: string): Promise<BenchResult> {
  const { id, question, against } = definition;
  const before = machine();
  const { variants, figures = {}, dispose } = await definition.prepare();
  try {
    const unknown = Object.entries(against)
      .flat()
      .find((name) => !(name in variants));
    if (unknown !== undefined) {
      throw new Error(
        `${id}: against must name variants, ${Object.keys(variants).join(' or ')}, got ${unknown}.`,
      );
    }
    const times = await interleave(variants, definition);
    return {
      id,
      question,
      engine,
      machine: before,
      against,
      timings: Object.fromEntries(Object.entries(times).map(([name, t]) => [name, timing(t)])),
      ratios: Object.fromEntries(
        Object.entries(against).map(([name, other]) => [name, ratio(times[other]!, times[name]!)]),
      ),
      figures,
    };
  } finally {
    dispose?.();
  }
}
