/** One way of doing the work that a bench compares. A promise is awaited inside the measured time. */
export type Variant = () => void | Promise<void>;

export interface InterleaveOptions {
  /** Measured rounds; each runs every variant once. Default 30. */
  readonly rounds?: number;
  /** Rounds before the first measured one. Default 3: shaders, caches and the JIT settle. */
  readonly warmup?: number;
  /** Milliseconds of rest before each run. Default 0. Threads of another process may spin for a while after their work. */
  readonly pause?: number;
  /** Time in milliseconds. Default `performance.now()`. */
  readonly now?: () => number;
}

/**
 * Times variants against each other in one run. Each round runs them all, in an order that is reversed from round to
 * round, so that a drifting clock rate or a busy neighbour falls on all of them alike.
 *
 * @returns milliseconds per variant, one for each round; `times.a[i]` and `times.b[i]` belong to the same round
 */
export async function interleave<Name extends string>(
  variants: Readonly<Record<Name, Variant>>,
  options: InterleaveOptions = {},
): Promise<Record<Name, number[]>> {
  const { rounds = 30, warmup = 3, pause = 0, now = () => performance.now() } = options;
  const names = Object.keys(variants) as Name[];
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = -warmup; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
      const started = now();
      await variants[name]();
      if (round >= 0) times[name].push(now() - started);
    }
  }
  return times;
}
