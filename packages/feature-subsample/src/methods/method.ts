/** What makes one method different from another: what goes down to a worker, what it does, what is done with the answers. */
import type { Mask, MaskFamily } from '../masks/mask.ts';
import type { LinearSystem, Spectrum } from '../system.ts';
import type { StepScheme } from '../step-schemes.ts';

/** Everything a method may use, the same on every rank. */
export interface Context {
  readonly system: LinearSystem;
  /** L, the number of workers; ranks share them out. */
  readonly workers: number;
  /** T. */
  readonly localSteps: number;
  /** R, rounds from one exact gradient to the next. */
  readonly snapshotEvery: number;
  /** α: the share of features that a worker sees. */
  readonly alpha: number;
  readonly masks: MaskFamily;
  /** `printed` where the paper's letter differs from what it means. */
  readonly form: 'intended' | 'printed';
  readonly steps: StepScheme;
  /** Whether the masks of {@link maskedFeatures} are scaled by 1/α. */
  readonly scaled: boolean;
  /** β of Algorithm 5. */
  readonly drift: number;
  /** 1/μ of the proximal terms: FedProx, FedDR, FedPD, FedSplit; 0 for the method's own. */
  readonly proximal: number;
  readonly acceleration: 'none' | 'nesterov' | 'chebyshev';
  /** Whether the control variate is refreshed by exact differences round by round. */
  readonly variate: 'snapshot' | 'recursive';
  /** η of the method, before halving. */
  readonly learningRate: number;
  /** η of round k. */
  eta(k: number): number;
  /** Of AᵀA. */
  spectrum(): Spectrum;
  /** `[d]`: where to start. */
  readonly start: Float64Array;
}

/** The side that holds x. */
export interface Coordinator {
  /** `[d]`: the answer so far. */
  readonly x: Float64Array;
  /** What worker `worker` is sent in round k. */
  down(k: number, worker: number, mask: Mask): Float64Array;
  /** Takes what came back, in the order of the workers. */
  apply(k: number, ups: readonly Float64Array[], masks: readonly Mask[]): void;
}

/** The side that works. It may keep a state of its own from round to round. */
export interface Worker {
  downLength(k: number, mask: Mask): number;
  upLength(k: number, mask: Mask): number;
  work(k: number, mask: Mask, down: Float64Array, seed: number): Float64Array;
}

/** A method: the two sides, and the default step. */
export interface Method {
  /** Whether workers see features by masks; else each has its share of the rows. */
  readonly masked: boolean;
  /** η where none is given. */
  defaultRate(context: Omit<Context, 'learningRate' | 'eta'>): number;
  coordinator(context: Context): Coordinator;
  worker(context: Context, index: number): Worker;
}

/** The entries of `x` at a mask. */
export function gather(x: Float64Array, { indices }: Mask): Float64Array {
  return Float64Array.from(indices, (i) => x[i]!);
}

/** A worker whose messages are as long as its mask, both ways. */
export function maskedWorker(work: Worker['work']): Worker {
  return { downLength: (_, mask) => mask.indices.length, upLength: (_, mask) => mask.indices.length, work };
}

/** A worker whose messages are `down` and `up` vectors of d numbers. */
export function denseWorker(d: number, down: number, up: number, work: Worker['work']): Worker {
  return { downLength: () => down * d, upLength: () => up * d, work };
}

/** `y += factor · v`. */
export function addScaled(y: Float64Array, factor: number, v: Float64Array): void {
  for (let i = 0; i < y.length; i++) y[i]! += factor * v[i]!;
}
