/**
 * The gradient of a global batch, reduced over the data ranks in buckets that start while the backward pass goes on.
 *
 * Source: Rajbhandari et al. 2020, "ZeRO", section 5; Li et al. 2020, "PyTorch distributed", section 3.2.3 for the buckets.
 * Stage 0 reduces to all ranks, stage 1 each part to its owner; from stage 2 on only the owner keeps it, so that every micro-batch is
 * reduced by itself. Sums are in the order of the micro-batches within a rank and of the ranks; with stages 2 and 3 first over the
 * ranks, then over the micro-batches. Elements of a bucket do not meet, so that its borders change no bit.
 */
import type { Communicator } from '@ockham/core/comm';
import { shareOfRank, type FlatLayout } from './flat-layout.ts';
import { byOwner, type Range } from './shares.ts';

/** Which states a rank has a share of only: none, the optimizer's, also the gradients, also the parameters. */
export type ZeroStage = 0 | 1 | 2 | 3;

/** Sizes of buckets, in elements. */
export interface BucketSizes {
  /** A bucket is reduced once it has so many. */
  readonly least: number;
  /** What one call of {@link GradientStore.add} brings at most. */
  readonly most: number;
}

/** See the file's header. It is filled from the end of the flat vector to its begin, for each micro-batch. */
export class GradientStore {
  readonly #comm: Communicator;
  readonly #layout: FlatLayout;
  readonly #zero: ZeroStage;
  readonly #least: number;
  /** `[padded]`, or the share from stage 2 on. */
  readonly #kept: Float32Array;
  /** Of the stages from 2 on: they take turns, one filled while the other is reduced. */
  readonly #buffers: readonly { readonly values: Float32Array; free: Promise<unknown> }[];
  readonly #own: Range;
  #turn = 0;
  #pending: Promise<unknown>[] = [];
  /** What is filled and not being reduced yet. */
  #filled: Range = { begin: 0, end: 0 };
  /** Where the micro-batch's part of the flat vector begins. */
  #lowest = 0;
  #first = true;
  #last = true;

  private constructor(
    comm: Communicator,
    layout: FlatLayout,
    zero: ZeroStage,
    least: number,
    kept: Float32Array,
    buffers: readonly Float32Array[],
  ) {
    [this.#comm, this.#layout, this.#zero, this.#least, this.#kept] = [comm, layout, zero, least, kept];
    this.#buffers = buffers.map((values) => ({ values, free: Promise.resolve() }));
    const [begin, end] = zero === 0 ? [0, layout.padded] : shareOfRank(layout, comm.rank);
    this.#own = { begin, end };
  }

  /** Collective. */
  static async create(
    comm: Communicator,
    layout: FlatLayout,
    zero: ZeroStage,
    sizes: BucketSizes,
  ): Promise<GradientStore> {
    const kept = await comm.alloc('float32', zero >= 2 ? layout.padded / layout.ranks : layout.padded);
    const buffers: Float32Array[] = [];
    const length = bucketLength(layout, sizes);
    if (zero >= 2) for (let i = 0; i < 2; i++) buffers.push(await comm.alloc('float32', length));
    return new GradientStore(comm, layout, zero, sizes.least, kept, buffers);
  }

  /** Of what lasts. */
  get bytes(): number {
    return this.#kept.byteLength;
  }

  /** Of the buffers that buckets are reduced in. */
  get bufferBytes(): number {
    return this.#buffers.reduce((sum, { values }) => sum + values.byteLength, 0);
  }

  /**
   * Begins a micro-batch, the first or last one of an update or neither.
   *
   * @param range What of the flat vector it brings, from the end to the begin. Default all.
   */
  begin(first: boolean, last: boolean, range: Range = { begin: 0, end: this.#layout.padded }): void {
    [this.#first, this.#last, this.#lowest] = [first, last, range.begin];
    this.#filled = { begin: range.end, end: range.end };
  }

  /**
   * Adds the gradients of a block, whose range must lie just before that of the call before, and starts to reduce what is complete.
   * Collective.
   *
   * @param parts Values, and where in the flat vector they begin; where there are none, the gradient is 0.
   */
  async add(
    { begin }: Range,
    parts: readonly { readonly at: number; readonly values: Float32Array }[],
  ): Promise<void> {
    const buffer = this.#buffers[this.#turn % 2];
    if (buffer) await buffer.free;
    const into = buffer?.values ?? this.#kept;
    const offset = buffer ? this.#filled.end - into.length : 0; // a bucket grows down from its buffer's end
    if (this.#first || buffer) into.fill(0, begin - offset, this.#filled.begin - offset);
    for (const { at, values } of parts)
      for (let i = 0, to = at - offset; i < values.length; i++, to++) into[to] = into[to]! + values[i]!;
    const { end } = this.#filled;
    this.#filled = { begin, end };
    if (!buffer && !this.#last) return;
    const border = nextBorder(this.#layout, this.#zero, { begin, end }, { least: this.#least, lowest: this.#lowest }); // prettier-ignore
    if (border === undefined) return;
    const done = this.#reduce(into.subarray(border - offset, end - offset), { begin: border, end });
    done.catch(() => undefined); // whoever awaits it gets the error
    this.#pending.push(done);
    if (buffer) buffer.free = done;
    this.#turn += 1;
    this.#filled = { begin, end: border };
  }

  async #reduce(values: Float32Array, { begin, end }: Range): Promise<void> {
    if (this.#zero === 0) {
      await this.#comm.allReduce(values);
      return;
    }
    const first = this.#first;
    const parts = byOwner(this.#layout, { begin, end }).map(async (part) => {
      const own = values.subarray(part.begin - begin, part.end - begin);
      await this.#comm.reduce(own, 'sum', { root: part.owner });
      if (this.#zero < 2 || part.owner !== this.#comm.rank) return;
      const at = part.begin - this.#own.begin;
      for (let i = 0; i < own.length; i++)
        this.#kept[at + i] = first ? own[i]! : this.#kept[at + i]! + own[i]!;
    });
    await Promise.all(parts);
  }

  /** Waits for all reductions. The sum over micro-batches and ranks: all of it, or this rank's share from stage 1 on. */
  async sum(): Promise<Float32Array> {
    await Promise.all(this.#pending.splice(0));
    const { begin, end } = this.#own;
    return this.#zero === 1 ? this.#kept.subarray(begin, end) : this.#kept;
  }

  /** Waits until nothing is under way, whatever became of it. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#pending.splice(0));
  }

  /** Collective. */
  async free(): Promise<void> {
    for (const { values } of this.#buffers) await this.#comm.free(values);
    await this.#comm.free(this.#kept);
  }
}

/** Where the bucket begins that is reduced once [begin, end) is filled; undefined while it still grows. */
export function nextBorder(
  { ranks }: FlatLayout,
  zero: ZeroStage,
  { begin, end }: Range,
  { least, lowest }: { readonly least: number; readonly lowest: number },
): number | undefined {
  const complete = begin === lowest;
  // of an allReduce, where all ranks have equal parts
  const border = zero === 0 && !complete ? Math.ceil(begin / ranks) * ranks : begin;
  return end <= border || (end - border < least && !complete) ? undefined : border;
}

/** Elements of a bucket's buffer. */
export function bucketLength({ padded }: FlatLayout, { least, most }: BucketSizes): number {
  return Math.min(padded, least + most);
}
