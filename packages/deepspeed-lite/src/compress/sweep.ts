/**
 * One pass of examples through a model and its copy side by side, layer by layer, so that a layer of the copy can be changed
 * once its inputs are known: what comes after sees the change.
 */
import { throwIfAborted, type Split } from '@ockham/core';
import { batchRange, type Layer } from '@ockham/core/training';
import { dispose, tidy, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { callsOf, type LayerCall, type Value } from '../program/calls.ts';

/** A layer whose turn has come. */
export interface Turn {
  readonly layer: Layer;
  /** The same layer of the copy. */
  readonly copy: Layer;
  /** Input batches of the model's layer, and of the copy's, whose layers before have changed. */
  readonly inputs: readonly Tensor[];
  readonly copyInputs: readonly Tensor[];
}

/** Examples of a batch. */
const BATCH = 32;

/**
 * Visits the layers in order of computation, each once, before the copy's is applied.
 *
 * @param copy Of the same topology.
 * @throws UnsupportedModelError for layers that cannot be called one by one: masks of Keras, state.
 */
export async function sweep(
  who: string,
  model: LayersModel,
  copy: LayersModel,
  examples: Split,
  visit: (turn: Turn) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const ours = new Stream(callsOf(who, model), examples);
  const theirs = new Stream(callsOf(who, copy), examples);
  try {
    const seen = new Set<Layer>();
    for (const [i, call] of ours.calls.entries()) {
      throwIfAborted(signal, who);
      const { layer } = call;
      if (!seen.has(layer) && call.inputs.length === 1) {
        const [inputs, copyInputs] = [ours.inputsOf(i), theirs.inputsOf(i)];
        await visit({ layer, copy: theirs.calls[i]!.layer, inputs, copyInputs });
      }
      seen.add(layer);
      ours.run(i);
      theirs.run(i);
    }
  } finally {
    ours.dispose();
    theirs.dispose();
  }
}

/** The live values of one model, in batches. */
class Stream {
  readonly calls: readonly LayerCall[];
  private readonly live = new Map<Value, Tensor[]>();
  private readonly lastUse = new Map<Value, number>();

  constructor({ calls, inputs }: { calls: readonly LayerCall[]; inputs: readonly Value[] }, examples: Split) {
    this.calls = calls;
    for (const [i, call] of calls.entries()) for (const value of call.inputs) this.lastUse.set(value, i);
    const batches: Tensor[] = [];
    for (let from = 0; from < examples.size; from += BATCH) {
      const { x, y } = batchRange(examples, from, Math.min(from + BATCH, examples.size));
      y.dispose();
      batches.push(x);
    }
    this.live.set(inputs[0]!, batches);
  }

  inputsOf(i: number): readonly Tensor[] {
    return this.live.get(this.calls[i]!.inputs[0]!)!;
  }

  /** Calls a layer on every batch, and lets go of what nobody reads any more. */
  run(i: number): void {
    const { layer, inputs, outputs } = this.calls[i]!;
    const batches = this.live.get(inputs[0]!)!.length;
    for (const output of outputs) this.live.set(output, []);
    for (let b = 0; b < batches; b++) {
      const given = inputs.map((value) => this.live.get(value)![b]!);
      const made = tidy(() => [layer.apply(given, { training: false }) as Tensor | Tensor[]].flat());
      for (const [o, output] of outputs.entries()) {
        const tensor = made[o]!;
        this.live.get(output)!.push(given.includes(tensor) ? tensor.clone() : tensor);
      }
    }
    for (const value of [...inputs, ...outputs]) {
      if ((this.lastUse.get(value) ?? -1) > i) continue;
      dispose(this.live.get(value) ?? []);
      this.live.delete(value);
    }
  }

  dispose(): void {
    for (const batches of this.live.values()) dispose(batches);
  }
}
