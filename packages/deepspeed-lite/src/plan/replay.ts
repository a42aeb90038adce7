/** From one micro-batch to an update: who holds what while a stage's micro-batches are in flight. */
import { shareOf } from '@ockham/core/comm';
import type { PipelineStep } from '../pipeline/schedule.ts';
import type { SplitCheckpoints } from '../program/split-inputs.ts';
import type { Message } from '../tensor/stand-in.ts';
import type { Held, PieceRun } from './dry-run.ts';

/** A rank's update. */
export interface Replay {
  /** Most bytes held for backward passes, as the engine looks at them. */
  readonly activations: number;
  /** Most bytes of those, gathered blocks and gradients on their way together. */
  readonly transient: number;
  /** Bytes of the buffer for inputs that are kept in parts. */
  readonly checkpoints: number;
  /** Bytes to other tensor ranks and to other stages. */
  readonly sent: { readonly tensor: number; readonly pipeline: number };
}

/** What is replayed. */
export interface ReplayWork {
  /** Dry runs with one example and with two, piece by piece. */
  readonly runs: readonly [readonly PieceRun[], readonly PieceRun[]];
  readonly steps: readonly PipelineStep[];
  /** Number of the piece that is the stage's c-th. */
  readonly pieceOf: (chunk: number) => number;
  readonly microBatch: number;
  /** Bytes that are gathered for a block. */
  readonly gathered: (block: number) => number;
  readonly tensor: SplitCheckpoints['ranks'];
  /** Whether messages between stages leave the rank. */
  readonly stages: number;
}

/** Replays an update of one stage. */
export function replay(work: ReplayWork): Replay {
  const { runs, steps, pieceOf, microBatch, gathered } = work;
  const grown = (one: number, two: number): number => one + (microBatch - 1) * (two - one);
  const same = constants(runs);
  const flights = [new Flight(same), new Flight(same)] as const;
  const stow = new Stowed(work);
  let [activations, transient, sentTensor, sentPipeline] = [0, 0, 0, 0];
  for (const { kind, microBatch: m, chunk } of steps) {
    const piece = pieceOf(chunk);
    const [one, two] = runs.map((run) => run[piece]!) as [PieceRun, PieceRun];
    for (const [k, { block, held, gradients }] of one[kind].entries()) {
      const other = two[kind][k]!;
      const [a, b] = [flights[0].with(m, piece, held), flights[1].with(m, piece, other.held)];
      activations = Math.max(activations, grown(a, b));
      const more = grown(gradients, other.gradients) + (block < 0 ? 0 : gathered(block));
      transient = Math.max(transient, grown(a, b) + more);
    }
    const forward = kind === 'forward';
    for (const [i, flight] of flights.entries()) flight.leave(m, piece, forward ? runs[i]![piece]!.rest : undefined); // prettier-ignore
    const elements = (of: 'onward' | 'back' | 'stowed'): number[] => one[of].map((size, i) => grown(size, two[of][i]!)); // prettier-ignore
    stow.count(elements('stowed'), forward ? 1 : -1);
    for (const size of elements(forward ? 'onward' : 'back')) sentPipeline += work.stages > 1 ? 32 + 4 * size : 0; // prettier-ignore
    if (!forward)
      for (const [i, message] of one.tensor.entries())
        sentTensor += bytesOf({ ...message, elements: grown(message.elements, two.tensor[i]!.elements) }, work.tensor); // prettier-ignore
  }
  return { activations, transient, checkpoints: stow.bytes, sent: { tensor: sentTensor, pipeline: sentPipeline } }; // prettier-ignore
}

/** Buffers that both dry runs held, whatever the examples: constants of layers, of which there is one for all micro-batches. */
function constants([one, two]: ReplayWork['runs']): ReadonlySet<object> {
  const of = (runs: readonly PieceRun[]): Set<object> =>
    new Set(runs.flatMap(({ forward, rest, backward }) => [rest, ...[...forward, ...backward].map(({ held }) => held)].flatMap((held) => [...held.keys()]))); // prettier-ignore
  const others = of(two);
  return new Set([...of(one)].filter((buffer) => others.has(buffer)));
}

/** What the micro-batches in flight hold. */
class Flight {
  readonly #constants: ReadonlySet<object>;
  readonly #found = new WeakMap<Held, Held>();
  /** By micro-batch, piece by piece. */
  readonly #held = new Map<number, Map<number, Held>>();
  readonly #bytes = new Map<number, number>();

  constructor(buffers: ReadonlySet<object>) {
    this.#constants = buffers;
  }

  /** Bytes with what a piece of a micro-batch holds now. */
  with(m: number, piece: number, held: Held): number {
    const shared = new Map<object, number>();
    let bytes = this.#own([...this.#others(m, piece), held]);
    for (const [other, each] of this.#bytes) if (other !== m) bytes += each;
    for (const pieces of [...this.#held.values(), new Map([[piece, held]])])
      for (const each of pieces.values()) for (const [buffer, size] of this.#constantsIn(each)) shared.set(buffer, size); // prettier-ignore
    for (const size of shared.values()) bytes += size;
    return bytes;
  }

  /** @param rest What it holds from now on. */
  leave(m: number, piece: number, rest: Held | undefined): void {
    const pieces = this.#held.get(m) ?? new Map<number, Held>();
    if (rest) pieces.set(piece, rest);
    else pieces.delete(piece);
    this.#held.set(m, pieces);
    this.#bytes.set(m, this.#own([...pieces.values()]));
  }

  #constantsIn(held: Held): Held {
    const known =
      this.#found.get(held) ?? new Map([...held].filter(([buffer]) => this.#constants.has(buffer)));
    this.#found.set(held, known);
    return known;
  }

  #others(m: number, piece: number): Held[] {
    return [...(this.#held.get(m) ?? [])].flatMap(([other, held]) => (other === piece ? [] : [held]));
  }

  #own(all: readonly Held[]): number {
    const buffers = new Map(all.flatMap((held) => [...held]));
    let bytes = 0;
    for (const [buffer, size] of buffers) if (!this.#constants.has(buffer)) bytes += size;
    return bytes;
  }
}

/** Parts of inputs in use, by length. */
class Stowed {
  readonly #ranks: SplitCheckpoints['ranks'];
  readonly #used = new Map<number, number>();
  readonly #most = new Map<number, number>();

  constructor({ tensor }: ReplayWork) {
    this.#ranks = tensor;
  }

  count(sizes: readonly number[], by: number): void {
    for (const size of sizes) {
      const [begin, end] = shareOf(size, this.#ranks.rank, this.#ranks.size);
      const used = (this.#used.get(end - begin) ?? 0) + by;
      this.#used.set(end - begin, used);
      this.#most.set(end - begin, Math.max(used, this.#most.get(end - begin) ?? 0));
    }
  }

  get bytes(): number {
    return [...this.#most].reduce((sum, [length, count]) => sum + 4 * length * count, 0);
  }
}

/** As the ledger counts them. */
function bytesOf({ operation, elements }: Message, { rank, size }: SplitCheckpoints['ranks']): number {
  if (operation === 'allGather') return 4 * elements * (size - 1);
  const [begin, end] = shareOf(elements, rank, size);
  const own = end - begin;
  return operation === 'gather shares' ? 4 * own * (size - 1) : 4 * (elements - own + own * (size - 1));
}
