import type { Communicator } from '@ockham/core/comm';
import { toRandom, type Random } from '@ockham/core/random';
import type { SnapshotStore } from '@ockham/core/training';
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { compressedState } from '../optimizers/compressed-state.ts';
import { sendCopies } from '../mesh/copies.ts';
import { partOf } from '../mesh/reshape-flat.ts';
import type { RankMesh } from '../mesh/rank-mesh.ts';
import type { Stage } from '../mesh/stage.ts';
import type { WholePart } from '../mesh/whole-parts.ts';
import type { PipelineStep } from '../pipeline/schedule.ts';
import type { SplitModel } from '../tensor/split-model.ts';
import type { Program } from '../program/cut-model.ts';
import type { SplitCheckpoints } from '../program/split-inputs.ts';
import { splitCheckpoints } from '../mesh/split-checkpoints.ts';
import { shareOfRank, type FlatLayout } from '../zero/flat-layout.ts';
import { eachEntry, fillVariable, readFlat, releaseVariable } from '../zero/flat-variables.ts';
import type { BlockGather } from '../zero/gather.ts';
import type { GradientStore } from '../zero/gradient-store.ts';
import { blockRanges, type Range } from '../zero/shares.ts';
import { communicates, type Plan } from './config.ts';
import type { LossScaling } from './loss-scaling.ts';
import { rounding } from './precision.ts';
import { PeakMeter, type EngineReport } from './report.ts';

/** What an engine is made of. */
export interface Parts {
  readonly plan: Plan;
  /** The caller's model; its flat vector is shared out among all ranks, as in a checkpoint. */
  readonly whole: { readonly program: Program; readonly layout: FlatLayout };
  /** The blocks that this rank owns: those of its stage. */
  readonly program: Program;
  /** Of their variables, shared out among the data ranks. */
  readonly layout: FlatLayout;
  readonly mesh: RankMesh;
  /** Where there are tensor or pipeline ranks. */
  readonly parallel: Parallel | undefined;
  /** Parameters and gradients go here. */
  readonly data: Communicator;
  /** Losses, norms and moving averages go here, so that the ledger of the other has nothing else. */
  readonly control: Communicator;
  readonly gather: BlockGather | undefined;
  readonly gradients: GradientStore;
  readonly store: SnapshotStore | undefined;
}

/** What a rank of a mesh has more. */
export interface Parallel {
  /** All blocks, of this rank's part of the model. */
  readonly program: Program;
  readonly stage: Stage;
  readonly steps: readonly PipelineStep[];
  /** Which parts of the whole model the variables are. */
  readonly parts: ReadonlyMap<Variable, WholePart>;
  readonly split: SplitModel | undefined;
}

/** Where a run stands. */
export interface EnginePosition {
  /** Updates, in total, skipped ones included. */
  readonly updates: number;
  /** Updates that the optimizer made. */
  readonly made: number;
  /** Updates of the call of `fit` that is under way. */
  readonly fitted: number;
}

/** What one rank holds. */
export class RankState {
  readonly parts: Parts;
  readonly random: Random;
  /** Of the blocks, in the flat vector. */
  readonly ranges: readonly Range[];
  /** The part of the flat vector that this rank updates. */
  readonly own: Range;
  readonly peak: PeakMeter = new PeakMeter();
  /** Where inputs of blocks to run again are kept in parts. */
  readonly checkpoints: SplitCheckpoints | undefined;
  /** At stage 3 the parameters, with 16-bit storage their float32 values. */
  share: Float32Array | undefined;
  /** The optimizer's; empty while it is offloaded. */
  state: Readonly<Record<string, Float32Array>> = {};
  position: EnginePosition = { updates: 0, made: 0, fitted: 0 };
  scaling: LossScaling | undefined;

  constructor(parts: Parts) {
    const { plan, program, layout, data } = parts;
    this.parts = parts;
    this.random = toRandom(plan.seed).stream('train');
    this.ranges = blockRanges(program, layout);
    const [begin, end] = plan.zero === 0 ? [0, layout.padded] : shareOfRank(layout, data.rank);
    this.own = { begin, end };
    this.scaling = plan.lossScaling;
    if (plan.activationCheckpointing === 'split')
      this.checkpoints = splitCheckpoints(parts.parallel?.program ?? program, parts.mesh.tensor, (variable) => partOf(parts, variable)); // prettier-ignore
  }

  /** Of this rank, among those that train the same parameters on other data. */
  get rank(): number {
    return this.parts.data.rank;
  }

  /** Shares out what is to be shared. */
  async prepare(): Promise<void> {
    const { plan, program, layout, data, store } = this.parts;
    const { begin, end } = this.own;
    const { optimizer, zero, precision } = plan;
    if (zero === 3 || precision !== 'float32') {
      this.share = await data.alloc('float32', end - begin);
      await readFlat(layout, program.variables, begin, end, this.share);
    }
    if (precision !== 'float32' && zero < 3) await this.write(this.share!);
    if (zero === 3) for (const variable of program.variables) releaseVariable(variable);
    this.state = communicates(optimizer)
      ? compressedState(optimizer, layout, data)
      : Object.fromEntries(optimizer.slots.map((slot) => [slot, new Float32Array(end - begin)]));
    if (store) await this.putAway();
    this.peak.base = this.persistent();
  }

