/** What is counted. */
export type CommOperation =
  | 'allReduce'
  | 'reduce'
  | 'reduceScatter'
  | 'allGather'
  | 'gather'
  | 'scatter'
  | 'broadcast'
  | 'allToAll'
  | 'send'
  | 'recv'
  | 'barrier';

/** The counts of one operation. */
export interface LedgerEntry {
  /** How often the operation was called. */
  readonly calls: number;
  /** Bytes that left this rank for others. */
  readonly sent: number;
  /** Bytes that this rank had from others. */
  readonly received: number;
}

/**
 * Bytes and calls of one rank, for each operation. What a rank keeps to itself is not counted, so that one rank alone sends nothing.
 *
 * A reduction is counted as its bandwidth-optimal form moves it, on every transport: with n bytes on p ranks, a rank whose share is s
 * sends n − s in a `reduceScatter` and receives (p − 1)·s, and has the same in reverse for the second half of an `allReduce`; in a
 * `reduce` and a `gather` each rank sends its bytes to the root, in a `broadcast` and a `scatter` the root sends each rank its.
 */
export class Ledger {
  readonly #entries = new Map<CommOperation, { -readonly [K in keyof LedgerEntry]: number }>();

  /** Counts calls of an operation, one by default. */
  count(operation: CommOperation, { calls = 1, sent = 0, received = 0 }: Partial<LedgerEntry> = {}): void {
    const entry = this.#entries.get(operation);
    if (!entry) {
      this.#entries.set(operation, { calls, sent, received });
      return;
    }
    entry.calls += calls;
    entry.sent += sent;
    entry.received += received;
  }

  /** The counts of one operation, zeros if it was never called. */
  of(operation: CommOperation): LedgerEntry {
    return { calls: 0, sent: 0, received: 0, ...this.#entries.get(operation) };
  }

  /** The counts of all operations together. */
  total(): LedgerEntry {
    return [...this.#entries.values()].reduce(
      (sum, { calls, sent, received }) => ({
        calls: sum.calls + calls,
        sent: sum.sent + sent,
        received: sum.received + received,
      }),
      { calls: 0, sent: 0, received: 0 },
    );
  }

  /** The counts by operation, as plain data for a result file. */
  toJSON(): Partial<Record<CommOperation, LedgerEntry>> {
    return Object.fromEntries([...this.#entries].map(([operation, entry]) => [operation, { ...entry }]));
  }

  /** Back to zero. */
  reset(): void {
    this.#entries.clear();
  }
}
