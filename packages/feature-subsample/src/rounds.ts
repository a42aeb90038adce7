/**
 * The rounds of any method over a communicator: rank 0 coordinates and works, the others work. Workers are shared out over
 * the ranks; what they answer is handed over in the order of the workers, one by one, so that sums have the same bits
 * whatever the ranks.
 */
import { shareOf, type Communicator } from '@ockham/core/comm';
import { Random } from '@ockham/core/random';
import type { RoundBytes } from './byte-ledger.ts';
import { weighted, type Mask } from './masks/mask.ts';
import type { Context, Coordinator, Method, Worker } from './methods/method.ts';

export interface RoundsOptions {
  readonly comm: Communicator;
  readonly rounds: number;
  readonly seed: number;
  readonly precision: 'float64' | 'float32';
  /** Called at the coordinator after each round, and before the first (−1); true stops. */
  after(k: number, coordinator: Coordinator, bytes: readonly RoundBytes[]): boolean | Promise<boolean>;
}

/** Runs at every rank; resolves to x where rank 0 is, else to nothing. */
export async function runRounds(
  method: Method,
  context: Context,
  options: RoundsOptions,
): Promise<Float64Array | undefined> {
  const { comm } = options;
  const [begin, end] = shareOf(context.workers, comm.rank, comm.size);
  const own = Array.from({ length: end - begin }, (_, i) => method.worker(context, begin + i));
  if (comm.rank > 0) {
    await serve(method, context, options, own, begin);
    return undefined;
  }
  return coordinate(method, context, options, own);
}

const none: Mask = { indices: new Int32Array(0), weights: new Float64Array(0) };

async function coordinate(
  method: Method,
  context: Context,
  { comm, rounds, seed, precision, after }: RoundsOptions,
  own: readonly Worker[],
): Promise<Float64Array> {
  const { workers, masks } = context;
  const coordinator = method.coordinator(context);
  const owners = ownersOf(workers, comm.size);
  const wire = wireOf(precision);
  const random = new Random(seed).stream('masks');
  const helpers =
    own.length < workers
      ? Array.from({ length: workers }, (_, w) => (owners[w] === 0 ? own[w]! : method.worker(context, w)))
      : own;
  let stopped = await after(-1, coordinator, []);
  let k = 0;
  for (; k < rounds && !stopped; k++) {
    const seeds = roundSeeds(random, masks.kind, workers, method.masked);
    const drawn = seeds.map((s, w) => (method.masked ? draw(context, coordinator, s, w) : none));
    const ups: Float64Array[] = [];
    const bytes: RoundBytes[] = [];
    const sent: Promise<unknown>[] = [];
    const local: { w: number; message: Float64Array }[] = [];
    const remote: { w: number; back: Float64Array | Float32Array }[] = [];
    for (let w = 0; w < workers; w++) {
      const message = wire.pack(coordinator.down(k, w, drawn[w]!));
      const told = describe(context, method, seeds[w]!, drawn[w]!);
      const up = helpers[w]!.upLength(k, drawn[w]!);
      bytes.push({ mask: told.byteLength, down: message.byteLength, up: up * wire.bytes });
      if (owners[w] === 0) local.push({ w, message: wire.unpack(message) });
      else {
        const to = owners[w]!;
        sent.push(comm.send(told, to), comm.send(message, to));
        remote.push({ w, back: wire.make(up) });
      }
    }
    for (const { w, message } of local) ups[w] = wire.round(own[w]!.work(k, drawn[w]!, message, seeds[w]!));
    // not before the own work: a receiver blocks its thread a while
    const received = remote.map(async ({ w, back }) => {
      await comm.recv(back, owners[w]!);
      ups[w] = wire.unpack(back);
    });
    await Promise.all([...sent, ...received]);
    coordinator.apply(k, ups, drawn);
    stopped = await after(k, coordinator, bytes);
  }
  // a seed below 0, or a mask of nothing, ends the other ranks; not needed after the last round, which they count too
  if (k < rounds) {
    const last = method.masked && masks.kind === 'greedy' ? new Uint8Array(masks.bytes) : Int32Array.of(-1);
    for (let rank = 1; rank < comm.size; rank++) if (owners.includes(rank)) await comm.send(last, rank);
  }
  return coordinator.x;
}

