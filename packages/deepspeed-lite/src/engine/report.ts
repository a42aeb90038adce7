import type { Ledger } from '@ockham/core/comm';
import type { MeshShape } from '../mesh/rank-mesh.ts';
import type { ZeroStage } from '../zero/gradient-store.ts';

/** Bytes that a rank holds from update to update. With 16-bit storage, which is emulated, as if it were there. */
export interface PersistentBytes {
  /** Bytes of this rank's parameters. */
  readonly parameters: number;
  /** Bytes of this rank's gradients. */
  readonly gradients: number;
  /** States of the optimizer, and with 16-bit storage the float32 parameters. 0 where they are offloaded. */
  readonly optimizer: number;
  /** The sum. */
  readonly total: number;
}

/** Buffers, allocated once: gradients are reduced in buckets, blocks gathered in two of the longest, inputs of blocks kept in parts. */
export interface BufferBytes {
  /** Bytes of the buckets that gradients are reduced in. */
  readonly buckets: number;
  /** Bytes of the two buffers that blocks are gathered in. */
  readonly gathers: number;
  /** With `activationCheckpointing: 'split'`; what is in use of it is counted among the activations. */
  readonly checkpoints: number;
}

/** What a rank has measured. */
export interface EngineReport {
  /** Number of the rank, from 0. */
  readonly rank: number;
  /** Number of ranks. */
  readonly ranks: number;
  /** Ranks along each axis. */
  readonly mesh: MeshShape;
  /** What of the state is shared out. */
  readonly zero: ZeroStage;
  /** P, trainable parameters: those of this rank's part of its stage. */
  readonly parameters: number;
  /** Elements added to P so that all shares are equal. */
  readonly padding: number;
  /** Held from update to update. */
  readonly bytes: PersistentBytes;
  /** Allocated once. */
  readonly buffers: BufferBytes;
  /** Most bytes held for backward passes at a time, buffers counted once. */
  readonly activations: number;
  /**
   * Most bytes at a time: persistent ones, buffers, what is held for the backward pass, gathered blocks and gradients on their way. Looked
   * at between blocks: what an engine needs within a layer's call comes on top.
   */
  readonly peak: number;
  /** Calls and bytes of parameters and gradients, by operation. */
  readonly wire: ReturnType<Ledger['toJSON']>;
  /** Bytes of them that left this rank. */
  readonly sent: number;
  /** On a mesh with such ranks: bytes of activations and their gradients that left this rank, and of shared weights between stages. */
  readonly sentAlong?: { readonly tensor: number; readonly pipeline: number };
  /** Bytes that left this rank for losses, norms and moving averages. */
  readonly control: number;
  /** Updates that were made. */
  readonly updates: number;
  /** Updates that loss scaling skipped. */
  readonly skipped: number;
  /** What losses are multiplied by at present; absent without loss scaling. */
  readonly lossScale?: number;
}

/** Keeps the most that was held at a time. */
export class PeakMeter {
  /** What is always there. */
  base = 0;
  activations = 0;
  most = 0;

  /** @param held Bytes by buffer. @param more Bytes beside them. */
  note(held: ReadonlyMap<object, number>, more: number): void {
    let bytes = 0;
    for (const each of held.values()) bytes += each;
    this.activations = Math.max(this.activations, bytes);
    this.most = Math.max(this.most, this.base + bytes + more);
  }
}
