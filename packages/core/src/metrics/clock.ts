/** How many of its steps a clock must advance for a time to be read off it. */
const STEPS = 20;

/** How often a clock is read in wait for its next step: some 5 ms. */
const READS = 100_000;

/**
 * The step of the machine's clock in milliseconds: well below 0.01 in Node and in pages that are cross-origin isolated, 0.1 or 1 in
 * others. 0 for one that stands still.
 */
export function clockStep(): number {
  let step = Infinity;
  for (let i = 0; i < 5; i++) {
    const start = performance.now();
    let now = start;
    for (let read = 0; read < READS && now === start; read++) now = performance.now();
    if (now === start) return 0;
    step = Math.min(step, now - start);
  }
  return step;
}

/** How often `work` must run for a clock of this step to advance enough: 1 wherever one run takes long enough. */
export function callsToTime(work: () => void, step: number): number {
  const start = performance.now();
  let calls = 0;
  do {
    work();
    calls += 1;
  } while (performance.now() - start < STEPS * step);
  return calls;
}

/** {@link callsToTime} of asynchronous work. */
export async function awaitedCallsToTime(work: () => Promise<void>, step: number): Promise<number> {
  const start = performance.now();
  let calls = 0;
  do {
    await work();
    calls += 1;
  } while (performance.now() - start < STEPS * step);
  return calls;
}
