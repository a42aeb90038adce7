import type { ScaleName } from './experiment.ts';
import { scaleNames } from './experiment.ts';
import { resultFile } from './result-files.ts';
import { readFile } from 'node:fs/promises';
import { parseResult } from './result.ts';

/** One seed of one of the experiments to run. */
export interface Unit<Plan> {
  readonly plan: Plan;
  readonly seed: number;
}

/**
 * All seeds of all experiments, the longest first, so that none begins when the others end; those of unknown length
 * count as long. Equally long ones keep their order.
 */
export function longestFirst<Plan extends { readonly seeds: readonly number[]; readonly expected: number }>(
  plans: readonly Plan[],
): Unit<Plan>[] {
  return [...plans]
    .sort((a, b) => (a.expected === b.expected ? 0 : b.expected - a.expected))
    .flatMap((plan) => plan.seeds.map((seed) => ({ plan, seed })));
}

/** Seconds that a seed took when it was last recorded: at this scale, else at the next one that has a result. */
export async function expectedSeconds(results: string, name: string, scale: ScaleName): Promise<number> {
  const others = scaleNames.filter((other) => other !== scale);
  for (const recorded of [scale, ...others]) {
    const file = resultFile(results, recorded, name, false);
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const { seeds, seconds } = parseResult(text, file).provenance;
    if (seeds.length > 0) return seconds.total / seeds.length;
  }
  return Infinity;
}
