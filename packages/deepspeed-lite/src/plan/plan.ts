/**
 * What a run will take, before it runs: bytes of each rank and bytes on the wire.
 *
 * Source of the formulas: Rajbhandari et al. 2020, "ZeRO", section 3.1 and figure 1, with 4 bytes for a parameter and a gradient instead
 * of 2 and no float32 copy, since TensorFlow.js computes in float32. Activations have no formula: what the tapes of micro-batches of one
 * and of two examples hold gives what any number will, as both grow linearly.
 */
import { ArgumentError, UnsupportedModelError, type Split } from '@ockham/core';
import { Random } from '@ockham/core/random';
import { batchRange, lossFunction } from '@ockham/core/training';
import { dispose, zeros, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { checkConfig, communicates, type EngineConfig, type Plan } from '../engine/config.ts';
import type { PersistentBytes } from '../engine/report.ts';
import { compressedState } from '../optimizers/compressed-state.ts';
import { cutModel, type Program } from '../program/cut-model.ts';
import { MicroBatch } from '../program/micro-batch.ts';
import { flatLayout, shareOfRank, type FlatLayout } from '../zero/flat-layout.ts';
import { fillVariable } from '../zero/flat-variables.ts';
import { longestGather } from '../zero/gather.ts';
import { bucketLength } from '../zero/gradient-store.ts';
import { blockRanges, neededRanges } from '../zero/shares.ts';

/** Options of {@link plan}. */
export interface PlanOptions {
  /** Default 1. */
  readonly ranks?: number;
  /** Two examples, for a loss that is a function or a model whose inputs have no fixed shape. Default zeros. */
  readonly example?: Split;
}

/** What every rank will hold and send. */
export interface MemoryPlan {
  /** P, trainable parameters. */
  readonly parameters: number;
  readonly padding: number;
  readonly ranks: number;
  /** Names of the blocks that the model is cut into. */
  readonly blocks: readonly string[];
  /** From update to update. */
  readonly bytes: PersistentBytes;
  readonly buffers: { readonly buckets: number; readonly gathers: number };
  /** Most bytes held for a backward pass. */
  readonly activations: number;
  /** Most bytes at a time, as {@link EngineReport} measures it. */
  readonly peak: number;
  /** Bytes of parameters and gradients that leave each rank in one update; none for compressed optimizers, which vary them. */
  readonly sent?: readonly number[];
}

/**
 * Plans a run. The model is run on two examples, and is as before afterwards.
 *
 * @throws ArgumentError for a configuration that does not fit, or where an example is needed.
 *
 * @example
 * const { bytes, peak } = plan(model, { zero: 2, microBatch: 8 }, { ranks: 4 });
 */
export function plan(
  model: LayersModel,
  config: EngineConfig = {},
  { ranks = 1, example }: PlanOptions = {},
): MemoryPlan {
  if (!(Number.isInteger(ranks) && ranks >= 1))
    throw new ArgumentError(`plan: ranks must be an integer ≥ 1, got ${ranks}.`);
  const checked = checkConfig('plan', config, { size: ranks });
  if (checked.mesh.tensor * checked.mesh.pipeline > 1)
    throw new UnsupportedModelError(
      'plan: plans along the data axis, got a mesh with tensor or pipeline ranks. Plan without them, or read report() after an update.',
    );
  const program = cutModel(model, config.cut);
  const layout = flatLayout(
    program.variables.map(({ name, shape }) => ({ name, shape })),
    ranks,
  );
  const offloaded = config.offload !== undefined;
  const { bytes, states } = persistent(checked, layout, offloaded);
  const most = Math.max(...blockRanges(program, layout).map(({ begin, end }) => end - begin));
  const { zero, bucketSize } = checked;
  const buffers = {
    buckets: zero >= 2 ? 8 * bucketLength(layout, { least: bucketSize, most }) : 0,
    gathers: zero >= 1 ? 8 * longestGather(neededRanges(program, layout, zero)) : 0,
  };
  const moments = passes(program, checked, example);
  const own = zero === 0 ? layout.padded : layout.padded / ranks;
  const copy = zero === 3 || checked.precision !== 'float32' ? 0 : 4 * own;
  const update = copy + (offloaded ? states : 0);
  const transient = Math.max(update, ...moments.map(({ held, more }) => held + more));
  return {
    parameters: layout.length,
    padding: layout.padded - layout.length,
    ranks,
    blocks: program.blocks.map(({ name }) => name),
    bytes,
    buffers,
    activations: Math.max(...moments.map(({ held }) => held)),
    peak: bytes.total + buffers.buckets + buffers.gathers + transient,
    ...(!communicates(checked.optimizer) && { sent: sentBytes(program, checked, layout) }),
  };
}

function persistent(
  { optimizer, zero, precision, ranks }: Plan,
  layout: FlatLayout,
  offloaded: boolean,
): { readonly bytes: PersistentBytes; readonly states: number } {
  const [all, share] = [layout.padded, layout.padded / ranks];
  const own = zero === 0 ? all : share;
  const width = precision === 'float32' ? 4 : 2;
  const states = communicates(optimizer)
    ? Object.values(compressedState(optimizer, layout, { rank: 0, size: ranks })).reduce(
        (sum, { byteLength }) => sum + byteLength,
        0,
      )
    : 4 * optimizer.slots.length * own;
  const parameters = width * (zero === 3 ? share : layout.length);
  const gradients = width * (zero >= 2 ? share : all);
  const states32 = precision === 'float32' ? 0 : 4 * own;
  const kept = (offloaded ? 0 : states) + states32;
  return { bytes: { parameters, gradients, optimizer: kept, total: parameters + gradients + kept }, states };
}

/** Bytes that leave each rank in an update: every reduction sends what is not one's own, every gathering what is, to all others. */
function sentBytes(program: Program, { zero, accumulation, ranks }: Plan, layout: FlatLayout): number[] {
  const half = (4 * layout.padded * (ranks - 1)) / ranks;
  if (zero < 3) return Array.from({ length: ranks }, () => (zero === 2 ? accumulation : 1) * half + half);
  return Array.from({ length: ranks }, (_, rank) => {
    const [first, last] = shareOfRank(layout, rank);
    let own = 0;
    for (const { begin, end } of neededRanges(program, layout, zero).flat())
      own += Math.max(0, Math.min(end, last) - Math.max(begin, first));
    return accumulation * (half + 2 * 4 * own * (ranks - 1));
  });
}

interface Moment {
  readonly held: number;
  readonly more: number;
}

/** What is held between blocks, forward and back, for a micro-batch. */
function passes(program: Program, plan: Plan, example: Split | undefined): Moment[] {
  const state = program.state.map((variable) => variable.dataSync<'float32'>().slice());
  const [one, two] = [1, 2].map((size) => pass(program, plan, batchFor(program.model, plan, size, example)));
  for (const [i, variable] of program.state.entries()) fillVariable(variable, state[i]!);
  return one!.map(({ held, more }, i) => ({
    held: held + (plan.microBatch - 1) * (two![i]!.held - held),
    more,
  }));
}

function pass(program: Program, plan: Plan, { x, y }: { x: Tensor; y: Tensor }): Moment[] {
  const last = program.blocks.length - 1;
  const moments: Moment[] = [];
  const mode = { training: true, random: new Random(0), step: 0 };
  const batch = new MicroBatch(program, [x], mode, {
    recompute: (i) => plan.activationCheckpointing && i < last,
    releaseVariables: false,
  });
  const gathered = (i: number): number => {
    if (plan.zero < 3) return 0;
    const { variables, shared } = program.blocks[i]!;
    return [...variables, ...shared].reduce((sum, { size }) => sum + 4 * size, 0);
  };
  const note = (more: number): void => {
    moments.push({ held: [...batch.held().values()].reduce((sum, bytes) => sum + bytes, 0), more });
  };
  try {
    for (let i = 0; i <= last; i++) {
      batch.forward(i);
      note(gathered(i));
    }
    dispose([...batch.loss(y, lossFunction(plan.loss))]);
    note(0);
    for (let i = last; i >= 0; i--) {
      const gradients = [...batch.backward(i).values()];
      note(gathered(i) + gradients.reduce((sum, { size }) => sum + 4 * size, 0));
      dispose(gradients);
    }
    return moments;
  } finally {
    batch.dispose();
    dispose([x, y]);
  }
}

function batchFor(
  model: LayersModel,
  { loss }: Plan,
  size: number,
  example: Split | undefined,
): { x: Tensor; y: Tensor } {
  if (example) return batchRange(example, 0, size);
  const [input, output] = [model.inputs[0]!, model.outputs[0]!];
  const shapes = [
    input.shape.slice(1),
    loss === 'meanSquaredError' ? output.shape.slice(1) : output.shape.slice(1, -1),
  ];
  if (typeof loss === 'function' || shapes.flat().some((size_) => size_ === null))
    throw new ArgumentError('plan: a loss that is a function, or a model whose inputs have no fixed shape, needs an example. Give two examples as the option `example`.'); // prettier-ignore
  const [x, y] = shapes.map((shape) => [size, ...(shape as number[])]);
  return {
    x: zeros(x!, input.dtype as 'float32'),
    y: zeros(y!, loss === 'meanSquaredError' ? 'float32' : 'int32'),
  };
}
