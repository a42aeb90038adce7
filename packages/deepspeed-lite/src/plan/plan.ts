/**
 * What a run will take, before it runs: bytes of each rank and bytes on the wire.
 *
 * Source of the formulas: Rajbhandari et al. 2020, "ZeRO", section 3.1 and figure 1, with 4 bytes for a parameter and a gradient instead
 * of 2 and no float32 copy, since TensorFlow.js computes in float32. Activations have no formula: what the tapes of micro-batches of one
 * and of two examples hold gives what any number will, as both grow linearly.
 */
import { ArgumentError, type Split } from '@ockham/core';
import { Random } from '@ockham/core/random';
import { batchRange, lossFunction } from '@ockham/core/training';
import { dispose, zeros, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { checkConfig, communicates, type EngineConfig, type Plan } from '../engine/config.ts';
import type { BufferBytes, PersistentBytes } from '../engine/report.ts';
import type { MeshShape } from '../mesh/rank-mesh.ts';
import { splitCheckpoints } from '../mesh/split-checkpoints.ts';
import { stageOf, type Stage } from '../mesh/stage.ts';
import { wholeParts, type WholePart } from '../mesh/whole-parts.ts';
import { compressedState } from '../optimizers/compressed-state.ts';
import { pipelineSchedule, type PipelineStep } from '../pipeline/schedule.ts';
import { cutModel, type Program } from '../program/cut-model.ts';
import type { SplitCheckpoints } from '../program/split-inputs.ts';
import { disposeModel, splitModel } from '../tensor/split-model.ts';
import { flatLayout, type FlatLayout } from '../zero/flat-layout.ts';
import { fillVariable } from '../zero/flat-variables.ts';
import { longestGather } from '../zero/gather.ts';
import { bucketLength } from '../zero/gradient-store.ts';
import { blockRanges, neededRanges } from '../zero/shares.ts';
import { dryRun, type PieceRun } from './dry-run.ts';
import { replay } from './replay.ts';
import { sentCopies, sentToDataRanks, type Trained } from './sent-bytes.ts';

/** Options of {@link plan}. */
export interface PlanOptions {
  /** Default 1. */
  readonly ranks?: number;
  /** Two examples, for a loss that is a function or a model whose inputs have no fixed shape. Default zeros. */
  readonly example?: Split;
}

/** What one rank will hold. */
export interface HeldBytes {
  /** P, trainable parameters: those of this rank's part of its stage. */
  readonly parameters: number;
  /** Elements added to P so that all shares are equal. */
  readonly padding: number;
  /** From update to update. */
  readonly bytes: PersistentBytes;
  /** Allocated once. */
  readonly buffers: BufferBytes;
  /** Most bytes held for backward passes. */
  readonly activations: number;
  /** Most bytes at a time, as {@link EngineReport} measures it. */
  readonly peak: number;
}

/** What one rank will hold and send. */
export interface RankPlan extends HeldBytes {
  /** Where it is on each axis. */
  readonly at: MeshShape;
  /** Bytes of parameters and gradients that leave it in one update; none for compressed optimizers, which vary them. */
  readonly sent?: number;
  /** Bytes of activations, their gradients and shared weights that leave it, along the other axes. */
  readonly sentAlong: { readonly tensor: number; readonly pipeline: number };
}

/** What all ranks will hold and send. Of what differs from rank to rank, the figures are those of the rank with the largest peak. */
export interface MemoryPlan extends HeldBytes {
  /** Number of ranks. */
  readonly ranks: number;
  /** Ranks along each axis. */
  readonly mesh: MeshShape;
  /** Names of the blocks that the model is cut into. */
  readonly blocks: readonly string[];
  /** {@link RankPlan.sent} of every rank. */
  readonly sent?: readonly number[];
  /** Rank by rank. */
  readonly each: readonly RankPlan[];
}

/**
 * Plans a run. The model is run on two examples, its tensor parts too, and is as before afterwards.
 *
 * @throws ArgumentError for a configuration that does not fit, or where an example is needed; UnsupportedModelError for a model that
 * cannot be cut or split so.
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
  const whole = cutModel(model, config.cut);
  const { data, tensor, pipeline } = checked.mesh;
  const batches = [1, 2].map((size) => batchFor(model, checked, size, example)) as [Batch, Batch];
  let columns: RankPlan[][];
  try {
    let costs: Float64Array | undefined;
    columns = Array.from({ length: tensor }, (_, rank) => {
      const split = tensor > 1 ? splitModel(model, rank, tensor) : undefined;
      try {
        const program = split ? cutModel(split.model, config.cut) : whole;
        costs ??= Float64Array.from(program.blocks, checked.blockCost);
        const parts = wholeParts(model, program, split);
        return planColumn({ program, parts, costs, checked, batches, tensor: { rank, size: tensor }, offloaded: config.offload !== undefined }); // prettier-ignore
      } finally {
        if (split) disposeModel(split.model);
      }
    });
  } finally {
    dispose(batches.flatMap(({ x, y }) => [x, y]));
  }
  // tensor ranks are neighbours, stages are farthest apart
  const each = Array.from({ length: ranks }, (_, rank) => columns[rank % tensor]![Math.floor(rank / tensor)]!); // prettier-ignore
  const { at: _at, sent: _sent, sentAlong: _along, ...most } = each.reduce((a, b) => (b.peak > a.peak ? b : a)); // prettier-ignore
  return {
    ...most,
    ranks,
    mesh: { data, tensor, pipeline },
    blocks: whole.blocks.map(({ name }) => name),
    ...(!communicates(checked.optimizer) && { sent: each.map(({ sent }) => sent!) }),
    each,
  };
}

interface Batch {
  readonly x: Tensor;
  readonly y: Tensor;
}

/** A tensor rank's part of the model. */
interface Column {
  readonly program: Program;
  readonly parts: ReadonlyMap<Variable, WholePart>;
  readonly costs: Float64Array;
  readonly checked: Plan;
  readonly batches: readonly [Batch, Batch];
  readonly tensor: SplitCheckpoints['ranks'];
  readonly offloaded: boolean;
}

/** The ranks that have one part of the layers: of every stage, all data ranks. */
function planColumn(column: Column): RankPlan[] {
  const { program, parts, costs, checked, batches, tensor, offloaded } = column;
  const { mesh, chunks, schedule, accumulation, microBatch, zero, bucketSize } = checked;
  const stages = mesh.pipeline;
  const stageAt = (rank: number): Stage => stageOf('plan', program, { rank, stages, pieces: chunks, costs });
  const parallel = mesh.tensor * stages > 1;
  const { cuts } = parallel ? stageAt(0) : { cuts: [0, program.blocks.length] };
  const partOf = (variable: Variable): WholePart => parts.get(variable)!;
  const runs = runTwice(program, cuts, checked, batches, () =>
    checked.activationCheckpointing === 'split' ? splitCheckpoints(program, tensor, partOf) : undefined, tensor); // prettier-ignore
  const turns = parallel
    ? pipelineSchedule(schedule, { stages, microBatches: accumulation, chunks })
    : [IN_TURN];
  return turns.flatMap((steps, stage) => {
    const own: Trained = parallel ? stageAt(stage) : { program, cuts, blocks: [...program.blocks.keys()], copies: [] }; // prettier-ignore
    const layout = flatLayout(own.program.variables.map(({ name, shape }) => ({ name, shape })), mesh.data); // prettier-ignore
    const copied = own.copies.filter(({ users }) => users.includes(stage)).reduce((sum, { variable }) => sum + variable.size, 0); // prettier-ignore
    const gathered = (block: number): number => {
      if (zero < 3) return 0;
      const { variables, shared } = own.program.blocks[own.blocks.indexOf(block)]!;
      return [...variables, ...shared].reduce((sum, { size }) => sum + 4 * size, 0);
    };
    const update = replay({ runs, steps, pieceOf: (chunk) => chunk * stages + stage, microBatch, gathered, tensor, stages }); // prettier-ignore
    const most = Math.max(...blockRanges(own.program, layout).map(({ begin, end }) => end - begin));
    const buffers = {
      buckets: zero >= 2 ? 8 * bucketLength(layout, { least: bucketSize, most }) : 0,
      gathers: zero >= 1 ? 8 * longestGather(neededRanges(own.program, layout, zero)) : 0,
      checkpoints: update.checkpoints,
    };
    const share = zero === 0 ? layout.padded : layout.padded / mesh.data;
    const copy = zero === 3 || checked.precision !== 'float32' ? 0 : 4 * share;
    return Array.from({ length: mesh.data }, (_, rank): RankPlan => {
      const { bytes, states } = persistent(checked, layout, rank, copied, offloaded);
      const transient = Math.max(copy + (offloaded ? states : 0), update.transient);
      return {
        at: { data: rank, tensor: tensor.rank, pipeline: stage },
        parameters: layout.length,
        padding: layout.padded - layout.length,
        bytes,
        buffers,
        activations: update.activations,
        peak: bytes.total + buffers.buckets + buffers.gathers + transient,
        ...(!communicates(checked.optimizer) && { sent: sentToDataRanks(own, stage, checked, layout, rank) }),
        sentAlong: {
          tensor: update.sent.tensor,
          pipeline: update.sent.pipeline + sentCopies(own, stage),
        },
      };
    });
  });
}

/** One micro-batch after the other, each through the whole model: one stands for all. */
const IN_TURN: readonly PipelineStep[] = [
  { kind: 'forward', microBatch: 0, chunk: 0 },
  { kind: 'backward', microBatch: 0, chunk: 0 },
];

function persistent(
  { optimizer, zero, precision, ranks }: Plan,
  layout: FlatLayout,
  rank: number,
  copied: number,
  offloaded: boolean,
): { readonly bytes: PersistentBytes; readonly states: number } {
  const [all, share] = [layout.padded, layout.padded / ranks];
  const own = zero === 0 ? all : share;
  const width = precision === 'float32' ? 4 : 2;
  const states = communicates(optimizer)
    ? Object.values(compressedState(optimizer, layout, { rank, size: ranks })).reduce(
        (sum, { byteLength }) => sum + byteLength,
        0,
      )
    : 4 * optimizer.slots.length * own;
  const parameters = width * ((zero === 3 ? share : layout.length) + copied);
  const gradients = width * (zero >= 2 ? share : all);
  const states32 = precision === 'float32' ? 0 : 4 * own;
  const kept = (offloaded ? 0 : states) + states32;
  return { bytes: { parameters, gradients, optimizer: kept, total: parameters + gradients + kept }, states };
}

/** A micro-batch of one example and one of two: bytes grow in a straight line. */
function runTwice(
  program: Program,
  cuts: readonly number[],
  { activationCheckpointing, loss }: Plan,
  batches: readonly [Batch, Batch],
  split: () => SplitCheckpoints | undefined,
  tensor: SplitCheckpoints['ranks'],
): [PieceRun[], PieceRun[]] {
  const state = program.state.map((variable) => variable.dataSync<'float32'>().slice());
  const last = program.blocks.length - 1;
  const run = ({ x, y }: Batch): PieceRun[] => {
    const parts = split();
    return dryRun(
      {
        program,
        cuts,
        mode: { training: true, random: new Random(0), step: 0 },
        loss: lossFunction(loss),
        options: {
          recompute: (i) => activationCheckpointing !== false && i < last,
          ...(parts && { split: parts }),
        },
        tensor,
      },
      x,
      y,
    );
  };
  const found: [PieceRun[], PieceRun[]] = [run(batches[0]), run(batches[1])];
  for (const [i, variable] of program.state.entries()) fillVariable(variable, state[i]!);
  return found;
}

function batchFor(model: LayersModel, { loss }: Plan, size: number, example: Split | undefined): Batch {
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
