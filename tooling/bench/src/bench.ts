import type { EngineName } from '@ockham/core/backend';
import { interleave, type InterleaveOptions, type Variant } from './interleave.ts';
import { machine, type Machine } from './machine.ts';
import { ratio, timing, type Ratio, type Timing } from './summary.ts';
import { makeTools, type Tools } from './tools.ts';

/** What a bench prepared: the ways to compare, and figures that are counted rather than timed. */
export interface Prepared {
  readonly variants: Readonly<Record<string, Variant>>;
  /** For example `{ 'dense bytes': 1_066_440 }`. */
  readonly figures?: Readonly<Record<string, number>>;
  /** Variants that cannot run here, and why. */
  readonly skipped?: Readonly<Record<string, string>>;
  /** Of what is compared with, for example `{ torch: '2.15.0' }`. */
  readonly versions?: Readonly<Record<string, string>>;
  readonly dispose?: () => void;
}

/**
 * What a variant is compared with: one other, or several, each with the least ratio that is wanted; 0 asks for none.
 */
export type Against = string | Readonly<Record<string, number>>;

/** One question about speed, answered by one interleaved run. The default export of a `bench/<noun>.bench.ts`, or one of them. */
export interface Bench extends Pick<InterleaveOptions, 'rounds' | 'warmup' | 'pause'> {
  /** For example `fw-prune/structured`. */
  readonly id: string;
  readonly question: string;
  /** Which variant is compared with which: `{ pruned: 'dense' }`, or `{ ours: { stock: 4.5 } }`. */
  readonly against: Readonly<Record<string, Against>>;
  /** What everything random is drawn from. */
  readonly seed?: number;
  /** Whether it brings its engines along, or needs none. */
  readonly ownEngines?: boolean;
  /** The one engine that it is about. Default: the one that `OCKHAM_ENGINE` names. */
  readonly engine?: EngineName;
  prepare(tools: Tools): Prepared | Promise<Prepared>;
}

/** How many times as fast `variant` is as `against`: above 1 is faster. */
export interface Comparison extends Ratio {
  readonly variant: string;
  readonly against: string;
  /** The least that is wanted, and whether the median reaches it. */
  readonly wanted?: number;
  readonly reached?: boolean;
}

export interface BenchResult {
  readonly id: string;
  readonly question: string;
  readonly engine: string;
  readonly machine: Machine;
  readonly seed?: number;
  readonly versions: Readonly<Record<string, string>>;
  readonly timings: Readonly<Record<string, Timing>>;
  readonly ratios: readonly Comparison[];
  readonly figures: Readonly<Record<string, number>>;
  readonly skipped: Readonly<Record<string, string>>;
}

/** Types a bench where it is written. */
export function bench(definition: Bench): Bench {
  return definition;
}

/** Prepares, times and summarises one bench. `smoke` is for two rounds only. */
export async function runBench(
  definition: Bench,
  engine: string,
  { smoke = false }: { readonly smoke?: boolean } = {},
): Promise<BenchResult> {
  const { id, question, seed } = definition;
  const before = await machine();
  const { tools, stop } = makeTools(smoke);
  let dispose: (() => void) | undefined;
  try {
    const prepared = await definition.prepare(tools);
    dispose = prepared.dispose;
    const { variants, figures = {}, skipped = {}, versions = {} } = prepared;
    const pairs = comparisons(definition);
    const known = new Set([...Object.keys(variants), ...Object.keys(skipped)]);
    const unknown = pairs.flatMap(({ variant, against }) => [variant, against]).find((n) => !known.has(n));
    if (unknown !== undefined)
      throw new Error(`${id}: against must name variants, ${[...known].join(' or ')}, got ${unknown}.`);
    const times = await interleave(variants, smoke ? { rounds: 2, warmup: 1 } : definition);
    return {
      id,
      question,
      engine,
      machine: before,
      ...(seed === undefined ? {} : { seed }),
      versions: { node: process.version, ...versions },
      timings: Object.fromEntries(Object.entries(times).map(([name, t]) => [name, timing(t)])),
      ratios: pairs
        .filter(({ variant, against }) => variant in variants && against in variants)
        .map(({ variant, against, wanted }) => {
          const measured = ratio(times[against]!, times[variant]!);
          const bar = wanted && !smoke ? { wanted, reached: measured.median >= wanted } : {};
          return { variant, against, ...measured, ...bar };
        }),
      figures,
      skipped,
    };
  } finally {
    dispose?.();
    stop();
  }
}

function comparisons({ against }: Bench): { variant: string; against: string; wanted: number }[] {
  return Object.entries(against).flatMap(([variant, other]) =>
    Object.entries(typeof other === 'string' ? { [other]: 0 } : other).map(([name, wanted]) => ({
      variant,
      against: name,
      wanted,
    })),
  );
}