async function serve(
  method: Method,
  context: Context,
  { comm, rounds, precision }: RoundsOptions,
  own: readonly Worker[],
  begin: number,
): Promise<void> {
  const wire = wireOf(precision);
  const bits = method.masked && context.masks.kind === 'greedy';
  for (let k = 0; k < rounds; k++) {
    for (let i = 0; i < own.length; i++) {
      const told = bits ? new Uint8Array(context.masks.bytes) : new Int32Array(1);
      await comm.recv(told, 0);
      if (bits ? told.every((byte) => byte === 0) : told[0]! < 0) return;
      const seed = bits ? 0 : told[0]!;
      const mask = !method.masked
        ? none
        : bits
          ? weighted(fromBits(told as Uint8Array), context.masks.probabilities)
          : context.masks.draw(seed, begin + i);
      const down = wire.make(own[i]!.downLength(k, mask));
      await comm.recv(down, 0);
      await comm.send(wire.pack(own[i]!.work(k, mask, wire.unpack(down), seed)), 0);
    }
  }
}

function ownersOf(workers: number, size: number): number[] {
  return Array.from({ length: size }, (_, rank) => rank).flatMap((rank) => {
    const [begin, end] = shareOf(workers, rank, size);
    return new Array<number>(end - begin).fill(rank);
  });
}

/** One number for each worker; the workers of disjoint blocks share the round's. */
function roundSeeds(random: Random, kind: string, workers: number, masked: boolean): number[] {
  if (masked && kind === 'blocks') return new Array<number>(workers).fill(random.seed());
  return Array.from({ length: workers }, () => random.seed());
}

function draw(context: Context, coordinator: Coordinator, seed: number, worker: number): Mask {
  const { masks, system } = context;
  if (masks.kind !== 'greedy') return masks.draw(seed, worker);
  const size = Math.round(context.alpha * system.d);
  const g = system.gradient(coordinator.x);
  const order = Int32Array.from(g, (_, i) => i).sort((i, j) => Math.abs(g[j]!) - Math.abs(g[i]!) || i - j);
  return weighted(order.slice(0, size).sort(), masks.probabilities);
}

function describe(context: Context, method: Method, seed: number, mask: Mask): Int32Array | Uint8Array {
  if (!method.masked || context.masks.kind !== 'greedy') return Int32Array.of(seed);
  const bits = new Uint8Array(context.masks.bytes);
  for (const i of mask.indices) bits[i >> 3]! |= 1 << (i & 7);
  return bits;
}

function fromBits(bits: Uint8Array): Int32Array {
  const kept: number[] = [];
  for (let i = 0; i < 8 * bits.length; i++) if (bits[i >> 3]! & (1 << (i & 7))) kept.push(i);
  return Int32Array.from(kept);
}

interface Wire {
  readonly bytes: number;
  make(length: number): Float64Array | Float32Array;
  pack(values: Float64Array): Float64Array | Float32Array;
  unpack(values: Float64Array | Float32Array): Float64Array;
  /** What is left of values after the way there. */
  round(values: Float64Array): Float64Array;
}

function wireOf(precision: 'float64' | 'float32'): Wire {
  if (precision === 'float64') {
    return {
      bytes: 8,
      make: (length) => new Float64Array(length),
      pack: (values) => values.slice(),
      unpack: (values) => values as Float64Array,
      round: (values) => values.slice(),
    };
  }
  return {
    bytes: 4,
    make: (length) => new Float32Array(length),
    pack: (values) => Float32Array.from(values),
    unpack: (values) => Float64Array.from(values),
    round: (values) => Float64Array.from(Float32Array.from(values)),
  };
}
