/** Bytes between the coordinator and the workers, counted where messages are made, whatever rank a worker is on. */

/** What one worker moved in one round. */
export interface RoundBytes {
  /** The mask's seed, 4 (d bits for greedy masks). */
  readonly mask: number;
  /** Values to the worker. */
  readonly down: number;
  /** Values from the worker. */
  readonly up: number;
}

/** All rounds so far. */
export interface ByteLedger {
  /** Sum over rounds and workers. */
  readonly total: number;
  /** Bytes that told workers their masks. */
  readonly mask: number;
  /** Bytes of the iterate, from the server to the workers. */
  readonly down: number;
  /** Bytes of the updates, from the workers to the server. */
  readonly up: number;
  /** `[rounds][workers]`. */
  readonly rounds: readonly (readonly RoundBytes[])[];
}

/** Sums up. */
export function byteLedger(rounds: readonly (readonly RoundBytes[])[]): ByteLedger {
  const sum = { mask: 0, down: 0, up: 0 };
  for (const round of rounds) {
    for (const { mask, down, up } of round) {
      sum.mask += mask;
      sum.down += down;
      sum.up += up;
    }
  }
  return { ...sum, total: sum.mask + sum.down + sum.up, rounds };
}
