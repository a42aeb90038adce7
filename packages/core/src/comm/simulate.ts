/**
 * Ranks on a virtual clock. A message of n bytes takes α + β·n; collective operations cost what their usual algorithms do (Thakur,
 * Rabenseifner and Gropp 2005): the ring for allReduce, reduceScatter and allGather, trees for broadcast, reduce and barrier, direct
 * messages for the rest. Computing takes the time that the ranks say. Everything else takes none, so that figures for any number of
 * ranks are exact and the same on every machine.
 *
 * Deviations: groups do not contend for the links; a rank's calls to one group run one after the other.
 */
import { ArgumentError } from '../errors.ts';
import type { Call, Carrier } from './carrier.ts';
import { allocate, typeOf } from './check.ts';
import { combineCalls } from './combine-calls.ts';
import { CommError } from './comm-error.ts';
import type { CommArray, Communicator } from './communicator.ts';
import { communicatorOf } from './front.ts';
import { divergedMessage, findDivergence, headerOf, OPERATIONS, type HeaderRow } from './headers.ts';
import { VirtualClock } from './virtual-clock.ts';

/** Options of {@link simulate}. */
export interface SimulateOptions {
  /** Latency of a message, in seconds, ≥ 0. Default 5e-5: Ethernet with TCP. */
  readonly alpha?: number;
  /** Seconds for each byte, ≥ 0. Default 8e-9: 1 Gbit/s. */
  readonly beta?: number;
}

/** A rank's communicator, and its clock. */
export interface SimulatedRank {
  /** The rank's communicator. */
  readonly comm: Communicator;
  /** Seconds since the start. */
  now(): number;
  /** Computes for so many seconds, while calls that were not awaited go on. */
  compute(seconds: number): Promise<void>;
}

/** What came of it. */
export interface Simulation<R> {
  /** What the ranks returned. */
  readonly results: readonly R[];
  /** When the last rank was done, in seconds. */
  readonly seconds: number;
  /** When each rank was done. */
  readonly ends: readonly number[];
}

/**
 * Runs `work` as n ranks on a virtual clock, in this thread.
 *
 * @param n Ranks, ≥ 1.
 * @throws CommError that names a rank if ranks diverge or wait for one another; what a rank throws.
 *
 * @example
 * // how much of a reduction hides behind computing?
 * const { seconds } = await simulate(8, async ({ comm, compute }) => {
 *   const reduced = comm.allReduce(new Float32Array(2 ** 21));
 *   await compute(0.1);
 *   await reduced;
 * });
 */
export async function simulate<R>(
  n: number,
  work: (rank: SimulatedRank) => R | Promise<R>,
  { alpha = 5e-5, beta = 8e-9 }: SimulateOptions = {},
): Promise<Simulation<R>> {
  if (!(Number.isInteger(n) && n >= 1))
    throw new ArgumentError(`simulate: n must be an integer ≥ 1, got ${n}.`);
  for (const [name, value] of Object.entries({ alpha, beta }))
    if (!(value >= 0 && value < Infinity))
      throw new ArgumentError(`simulate: ${name} must be finite and ≥ 0 seconds, got ${value}.`);
  const clock = new VirtualClock();
  const members = Array.from({ length: n }, (_, rank) => rank);
  const world = new Hub(clock, { alpha, beta }, members);
  const ends: number[] = [];
  const compute = async (seconds: number): Promise<void> => {
    if (!(seconds >= 0 && seconds < Infinity))
      throw new ArgumentError(`compute: seconds must be finite and ≥ 0, got ${seconds}.`);
    await clock.after(seconds);
  };
  const running = members.map(async (rank) => {
    try {
      const comm = communicatorOf(new SimulatedCarrier(world, rank));
      const result = await work({ comm, now: () => clock.now, compute });
      ends[rank] = clock.now;
      return result;
    } catch (error) {
      if (!(error instanceof CommError))
        clock.fail(
          new CommError(
            'rank-lost',
            `comm: every rank must live until all are done, but rank ${rank} threw ${String(error)}`,
            {
              rank,
              cause: error,
            },
          ),
        );
      throw error;
    }
  });
  const settled = Promise.allSettled(running);
  await clock.run(settled, () => world.stuck());
  const outcomes = await settled;
  const failures = outcomes
    .filter((outcome) => outcome.status === 'rejected')
    .map(({ reason }) => reason as Error);
  const [failure] = [...failures.filter((error) => !(error instanceof CommError)), ...failures];
  if (failure) throw failure;
  const results = outcomes.map((outcome) => (outcome as PromiseFulfilledResult<R>).value);
  return { results, seconds: Math.max(...ends), ends };
}

