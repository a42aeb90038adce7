/** The barrier and the headers of one group of ranks, and the check that all call the same. */
import { OPS, TYPES } from '../check.ts';
import type { CommError } from '../comm-error.ts';
import type { Call } from '../carrier.ts';
import type { SharedJob } from './job.ts';
import { CALLS, HEADER, HEADER_WORDS, layoutOf, WAITS_IN, type GroupLayout } from './layout.ts';
import type { Steps } from './wait.ts';

/** What a group does together, by the number in the headers. */
export const OPERATIONS = [
  'none',
  'allReduce',
  'reduce',
  'reduceScatter',
  'allGather',
  'gather',
  'scatter',
  'broadcast',
  'allToAll',
  'barrier',
  'split',
  'close',
] as const;
export type GroupOperation = (typeof OPERATIONS)[number];

export type Header = Partial<Record<keyof typeof HEADER, number>>;

/** The calls in which all ranks give arrays of one length. */
const ALIKE: readonly GroupOperation[] = ['allReduce', 'reduce', 'reduceScatter', 'broadcast'];

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

  begin(operation: GroupOperation, header: Header): void {
    this.#calls += 1;
    const at = this.#headerAt(this.rank);
    this.job.words.fill(0, at, at + HEADER_WORDS - 1);
    for (const field of Object.keys(header) as (keyof typeof HEADER)[]) this.setHeader(field, header[field]!);
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
    const calls = this.members.map((_, rank) => this.#describe(rank));
    const [first] = calls;
    if (calls.every((call) => call === first)) return this.#verifyLengths();
    const count = (call: string): number => calls.filter((other) => other === call).length;
    const most = calls.reduce((best, call) => (count(call) > count(best) ? call : best));
    const astray = calls.findIndex((call) => call !== most);
    throw this.#diverged(astray, `called ${calls[astray]!}, the others ${most}`);
  }

  #describe(rank: number): string {
    const name = OPERATIONS[this.header(rank, 'operation')]!;
    if (name === 'barrier' || name === 'split' || name === 'close') return name;
    const parts: string[] = [TYPES[this.header(rank, 'type')]!];
    if (ALIKE.includes(name))
      parts[0] += ` × ${this.header(rank, 'sendLength') || this.header(rank, 'receiveLength')}`;
    if (name === 'allReduce' || name === 'reduce' || name === 'reduceScatter')
      parts.push(OPS[this.header(rank, 'op')]!);
    if (name === 'reduce' || name === 'gather' || name === 'scatter' || name === 'broadcast')
      parts.push(`root ${this.header(rank, 'root')}`);
    return `${name}(${parts.join(', ')})`;
  }

  #verifyLengths(): void {
    const name = OPERATIONS[this.header(0, 'operation')]!;
    const root = this.header(0, 'root');
    const [given, got] = [this.headers('sendLength'), this.headers('receiveLength')];
    const sum = (lengths: readonly number[]): number => lengths.reduce((total, length) => total + length, 0);
    const refuse = (rank: number, has: number, needs: number): void => {
      if (has !== needs)
        throw this.#diverged(
          rank,
          `has room for ${has} numbers in ${name}, but the parts of all ranks are ${needs}`,
        );
    };
    if (name === 'allGather') for (const [rank, length] of got.entries()) refuse(rank, length, sum(given));
    if (name === 'gather') refuse(root, got[root]!, sum(given));
    if (name === 'scatter' && given[root] !== sum(got))
      throw this.#diverged(
        root,
        `scatters ${given[root]} numbers, but the parts of all ranks are ${sum(got)}`,
      );
    if (name !== 'allToAll') return;
    for (let from = 0; from < this.size; from++)
      for (let to = 0; to < this.size; to++) {
        const [sent, expected] = [false, true].map((which) => this.job.words[this.tableAt(from, to, which)]!);
        if (sent !== expected)
          throw this.#diverged(
            from,
            `sends rank ${to} ${sent} numbers in allToAll, which expects ${expected}`,
          );
      }
  }

  #diverged(rank: number, how: string): CommError {
    const job = this.members[rank]!;
    return this.job.fail(
      'rank-diverged',
      job,
      `comm: all ranks must make the same calls, but at call ${this.#calls} rank ${job} ${how}. Look for a branch that only some ranks take.`,
    );
  }
}

/** What the others compare. */
export function headerOf(call: Call): Header {
  const length = (arrays: Call['send']): number => arrays.reduce((sum, x) => sum + x.length, 0);
  return {
    type: TYPES.indexOf(call.type),
    op: OPS.indexOf(call.op),
    root: call.root,
    sendLength: length(call.send),
    receiveLength: length(call.receive),
  };
}
