/** The barrier and the headers of one group of ranks. */
import {
  divergedMessage,
  findDivergence,
  OPERATIONS,
  type GroupOperation,
  type HeaderRow,
} from '../headers.ts';
import type { SharedJob } from './job.ts';
import { CALLS, HEADER, HEADER_WORDS, layoutOf, WAITS_IN, type GroupLayout } from './layout.ts';
import type { Steps } from './wait.ts';

export class Group {
  readonly job: SharedJob;
  readonly at: number;
  /** The ranks of the job, in the order of the group. */
  readonly members: readonly number[];
  readonly rank: number;
  readonly layout: GroupLayout;
  /** Calls so far. */
  #calls = 0;

  constructor(job: SharedJob, at: number, members: readonly number[]) {
    this.job = job;
    this.at = at;
    this.members = members;
    this.rank = members.indexOf(job.rank);
    this.layout = layoutOf(members.length);
  }

  get size(): number {
    return this.members.length;
  }

  /** What the current call is called in messages. */
  get name(): string {
    return `${OPERATIONS[this.header(this.rank, 'operation')]!} (call ${this.#calls}${this.size < this.job.size ? ` of the group of ranks ${this.members.join(', ')}` : ''})`;
  }

  /** Which of the two sets of headers and tables the current call has. */
  get parity(): number {
    return this.#calls % 2;
  }

  #headerAt(rank: number): number {
    return (this.at + this.layout.headers) / 4 + (this.parity * this.size + rank) * HEADER_WORDS;
  }

  header(rank: number, field: keyof typeof HEADER): number {
    return this.job.words[this.#headerAt(rank) + HEADER[field]]! >>> 0;
  }

  setHeader(field: keyof typeof HEADER, value: number): void {
    this.job.words[this.#headerAt(this.rank) + HEADER[field]] = value;
  }

  /** A field of all headers. */
  headers(field: keyof typeof HEADER): number[] {
    return this.members.map((_, rank) => this.header(rank, field));
  }

  /** Index of the word that says how much `from` sends to `to` in an allToAll, or, `expected`, how much `to` expects. */
  tableAt(from: number, to: number, expected: boolean): number {
    const n = this.size;
    const set = 2 * this.parity + Number(expected);
    return (this.at + this.layout.tables) / 4 + set * n * n + (expected ? to * n + from : from * n + to);
  }

  begin(operation: GroupOperation, header: Partial<HeaderRow>): void {
    this.#calls += 1;
    const at = this.#headerAt(this.rank);
    this.job.words.fill(0, at, at + HEADER_WORDS - 1);
    for (const field of Object.keys(header) as (keyof HeaderRow)[]) this.setHeader(field, header[field]!);
    this.setHeader('operation', OPERATIONS.indexOf(operation));
    Atomics.add(this.job.words, CALLS + this.job.rank, 1);
    Atomics.store(this.job.words, WAITS_IN + this.job.rank, OPERATIONS.indexOf(operation));
  }

  end(): void {
    Atomics.store(this.job.words, WAITS_IN + this.job.rank, 0);
  }

  /** Until all have come. */
  *barrier(): Steps<void> {
    const { words } = this.job;
    const [count, generation] = [this.at / 4 + this.layout.barrier, this.at / 4 + this.layout.barrier + 1];
    const arrived = this.#arrivedAt(this.rank);
    const value = Atomics.load(words, generation);
    Atomics.store(words, arrived, value + 1);
    if (Atomics.add(words, count, 1) + 1 === this.size) {
      Atomics.store(words, count, 0);
      Atomics.store(words, generation, value + 1);
      Atomics.notify(words, generation);
      return;
    }
    while (Atomics.load(words, generation) === value) yield { at: generation, value };
  }

  /** Ranks of the job that have not come to the barrier yet. */
  late(): number[] {
    const { words } = this.job;
    const own = Atomics.load(words, this.#arrivedAt(this.rank));
    return this.members.filter((_, rank) => ((own - Atomics.load(words, this.#arrivedAt(rank))) | 0) > 0);
  }

  /** In the first set of headers, whose last word no field takes. */
  #arrivedAt(rank: number): number {
    return (this.at + this.layout.headers) / 4 + rank * HEADER_WORDS + HEADER_WORDS - 1;
  }

  /** Throws on every rank alike if one calls something else than most. */
  verify(): void {
    if (this.#plainlyAlike()) return;
    const fields = Object.keys(HEADER) as (keyof typeof HEADER)[];
    const rows = this.members.map((_, rank) => {
      return Object.fromEntries(
        fields.map((field) => [field, this.header(rank, field)]),
      ) as unknown as HeaderRow;
    });
    const table = (from: number, to: number, expected: boolean): number =>
      this.job.words[this.tableAt(from, to, expected)]!;
    const found = findDivergence(rows, table);
    if (!found) return;
    const member = this.members[found.rank]!;
    throw this.job.fail('rank-diverged', member, divergedMessage(this.#calls, member, found.how));
  }
  /** Whether the headers of a reduction or a barrier are the same, word for word: most calls, in a fraction of a microsecond. */
  #plainlyAlike(): boolean {
    const { words } = this.job;
    const own = this.#headerAt(this.rank);
    const name = OPERATIONS[words[own]!]!;
    if (name !== 'allReduce' && name !== 'reduceScatter' && name !== 'barrier') return false;
    for (let rank = 0; rank < this.size; rank++) {
      const at = this.#headerAt(rank);
      for (let field = 0; field <= HEADER.sendLength; field++)
        if (words[at + field] !== words[own + field]) return false;
    }
    return true;
  }
}
