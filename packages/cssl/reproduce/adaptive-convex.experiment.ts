import { Random } from '@ockham/core/random';
import { minimise, type MinimiseRecord, type SmoothFunction } from '@ockham/cssl';
import { claim, experiment, inEveryRow, lineOverSeeds, type Row } from '@ockham/reproduce';

interface Config {
  readonly size: number;
  readonly iterations: number;
}

interface ConvexRow extends Row {
  readonly problem: 'least squares' | 'logistic';
  readonly form: 'Malitsky–Mishchenko' | 'printed';
  /** k of the bound. */
  readonly iteration: number;
  /** f(x̂ₖ) − f*, at the weighted mean of the iterates, and its bound D / (2 Sₖ). */
  readonly gap: number;
  readonly bound: number;
  /** Share of steps so far that the cap decided. */
  readonly capped: number;
  /** The least cap so far. */
  readonly leastCap: number;
}

const forms = { 'Malitsky–Mishchenko': 'malitsky-mishchenko', printed: 'printed' } as const;

export default experiment<Config, ConvexRow, never>({
  id: 'cssl/adaptive-convex',
  paper: 'Algorithm 2 on convex problems: the bound of Malitsky and Mishchenko, and the printed cap',
  datasets: [],
  scales: {
    smoke: { seeds: 2, config: { size: 10, iterations: 200 } },
    standard: { seeds: 5, config: { size: 20, iterations: 2_000 } },
    paper: { seeds: 20, config: { size: 50, iterations: 10_000 } },
  },
  why: { size: 'unknowns; five times as many equations', iterations: 'far beyond the first phase' },
  differences: [
    'The bound is Theorem 1 of Malitsky and Mishchenko 2020: f(x̂ₖ) − f* ≤ D / (2 Sₖ) with Sₖ = Σ λᵢ + λ₁θ₁, D = ‖x₁ − x*‖² + ½‖x₁ − x₀‖² + 2λ₁θ₁(f(x₀) − f*), at the mean x̂ₖ that the theorem names. The paper cites the algorithm and prints the rate of gradient descent.',
    'x* and f* are those of the same method after twenty times as many iterations.',
  ],
  run: ({ config, seed }) =>
    (['least squares', 'logistic'] as const).flatMap((problem) => {
      const f = problemOf(problem, config.size, seed);
      const start = new Float64Array(config.size);
      const { x: solution, value: least } = minimise(f, start, { iterations: 20 * config.iterations });
      return (Object.keys(forms) as (keyof typeof forms)[]).flatMap((form) =>
        traceOf(f, start, { solution, least }, forms[form], config.iterations).map((point) => ({
          seed,
          problem,
          form,
          ...point,
        })),
      );
    }),
  claims: [
    claim('the step meets the bound at every recorded iteration', {
      paper: 'our bar; Malitsky and Mishchenko 2020, Theorem 1',
      decidedFrom: 'smoke',
      measure: (rows) =>
        inEveryRow(
          rows.filter((row) => row.form === 'Malitsky–Mishchenko'),
          (row) => row.gap <= row.bound * (1 + 1e-9) + 1e-12,
        ),
    }),
    claim('the printed cap is always ≥ 1', {
      paper: 'errata: √(1 + θη) in place of √(1 + θ)·η',
      decidedFrom: 'smoke',
      measure: (rows) =>
        inEveryRow(
          rows.filter((row) => row.form === 'printed'),
          (row) => row.leastCap >= 1,
        ),
    }),
    claim('where 1/(2L) is below 1, the printed cap never binds (least squares)', {
      paper: 'errata',
      decidedFrom: 'smoke',
      measure: (rows) => {
        const end = Math.max(...rows.map((row) => row.iteration));
        return inEveryRow(
          rows.filter(
            (row) => row.form === 'printed' && row.problem === 'least squares' && row.iteration === end,
          ),
          (row) => row.capped === 0,
        );
      },
    }),
  ],
  plot: (rows) =>
    lineOverSeeds(
      rows
        .filter((row) => row.form === 'Malitsky–Mishchenko')
        .flatMap((row) => [
          {
            seed: row.seed,
            problem: row.problem,
            iteration: row.iteration,
            line: 'gap',
            value: Math.max(row.gap, 1e-16),
          },
          { seed: row.seed, problem: row.problem, iteration: row.iteration, line: 'bound', value: row.bound },
        ]),
      {
        title: 'Adaptive gradient descent on convex problems',
        x: { field: 'iteration', title: 'iterations', scale: 'log' },
        y: { field: 'value', title: 'f − f*', scale: 'log', format: '.0e' },
        series: 'line',
        facet: 'problem',
      },
    ),
});

