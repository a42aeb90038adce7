import type { Random } from '@ockham/core/random';
import { withSeededDropout, type Layer } from '@ockham/core/training';
import { keep, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { vjp, type Vjp } from '../autograd/vjp.ts';
import type { LayerCall, Value } from './calls.ts';
import type { Block, Program } from './cut-model.ts';

/** How blocks are run. */
export interface RunMode {
  /** As in `model.apply(x, { training })`. */
  readonly training: boolean;
  /** Dropout draws from its stream `dropout`. */
  readonly random: Random;
  /** Which draw: the same number drops the same units. */
  readonly step: number;
}

/** A term that a layer's regulariser adds to the loss. */
export interface Penalty {
  /** The layer whose regulariser it is. */
  readonly layer: Layer;
  /** The scalar to add. */
  readonly term: Tensor;
}

/** What a block gave: kept tensors, for the caller to dispose of. */
export interface BlockRun {
  /** What later blocks read, and the model's own outputs. */
  readonly outputs: ReadonlyMap<Value, Tensor>;
  /** Terms of regularisers. */
  readonly penalties: readonly Penalty[];
}

/** A block's run with its tape. */
export interface TapedRun extends BlockRun {
  /** Its outputs are those of the block and then the penalties. */
  readonly tape: Vjp;
  /** Values whose gradients the tape gives, in its order. */
  readonly starts: readonly Value[];
}

/** Sees every layer call's outputs while a block runs. */
export type Watch = (call: LayerCall, outputs: readonly Tensor[]) => void;

/** Runs a block without a tape. */
export function runBlock(
  program: Program,
  block: Block,
  live: ReadonlyMap<Value, Tensor>,
  mode: RunMode,
  watch?: Watch,
): BlockRun {
  const layers: Layer[] = [];
  const made = tidy(() => forward(program, block, live, mode, layers, watch).map(keep));
  return split(block, made, layers);
}

/** Runs a block and keeps the tape. */
export function tapeBlock(
  program: Program,
  block: Block,
  live: ReadonlyMap<Value, Tensor>,
  mode: RunMode,
): TapedRun {
  const starts = block.inputs.filter((value) => program.differentiable.has(value));
  const layers: Layer[] = [];
  const tape = vjp(
    () => forward(program, block, live, mode, layers),
    starts.map((value) => live.get(value)!),
    [...block.variables, ...block.shared],
  );
  return { ...split(block, tape.outputs, layers), tape, starts };
}

function split(block: Block, made: readonly Tensor[], layers: readonly Layer[]): BlockRun {
  const count = block.outputs.length;
  return {
    outputs: new Map(block.outputs.map((value, i) => [value, made[i]!])),
    penalties: layers.map((layer, i) => ({ layer, term: made[count + i]! })),
  };
}

function forward(
  { model }: Program,
  block: Block,
  live: ReadonlyMap<Value, Tensor>,
  { training, random, step }: RunMode,
  penalised: Layer[],
  watch?: Watch,
): Tensor[] {
  return withSeededDropout(model, random, step, () => {
    const values = new Map(live);
    for (const call of block.calls) {
      const given = call.inputs.map((value) => values.get(value)!);
      const result = call.layer.apply(given, { training }) as Tensor | Tensor[];
      const made = Array.isArray(result) ? result : [result];
      watch?.(call, made);
      for (const [i, tensor] of made.entries()) values.set(call.outputs[i]!, tensor);
    }
    const penalties = block.regularised.flatMap((layer) =>
      layer.calculateLosses().map((term) => {
        penalised.push(layer);
        return term;
      }),
    );
    return [...block.outputs.map((value) => values.get(value)!), ...penalties];
  });
}
