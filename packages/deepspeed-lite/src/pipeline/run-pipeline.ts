/**
 * One optimizer step's forward and backward passes on a rank of a pipeline (GPipe, 1F1B or interleaved), with tensor-parallel ranks
 * beside it.
 *
 * Between two pieces of the model travel the values that are made before the cut and read after it, and back the gradients of those
 * that have one, and of variables that are owned before it and used after it (a tied table). So every sum is made in the order in
 * which one rank makes it, and the bits are those of one rank.
 */
import { CommError, type CommArray, type Communicator } from '@ockham/core/comm';
import { flatLayers, type Layer, type LossFunction } from '@ockham/core/training';
import { tensor, zeros, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import type { Value } from '../program/calls.ts';
import type { Program } from '../program/cut-model.ts';
import { MicroBatch, type MicroBatchOptions } from '../program/micro-batch.ts';
import type { RunMode } from '../program/run-block.ts';
import { gatherInputs, stowInputs } from '../program/split-inputs.ts';
import { exchangeBackward, exchangeForward } from '../tensor/exchange.ts';
import type { PipelineStep } from './schedule.ts';

/** What {@link runPipeline} runs. */
export interface PipelineWork {
  /** The model in blocks. */
  readonly program: Program;
  /** Piece k of the model has the blocks [cuts[k], cuts[k + 1]); rank k mod p of the pipeline runs it. */
  readonly cuts: readonly number[];
  /** This rank's steps, of `pipelineSchedule`. */
  readonly steps: readonly PipelineStep[];
  /** The model's inputs and the target of each micro-batch; every rank has them. They stay the caller's. */
  readonly batches: readonly { readonly inputs: readonly Tensor[]; readonly target: Tensor }[];
  /** How each micro-batch runs. */
  readonly mode: (microBatch: number) => RunMode;
  /** Mean loss of a micro-batch. */
  readonly loss: LossFunction;
  /** The ranks of the pipeline, in the order of its stages. */
  readonly pipeline: Communicator;
  /** The ranks that share each layer. */
  readonly tensor: Communicator;
  /** Handed to every micro-batch. */
  readonly options?: MicroBatchOptions;
  /** Gets the gradients of a block's own variables, complete for that micro-batch, and disposes of them. */
  readonly onGradients: (
    block: number,
    microBatch: number,
    gradients: ReadonlyMap<Variable, Tensor>,
  ) => void | Promise<void>;
  /** Sees every block but markers on its way, forward and back. */
  readonly around?: BlockHooks;
}

/** What happens around the passes of a block. */
export interface BlockHooks {
  /** Before a pass; `next` is the block after it in the same pass, −1 at its end. */
  readonly before?: (block: number, next: number) => void | Promise<void>;
  /** After a pass. @param held Bytes by buffer of all micro-batches in flight. */
  readonly after?: (
    block: number,
    held: () => ReadonlyMap<object, number>,
    gradients?: ReadonlyMap<Variable, Tensor>,
  ) => void;
  /** After the loss of a micro-batch. */
  readonly afterLoss?: (held: () => ReadonlyMap<object, number>) => void;
}

/** A term of the loss, by the place that core adds it at. */
export interface LossTerm {
  /** −1 for the loss itself, else the regularised layer's number among the model's. */
  readonly place: number;
  /** What the term adds. */
  readonly value: number;
}

/** Runs this rank's steps. @returns For each micro-batch the terms of the loss that this rank computed. */
export async function runPipeline(work: PipelineWork): Promise<LossTerm[][]> {
  const run = new PipelineRank(work);
  try {
    for (const step of work.steps) {
      if (step.kind === 'forward') await run.forward(step);
      else await run.backward(step);
    }
    await run.settle();
    return run.terms;
  } finally {
    run.dispose();
  }
}

class PipelineRank {
  readonly terms: LossTerm[][];
  readonly #work: PipelineWork;
  readonly #batches = new Map<string, MicroBatch>();
  readonly #shapes = new Map<string, readonly number[]>();
  readonly #sends: Promise<unknown>[] = [];
  readonly #layers: readonly Layer[];

  constructor(work: PipelineWork) {
    this.#work = work;
    this.#layers = flatLayers(work.program.model);
    this.terms = work.batches.map(() => []);
  }

  async forward({ microBatch, chunk }: PipelineStep): Promise<void> {
    const { program, cuts, batches, mode, loss, options, around, tensor: ranks } = this.#work;
    const piece = this.#piece(chunk);
    const [begin, end] = [cuts[piece]!, cuts[piece + 1]!];
    const { inputs, target } = batches[microBatch]!;
    const batch = new MicroBatch(program, inputs, mode(microBatch), options);
    this.#batches.set(`${piece} ${microBatch}`, batch);
    if (piece > 0)
      for (const value of crossing(program, begin)) {
        const x = await this.#receive(piece - 1, this.#tag(piece, 'forward'));
        batch.give(value, x);
        if (program.differentiable.has(value)) this.#shapes.set(`${piece} ${microBatch} ${value}`, x.shape);
        x.dispose();
      }
    for (let i = begin; i < end; i++) {
      const block = program.blocks[i]!;
      if (!block.marker) {
        await around?.before?.(i, this.#next(i, 1, begin, end));
        batch.forward(i);
        await stowInputs(batch, i);
        around?.after?.(i, () => this.#held());
      } else {
        await exchangeForward(batch, block, ranks);
        batch.release(i + 1);
      }
    }
    const terms = this.terms[microBatch]!;
    for (const { layer, term } of batch.takePenalties()) {
      terms.push({ place: this.#layers.indexOf(layer), value: (await term.data())[0]! });
      term.dispose();
    }
    if (end < program.blocks.length) {
      for (const value of crossing(program, end)) await this.#send(batch.value(value), piece + 1, this.#tag(piece + 1, 'forward')); // prettier-ignore
      batch.release(end, true);
    } else {
      const [value] = batch.loss(target, loss);
      around?.afterLoss?.(() => this.#held());
      terms.push({ place: -1, value: (await value!.data())[0]! });
      value!.dispose();
    }
  }

  async backward({ microBatch, chunk }: PipelineStep): Promise<void> {
    const { program, cuts, tensor: ranks, onGradients, around } = this.#work;
    const piece = this.#piece(chunk);
    const [begin, end] = [cuts[piece]!, cuts[piece + 1]!];
    const key = `${piece} ${microBatch}`;
    const batch = this.#batches.get(key)!;
    if (end < program.blocks.length) {
      const tag = this.#tag(piece, 'backward');
      for (const value of crossing(program, end)) {
        if (!program.differentiable.has(value)) continue;
        const gradient = await this.#receive(piece + 1, tag);
        batch.giveGradient(value, gradient);
        gradient.dispose();
      }
      for (const variable of sharedAcross(program, end)) {
        const gradient = await this.#receive(piece + 1, tag);
        batch.giveSharedGradient(variable, gradient);
        gradient.dispose();
      }
    }
    batch.backwardLoss(); // the last block may be a marker
    for (let i = end - 1; i >= begin; i--) {
      const block = program.blocks[i]!;
      if (block.marker) {
        await exchangeBackward(batch, block, ranks);
        continue;
      }
      await around?.before?.(i, this.#next(i, -1, begin, end));
      await gatherInputs(batch, i, ranks);
      const gradients = batch.backward(i);
      around?.after?.(i, () => this.#held(), gradients);
      await onGradients(i, microBatch, gradients);
    }
    if (piece > 0) {
      const tag = this.#tag(piece - 1, 'backward');
      for (const value of crossing(program, begin)) {
        if (!program.differentiable.has(value)) continue;
        await this.#sendOrZeros(batch.gradient(value), this.#shapes.get(`${key} ${value}`)!, piece - 1, tag);
        this.#shapes.delete(`${key} ${value}`);
      }
      for (const variable of sharedAcross(program, begin))
        await this.#sendOrZeros(batch.sharedGradient(variable), variable.shape, piece - 1, tag);
    }
    this.#batches.delete(key);
    batch.dispose();
  }

  /** Waits until all that was sent may be forgotten. */
  async settle(): Promise<void> {
    await Promise.all(this.#sends);
  }

  dispose(): void {
    for (const batch of this.#batches.values()) batch.dispose();
    this.#batches.clear();
  }

  /** The next block that is not a marker, within a piece. */
  #next(i: number, by: number, begin: number, end: number): number {
    let next = i + by;
    while (next >= begin && next < end && this.#work.program.blocks[next]!.marker) next += by;
    return next >= begin && next < end ? next : -1;
  }

  #held(): Map<object, number> {
    return new Map([...this.#batches.values()].flatMap((batch) => [...batch.held()]));
  }

  #piece(chunk: number): number {
    return chunk * this.#work.pipeline.size + this.#work.pipeline.rank;
  }

  /** A line of its own for what reaches a piece in a direction. */
  #tag(piece: number, kind: PipelineStep['kind']): number {
    return 2 * piece + (kind === 'forward' ? 0 : 1);
  }

  async #sendOrZeros(
    x: Tensor | undefined,
    shape: readonly number[],
    piece: number,
    tag: number,
  ): Promise<void> {
    if (x) return this.#send(x, piece, tag);
    const nothing = zeros([...shape]);
    await this.#send(nothing, piece, tag);
    nothing.dispose();
  }

  /** Sends shape and values; goes on before they are there. */
  async #send(x: Tensor, piece: number, tag: number): Promise<void> {
    const { pipeline } = this.#work;
    const to = piece % pipeline.size;
    const values: CommArray = (await x.data()).slice();
    const sends = [pipeline.send(headerOf(x), to, { tag }), pipeline.send(values, to, { tag })];
    // whoever waits for it is told when it fails; here it is at the end
    for (const sent of sends) sent.catch(() => undefined);
    this.#sends.push(...sends);
  }

  async #receive(piece: number, tag: number): Promise<Tensor> {
    const { pipeline } = this.#work;
    const from = piece % pipeline.size;
    const header = await pipeline.recv(new Int32Array(HEADER), from, { tag });
    const { shape, dtype } = readHeader(header);
    const size = shape.reduce((product, d) => product * d, 1);
    const values = dtype === 'float32' ? new Float32Array(size) : new Int32Array(size);
    return tensor(await pipeline.recv(values, from, { tag }), shape, dtype);
  }
}

/** Numbers before a tensor's values: its type, its rank and its shape. */
const HEADER = 8;

function headerOf({ shape, dtype }: Tensor): Int32Array {
  if (shape.length > HEADER - 2 || (dtype !== 'float32' && dtype !== 'int32'))
    throw new CommError(
      'rank-diverged',
      `runPipeline: what travels between stages must be float32 or int32 of at most ${HEADER - 2} axes, got ${dtype} [${shape.join(', ')}]. Cut the model elsewhere.`,
    );
  return Int32Array.from(
    { length: HEADER },
    (_, i) => [dtype === 'float32' ? 0 : 1, shape.length, ...shape][i] ?? 0,
  );
}

function readHeader([type, rank, ...shape]: Int32Array): { shape: number[]; dtype: 'float32' | 'int32' } {
  return { shape: shape.slice(0, rank), dtype: type === 0 ? 'float32' : 'int32' };
}

/** Values that are made before block `cut` and read from it on; the model's inputs are everywhere. */
export function crossing(program: Program, cut: number): Value[] {
  const made = program.blocks.slice(0, cut).flatMap((block) => block.outputs);
  return made.filter((value) => (program.lastUse.get(value) ?? -1) >= cut);
}

/** Variables that a block before `cut` owns and one from it on uses. */
export function sharedAcross(program: Program, cut: number): Variable[] {
  const own = new Set(program.blocks.slice(0, cut).flatMap((block) => block.variables));
  return [...new Set(program.blocks.slice(cut).flatMap((block) => block.shared))].filter((v) => own.has(v));
}