/** Least squares or logistic regression with columns of unequal scale. */
function problemOf(problem: ConvexRow['problem'], size: number, seed: number): SmoothFunction {
  const random = new Random(seed).stream(problem);
  const rows = 5 * size;
  const A = Float64Array.from(
    { length: rows * size },
    (_, i) => random.normal() * 10 ** (-(i % size) / size),
  );
  const b = Float64Array.from({ length: rows }, () =>
    problem === 'logistic' ? Math.sign(random.normal()) : random.normal(),
  );
  return (x, gradient) => {
    gradient.fill(0);
    let value = 0;
    for (let r = 0; r < rows; r++) {
      let product = 0;
      for (let c = 0; c < size; c++) product += A[r * size + c]! * x[c]!;
      let slope: number;
      if (problem === 'logistic') {
        const margin = b[r]! * product;
        value += Math.log1p(Math.exp(-Math.abs(margin))) + Math.max(0, -margin);
        slope = -b[r]! / (1 + Math.exp(margin));
      } else {
        slope = product - b[r]!;
        value += slope ** 2 / 2;
      }
      for (let c = 0; c < size; c++) gradient[c]! += slope * A[r * size + c]!;
    }
    return value;
  };
}

/** The weighted mean of the iterates and its bound at iterations 1, 2, 5, 10, … */
function traceOf(
  f: SmoothFunction,
  start: Float64Array,
  { solution, least }: { solution: Float64Array; least: number },
  form: 'malitsky-mishchenko' | 'printed',
  iterations: number,
): Omit<ConvexRow, 'seed' | 'problem' | 'form'>[] {
  const points: Omit<ConvexRow, 'seed' | 'problem' | 'form'>[] = [];
  const unused = new Float64Array(start.length);
  const weighted = new Float64Array(start.length); // Σ wᵢ xᵢ over i < k
  let previous: { x: Float64Array; lambda: number; theta: number } | undefined;
  let steps = 0; // Σ λᵢ
  let first = 0; // λ₁θ₁
  let D = 0;
  let value0 = 0;
  let capped = 0;
  let leastCap = Infinity;
  const onIteration = ({ iteration: k, x, value, eta, adaptive }: MinimiseRecord) => {
    if (k === 0) {
      value0 = value;
      return;
    }
    const { theta, cap, bound } = adaptive!;
    if (k === 1) {
      first = eta * theta;
      D = squaredDistance(x, solution) + squaredDistance(x, start) / 2 + 2 * first * (value0 - least);
    }
    if (previous) {
      const weight = previous.lambda * (1 + previous.theta) - eta * theta;
      for (let i = 0; i < x.length; i++) weighted[i]! += weight * previous.x[i]!;
    }
    previous = { x: x.slice(), lambda: eta, theta };
    steps += eta;
    if (bound === 'cap') capped++;
    leastCap = Math.min(leastCap, cap);
    if (!/^[125]0*$/.test(`${k}`)) return;
    const S = steps + first;
    const mean = weighted.map((sum, i) => (sum + eta * (1 + theta) * x[i]!) / S);
    points.push({
      iteration: k,
      gap: f(mean, unused) - least,
      bound: D / (2 * S),
      capped: capped / k,
      leastCap,
    });
  };
  minimise(f, start, { iterations, step: { rule: 'adaptive', form }, onIteration });
  return points;
}

function squaredDistance(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);
}
