/**
 * The rank of W* from the data: singular values of the part of Y that X explains which noise alone would not reach. The noise's
 * spread comes from the part that X cannot explain, its largest singular value from the law of Tracy and Widom in Johnstone's
 * centring and scaling (2001), at a level of 0.1 %.
 *
 * Where there are too few samples for such a part, the spread comes from the median singular value and the law of Marchenko and
 * Pastur (Gavish and Donoho 2014, Section III.E).
 */
import { leastSquares, type LeastSquares } from './least-squares.ts';
import type { RecoveryData } from './problem.ts';

/** What {@link estimateRank} found. */
export interface RankEstimate {
  /** Components that stand out of the noise, from 0. */
  readonly rank: number;
  /** Standard deviation of the noise in one entry of Y. */
  readonly noise: number;
  /** The singular value below which a component counts as noise. */
  readonly threshold: number;
  /** Of the part of Y that X explains, falling. */
  readonly singularValues: Float64Array;
}

/**
 * The rank of the channel between X and Y, for noise that is independent and of the same size in every entry.
 *
 * @throws ArgumentError for shapes that do not fit; NonFiniteError for NaN or infinity.
 *
 * @example
 * const { rank } = estimateRank(recoveryProblem({ seed: 1, snr: 3 })); // 10
 */
export function estimateRank(data: RecoveryData): RankEstimate {
  return rankOf(leastSquares('estimateRank', data));
}

/** 99.9 % of the Tracy–Widom law of order 1. */
const TRACY_WIDOM = 3.2724;

/** {@link estimateRank} of a problem that is reduced already. */
export function rankOf({ n, m, s, tau, outside }: LeastSquares): RankEstimate {
  const rho = s.length;
  const [few, many] = [Math.min(rho, m), Math.max(rho, m)];
  const spare = (n - rho) * m;
  const noise =
    spare >= 10 * few
      ? Math.sqrt(outside / spare)
      : tau[Math.floor((few - 1) / 2)]! / Math.sqrt(many * marchenkoPasturMedian(few / many));
  const [a, b] = [Math.sqrt(many - 1 || 1), Math.sqrt(few)];
  const edge = (a + b) ** 2 + TRACY_WIDOM * (a + b) * Math.cbrt(1 / a + 1 / b);
  const rounding = Math.max(n, m) * Number.EPSILON * tau[0]!;
  const threshold = Math.max(noise * Math.sqrt(edge), rounding);
  return { rank: tau.filter((value) => value > threshold).length, noise, threshold, singularValues: tau };
}

/** Median of the eigenvalues of a noise covariance with aspect ratio β in (0, 1], by bisection on the law's integral. */
function marchenkoPasturMedian(beta: number): number {
  const [low, high] = [(1 - Math.sqrt(beta)) ** 2, (1 + Math.sqrt(beta)) ** 2];
  // x = low + (high − low) sin²(θ): the density's square-root ends become smooth
  const mass = (until: number): number => {
    const steps = 400;
    let sum = 0;
    for (let i = 0; i < steps; i++) {
      const theta = ((i + 0.5) / steps) * until;
      const x = low + (high - low) * Math.sin(theta) ** 2;
      sum += ((high - low) ** 2 * Math.sin(2 * theta) ** 2) / (4 * Math.PI * beta * x);
    }
    return (sum * until) / steps;
  };
  let [from, to] = [0, Math.PI / 2];
  for (let i = 0; i < 50; i++) {
    const middle = (from + to) / 2;
    if (mass(middle) < 0.5) from = middle;
    else to = middle;
  }
  return low + (high - low) * Math.sin(from) ** 2;
}