interface Arrival {
  readonly row: HeaderRow;
  readonly call: Call | undefined;
  readonly done: () => void;
  readonly fail: (error: Error) => void;
}

interface Letter {
  readonly x: CommArray;
  readonly arrives: Promise<void>;
}

/** Where the ranks of a group meet. */
class Hub {
  readonly clock: VirtualClock;
  readonly network: Required<SimulateOptions>;
  readonly members: readonly number[];
  readonly children = new Map<string, Hub>();
  readonly letters = new Map<string, Letter[]>();
  readonly readers = new Map<string, ((letter: Letter) => void)[]>();
  #arrived = new Map<number, Arrival>();
  rows: readonly HeaderRow[] = [];
  calls = 0;

  constructor(clock: VirtualClock, network: Required<SimulateOptions>, members: readonly number[]) {
    [this.clock, this.network, this.members] = [clock, network, members];
  }

  /** Resolves when all have come and the operation has taken its time. */
  meet(rank: number, header: Partial<HeaderRow>, call?: Call): Promise<void> {
    return this.clock.wait((done, fail) => {
      const nothing = {
        operation: 0,
        type: 0,
        op: 0,
        root: 0,
        sendLength: 0,
        receiveLength: 0,
        color: 0,
        key: 0,
      };
      this.#arrived.set(rank, { row: { ...nothing, ...header }, call, done, fail });
      if (this.#arrived.size === this.members.length) this.#go();
    });
  }

  #go(): void {
    const arrivals = this.members.map((_, rank) => this.#arrived.get(rank)!);
    this.#arrived = new Map();
    this.calls += 1;
    this.rows = arrivals.map(({ row }) => row);
    const calls = arrivals.flatMap(({ call }) => call ?? []);
    const found = findDivergence(this.rows, (from, to, expected) =>
      expected ? calls[to]!.receive[from]!.length : calls[from]!.send[to]!.length,
    );
    if (found) {
      const rank = this.members[found.rank]!;
      this.clock.fail(new CommError('rank-diverged', divergedMessage(this.calls, rank, found.how), { rank }));
      return;
    }
    if (calls.length > 0) combineCalls(calls);
    const seconds = calls.length > 0 ? costOf(calls, this.network) : 0;
    void this.clock.after(seconds).then(() => {
      for (const { done } of arrivals) done();
    });
  }

  /** Who keeps the others waiting, once nothing moves any more. */
  stuck(): CommError {
    const hubs = [this as Hub, ...this.children.values()];
    const hub = hubs.find((one) => one.#arrived.size > 0) ?? this;
    const [arrival] = hub.#arrived.values();
    const name = arrival ? OPERATIONS[arrival.row.operation]! : 'recv';
    const late = hub.members.filter((_, rank) => !hub.#arrived.has(rank));
    const rank = late[0] ?? 0;
    return new CommError(
      'rank-silent',
      `${name} (call ${hub.calls + 1}): every rank must come, but rank ${late.join(' and ')} never does. Look for a call that only some ranks make.`,
      { rank },
    );
  }
}

/** Seconds that an operation takes once all have come. */
function costOf(calls: readonly Call[], { alpha, beta }: Required<SimulateOptions>): number {
  const n = calls.length;
  const bytes = (arrays: readonly CommArray[]): number => arrays.reduce((sum, x) => sum + x.byteLength, 0);
  const [{ operation, root, send, receive }] = calls as readonly [Call];
  const given = calls.map((call) => bytes(call.send));
  const total = given.reduce((sum, x) => sum + x, 0);
  const rounds = Math.ceil(Math.log2(n));
  const direct = (most: number): number => (n - 1) * alpha + beta * most;
  const ring = (whole: number): number => direct(((n - 1) / n) * whole);
  if (operation === 'barrier') return rounds * alpha;
  if (operation === 'allReduce') return 2 * ring(bytes(send));
  if (operation === 'reduceScatter') return ring(bytes(send));
  if (operation === 'allGather') return ring(bytes(receive));
  if (operation === 'reduce' || operation === 'broadcast') return rounds * (alpha + beta * given[root]!);
  if (operation === 'gather') return direct(total - given[root]!);
  if (operation === 'scatter') return direct(given[root]! - bytes(calls[root]!.receive));
  return direct(Math.max(...calls.map((call, rank) => given[rank]! - call.send[rank]!.byteLength)));
}

class SimulatedCarrier implements Carrier {
  readonly transport = 'simulate';
  readonly rank: number;
  readonly size: number;
  readonly #hub: Hub;

  constructor(hub: Hub, rank: number) {
    [this.#hub, this.rank, this.size] = [hub, rank, hub.members.length];
  }

  alloc: Carrier['alloc'] = (type, length) => allocate('alloc', type, length);
  free(): void {
    // an ordinary array, which the garbage collector takes
  }

  collective(call: Call): Promise<void> {
    return this.#hub.meet(this.rank, headerOf(call), call);
  }

  async send(x: CommArray, to: number, tag: number): Promise<void> {
    const { clock, network, letters, readers } = this.#hub;
    const key = `${this.rank} ${to} ${tag}`;
    const seconds = to === this.rank ? 0 : network.alpha + network.beta * x.byteLength;
    const letter = { x: x.slice(), arrives: clock.after(seconds) };
    const reader = readers.get(key)?.shift();
    if (reader) reader(letter);
    else letters.set(key, [...(letters.get(key) ?? []), letter]);
  }

  async recv(x: CommArray, from: number, tag: number): Promise<void> {
    const { clock, letters, readers, members } = this.#hub;
    const key = `${from} ${this.rank} ${tag}`;
    const waiting = letters.get(key)?.shift();
    const letter =
      waiting ??
      (await clock.wait<Letter>((done) => readers.set(key, [...(readers.get(key) ?? []), done]))); // prettier-ignore
    await letter.arrives;
    if (typeOf(letter.x) !== typeOf(x) || letter.x.length !== x.length) {
      const rank = members[from]!;
      const error = new CommError(
        'rank-diverged',
        `comm: what is received must be what was sent, but rank ${rank} sent ${typeOf(letter.x)} × ${letter.x.length} and rank ${members[this.rank]!} expects ${typeOf(x)} × ${x.length}.`,
        { rank },
      );
      clock.fail(error);
      throw error;
    }
    x.set(letter.x);
  }

  async split(color: number | undefined, key: number): Promise<Carrier | undefined> {
    const hub = this.#hub;
    await hub.meet(this.rank, {
      operation: OPERATIONS.indexOf('split'),
      color: color === undefined ? 0 : color + 1,
      key,
    });
    if (color === undefined) return undefined;
    const { rows } = hub;
    const ranks = [...rows.keys()]
      .filter((rank) => rows[rank]!.color === color + 1)
      .sort((a, b) => rows[a]!.key - rows[b]!.key || a - b);
    const name = `${hub.calls} ${color}`;
    const members = ranks.map((rank) => hub.members[rank]!);
    const child = hub.children.get(name) ?? new Hub(hub.clock, hub.network, members);
    hub.children.set(name, child);
    return new SimulatedCarrier(child, ranks.indexOf(this.rank));
  }

  close(): Promise<void> {
    return this.#hub.meet(this.rank, { operation: OPERATIONS.indexOf('close') });
  }
}
