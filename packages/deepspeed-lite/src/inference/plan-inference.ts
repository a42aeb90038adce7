/**
 * How to use ranks for inference: tensor parallelism until the latency target is met, then pipeline stages for throughput.
 *
 * Source: the survey's section 3.6.1, adaptive parallelism.
 * Deviations: the choice is over measured costs, not a rule of thumb; `order: 'throughput'` drops the survey's order and takes the highest
 * throughput of all that meet the target.
 */
import { ArgumentError } from '@ockham/core';
import { balanceStages } from '../pipeline/balance-stages.ts';
import {
  latencyOf,
  layerSeconds,
  throughputOf,
  type InferenceCosts,
  type InferenceMesh,
  type Link,
} from './inference-costs.ts';

/** Options of {@link planInference}. */
export interface PlanInferenceOptions {
  /** Ranks to use at most, ≥ 1. */
  readonly ranks: number;
  /** Seconds from a batch to its result, at most, > 0. Default Infinity. */
  readonly latency?: number;
  /**
   * `survey`, the default: the fewest tensor-parallel ranks that meet the target, then the stages that give the highest throughput;
   * `throughput`: the highest throughput of all that meet it.
   */
  readonly order?: 'survey' | 'throughput';
}

/** What {@link planInference} chooses. */
export interface InferencePlan extends InferenceMesh {
  /** Seconds, by the model. */
  readonly latency: number;
  /** Batches a second, by the model. */
  readonly throughput: number;
  /** Whether the latency target is met; if none meets it, the plan is the fastest there is. */
  readonly meets: boolean;
}

/**
 * Chooses tensor-parallel ranks and pipeline stages. Of equally good ways it takes that of the fewest ranks, then of the fewest
 * tensor-parallel ones.
 *
 * @throws ArgumentError for options out of range.
 *
 * @example
 * const costs = await measureInference(model, { tensor: [1, 2] });
 * const { tensor, pipeline, cuts } = planInference(costs, await measureLink(comm), { ranks: comm.size, latency: 0.02 });
 */
export function planInference(
  costs: InferenceCosts,
  link: Link,
  { ranks, latency: target = Infinity, order = 'survey' }: PlanInferenceOptions,
): InferencePlan {
  if (!(Number.isInteger(ranks) && ranks >= 1))
    throw new ArgumentError(`planInference: ranks must be an integer ≥ 1, got ${ranks}.`);
  if (!(target > 0))
    throw new ArgumentError(`planInference: latency must be positive seconds, got ${target}.`);
  if (!costs.seconds.has(1))
    throw new ArgumentError(
      'planInference: costs must have the seconds of one rank. Measure with tensor: [1, …].',
    );
  const plans: InferencePlan[] = [];
  for (const tensor of [...costs.seconds.keys()].filter((each) => each <= ranks)) {
    const layers = layerSeconds(costs, link, tensor);
    for (let pipeline = 1; tensor * pipeline <= ranks && pipeline <= layers.length; pipeline++) {
      const mesh = { tensor, pipeline, cuts: balanceStages(layers, pipeline) };
      const latency = latencyOf(costs, link, mesh);
      plans.push({ ...mesh, latency, throughput: throughputOf(costs, link, mesh), meets: latency <= target });
    }
  }
  return plans.reduce((best, plan) => (isBetter(plan, best, order) ? plan : best));
}

function isBetter(a: InferencePlan, b: InferencePlan, order: 'survey' | 'throughput'): boolean {
  const first =
    a.meets !== b.meets
      ? Number(a.meets) - Number(b.meets)
      : !a.meets
        ? b.latency - a.latency
        : (order === 'survey' ? b.tensor - a.tensor : 0) || a.throughput - b.throughput;
  return (first || b.tensor * b.pipeline - a.tensor * a.pipeline || b.tensor - a.tensor) > 0;
}
