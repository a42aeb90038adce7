import { Random } from '@ockham/core/random';
import {
  randomProblem,
  type MethodName,
  type RandomProblem,
  type SolveOptions,
} from '@ockham/feature-subsample';

/** A random small problem with random options, whose step may or may not be safe. */
export function randomCase(
  seed: number,
  rounds: number,
): { problem: RandomProblem; options: SolveOptions & { method: MethodName } } {
  const random = new Random(seed).stream('guard');
  const pick = <T>(values: readonly T[]): T => values[random.integer(values.length)]!;
  const [n, d] = [8 + random.integer(33), 8 + random.integer(33)];
  const condition = Math.exp(random.uniform(Math.log(1.5), Math.log(30)));
  const problem = randomProblem(n, d, { seed: random.seed(), condition, noise: pick([0, 0.3]) });
  const method = pick(['gd', 'masked', 'deregularised', 'consensus', 'control-variate'] as const);
  const alpha = random.uniform(0.2, 1);
  const localSteps = method === 'masked' || method === 'consensus' ? 1 + random.integer(8) : 1;
  const base = method === 'deregularised' ? alpha ** 2 : method === 'consensus' ? alpha ** 2 / 2 : 1;
  return {
    problem,
    options: {
      method,
      alpha,
      localSteps,
      workers: 1 + random.integer(16),
      learningRate: base * Math.exp(random.uniform(Math.log(0.2), Math.log(8))),
      snapshotEvery: pick([2, 5, 10]),
      rounds,
      seed: random.seed(),
      optimum: problem.optimum,
      recordEvery: rounds,
    },
  };
}