  /** At stage 3: fills the variables of a block, and starts to gather the next. */
  async bring(i: number, next: number): Promise<void> {
    const { plan, program, gather } = this.parts;
    if (plan.zero !== 3) return;
    await gather!.finish(i, this.share!);
    if (next >= 0 && next < program.blocks.length) gather!.start(next, this.share!);
  }

  takeAway(i: number): void {
    const { plan, program } = this.parts;
    if (plan.zero !== 3) return;
    const { variables, shared } = program.blocks[i]!;
    for (const variable of [...variables, ...shared]) releaseVariable(variable);
  }

  gathered(i: number): number {
    const { plan, program } = this.parts;
    if (plan.zero !== 3) return 0;
    const { variables, shared } = program.blocks[i]!;
    return [...variables, ...shared].reduce((sum, { size }) => sum + 4 * size, 0);
  }

  offset(variable: Variable): number {
    const { program, layout } = this.parts;
    return layout.entries[program.variables.indexOf(variable)]!.offset;
  }

  /** The values of gradients, in the precision that they are stored in, and where in the flat vector they begin. Disposes of them. */
  async read(
    gradients: ReadonlyMap<Variable, Tensor>,
  ): Promise<{ readonly at: number; readonly values: Float32Array }[]> {
    const round = rounding(this.parts.plan.precision);
    return Promise.all(
      [...gradients].map(async ([variable, gradient]) => {
        const read = await gradient.data<'float32'>();
        const values = round ? read.slice() : read; // what an engine gives may be its own
        round?.(values);
        gradient.dispose();
        return { at: this.offset(variable), values };
      }),
    );
  }

  /** The parameters that this rank updates; for reading. */
  async parameters(): Promise<Float32Array> {
    const { layout, program } = this.parts;
    return this.share ?? readFlat(layout, program.variables, this.own.begin, this.own.end);
  }

  /** Brings the parameters of compressed optimizers together, where the last step left them apart. Collective. */
  async synchronise(): Promise<void> {
    const { plan, layout, data } = this.parts;
    const { optimizer } = plan;
    if (!communicates(optimizer) || !optimizer.synchronise || this.position.made === 0) return;
    const parameters = await this.parameters();
    const slice = { parameters, state: this.state, ...this.own, layout };
    await optimizer.synchronise(slice, { comm: data, step: this.position.made });
    await this.write(parameters);
    await sendCopies(this);
  }

  /** Puts this rank's part of the parameters, and those of the others, into the variables. */
  async write(parameters: Float32Array): Promise<void> {
    const { plan, program, layout, gather } = this.parts;
    const round = rounding(plan.precision);
    if (plan.zero === 0) {
      const values = round ? parameters.slice() : parameters;
      round?.(values);
      eachEntry(layout, 0, layout.padded, (_, i, from, to) =>
        fillVariable(program.variables[i]!, values.subarray(from, to)),
      );
      return;
    }
    for (const i of program.blocks.keys()) {
      gather!.start(i, parameters);
      if (i + 1 < program.blocks.length) gather!.start(i + 1, parameters);
      await gather!.finish(i, parameters);
    }
  }

  async fetch(): Promise<void> {
    const snapshot = await this.parts.store?.read();
    if (snapshot) this.state = snapshot.arrays as Record<string, Float32Array>;
  }

  async putAway(): Promise<void> {
    await this.parts.store!.write({ meta: {}, arrays: this.state });
    this.state = {};
  }

  bytes(): EngineReport['bytes'] {
    const { plan, program, gradients, parallel, mesh } = this.parts;
    const half = plan.precision === 'float32' ? 1 : 0.5;
    const variables = program.variables.reduce((sum, { size }) => sum + 4 * size, 0);
    const share = this.share?.byteLength ?? 0;
    const states = Object.values(this.state).reduce((sum, { byteLength }) => sum + byteLength, 0);
    const copies = (parallel?.stage.copies ?? [])
      .filter(({ users }) => users.includes(mesh.pipeline.rank))
      .reduce((sum, { variable }) => sum + 4 * variable.size, 0);
    const parameters = half * ((plan.zero === 3 ? share : variables) + copies);
    const optimizer = states + (half < 1 ? share : 0);
    return {
      parameters,
      gradients: half * gradients.bytes,
      optimizer,
      total: parameters + half * gradients.bytes + optimizer,
    };
  }

  persistent(): number {
    const { gather, gradients } = this.parts;
    return this.bytes().total + (gather?.bytes ?? 0) + gradients.bufferBytes;
  }
}
