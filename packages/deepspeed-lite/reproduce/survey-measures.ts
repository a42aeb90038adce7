import { mesh, simulate } from '@ockham/core/comm';
import { countFlops } from '@ockham/core/metrics';
import { AttentionContext, AttentionProbabilities, gpt, mlp } from '@ockham/core/models';
import type { Split } from '@ockham/core';
import { memoryStore } from '@ockham/core/files';
import {
  adam,
  balanceStages,
  compressedState,
  cutModel,
  flatLayout,
  initialize,
  oneBitAdam,
  pipelineSchedule,
  plan,
  runSchedule,
  splitModel,
  zeroOneAdam,
  type CompressedOptimizer,
  type EngineConfig,
} from '@ockham/deepspeed-lite';
import { SparseAttention, sparseAttentionFlopRules } from '@ockham/deepspeed-lite/attention';
import { input, model as makeModel, type LayersModel, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { HEADS, WIDTH } from './attention-arms.ts';
import { allReduced } from './compressed-training.ts';
import { LOSS } from './characters.ts';

/** Sizes of what the claims are measured on. */
export interface SurveySizes {
  readonly layers: number;
  readonly hidden: number;
  /** Steps and parameters of the compressed optimizers. */
  readonly steps: number;
  readonly parameters: number;
  /** Ranks of a plan that stand for very many. */
  readonly manyRanks: number;
}

/** A GPT of characters: five heads, which no even number of ranks divides. */
export function surveyModel({ layers, hidden }: SurveySizes, seed: number): LayersModel {
  return gpt({ layers, hidden, heads: 5, vocabulary: 67, positions: 32, dropout: 0, seed });
}

/** How many times fewer bytes each rank holds from update to update than with data parallelism, by `plan`. */
export function timesLessMemory(model: LayersModel, ranks: number, config: EngineConfig): number {
  const of = (settings: EngineConfig): number =>
    plan(model, { ...settings, globalBatch: ranks, loss: LOSS }, { ranks }).bytes.total;
  const { offload: _, zero: _zero, ...plain } = config;
  return of(plain) / of(config);
}

/** States offloaded, by the report of a run, against the report of the same run without. */
export async function timesLessMemoryOffloaded(seed: number): Promise<number> {
  const held = async (config: EngineConfig): Promise<number> => {
    const { report } = await updateOnce(config, 1, seed);
    return report.bytes.total;
  };
  return (await held({})) / (await held({ offload: () => memoryStore() }));
}

/** Bytes for backward passes of one update with all activations ÷ with the inputs of blocks only. */
export async function timesFewerActivations(sizes: SurveySizes, seed: number): Promise<number> {
  const held = async (activationCheckpointing: boolean): Promise<number> => {
    const model = surveyModel(sizes, seed);
    const engine = await initialize(model, { activationCheckpointing, globalBatch: 2, loss: LOSS });
    const ids = { values: Int32Array.from({ length: 64 }, (_, i) => i), shape: [32] };
    await engine.trainBatch({ size: 2, x: ids, y: ids });
    const { activations } = engine.report();
    await engine.close();
    model.dispose();
    return activations;
  };
  return (await held(false)) / (await held(true));
}

/** Bytes that a rank sends in an update at a stage of ZeRO ÷ at stage 0, by the ledger. */
export async function timesTheBytes(zero: 1 | 2 | 3, ranks: number, seed: number): Promise<number> {
  const [one, other] = [await updateOnce({ zero: 0 }, ranks, seed), await updateOnce({ zero }, ranks, seed)];
  return other.sent / one.sent;
}

async function updateOnce(config: EngineConfig, ranks: number, seed: number) {
  const examples: Split = {
    size: ranks,
    x: { values: Float32Array.from({ length: 8 * ranks }, (_, i) => Math.sin(i)), shape: [8] },
    y: { values: new Int32Array(ranks), shape: [] },
  };
  const { results } = await simulate(ranks, async ({ comm }) => {
    const model = mlp({ inputShape: [8], units: [24], classes: 4, seed });
    const engine = await initialize(model, { ...config, globalBatch: ranks }, { comm });
    const before = engine.report().sent;
    await engine.trainBatch(examples);
    const report = engine.report();
    await engine.close();
    model.dispose();
    return { report, sent: report.sent - before };
  });
  return { report: results[0]!.report, sent: results.reduce((sum, { sent }) => sum + sent, 0) };
}

/** Parameters of the model ÷ those of the tensor rank that has most. */
export function timesFewerOnTensorRanks(model: LayersModel, ranks: number): number {
  const counts = Array.from({ length: ranks }, (_, rank) => {
    const { model: part } = splitModel(model, rank, ranks);
    const count = part.countParams();
    part.dispose();
    return count;
  });
  return model.countParams() / Math.max(...counts);
}

/** Parameters of the model ÷ those of the stage that has most, in blocks of decoder layers. */
export function timesFewerOnStages(model: LayersModel, stages: number): number {
  const { blocks } = cutModel(model);
  const sizes = blocks.map(({ variables, shared }) => [...variables, ...shared].reduce((sum, { size }) => sum + size, 0)); // prettier-ignore
  const cuts = balanceStages(sizes, stages);
  const most = Math.max(...cuts.slice(1).map((end, s) => sizes.slice(cuts[s], end).reduce((sum, size) => sum + size, 0))); // prettier-ignore
  return model.countParams() / most;
}

/** Part of a pipeline's time that is lost when one of its stages takes twice as long, on the virtual clock. */
export function lostToImbalance(stages: number, microBatches: number): number {
  const steps = pipelineSchedule('1f1b', { stages, microBatches });
  const slow = (time: number) => (stage: number) => (stage === 1 ? 2 * time : time);
  const even = runSchedule(steps)!.seconds;
  return 1 - even / runSchedule(steps, { forward: slow(1), backward: slow(2) })!.seconds;
}

/** Bytes of the all-reduces of a run in float32 ÷ those that a compressed optimizer sends, from end to end. */
export async function timesFewerBytes(
  method: '1-bit Adam' | '0/1 Adam',
  { steps, parameters }: SurveySizes,
): Promise<number> {
  const make = (): CompressedOptimizer =>
    method === '1-bit Adam'
      ? oneBitAdam({ warmupSteps: Math.round(0.2 * steps) })
      : zeroOneAdam({ freezeStep: Math.round(0.2 * steps), varianceUpdates: 4, localDoubling: Math.round(steps / 8) }); // prettier-ignore
  const sentBy = async (optimizer: CompressedOptimizer): Promise<number> => {
    const layout = flatLayout([{ name: 'w', shape: [parameters] }], 2);
    const { results } = await simulate(2, async ({ comm }) => {
      const state = compressedState(optimizer, layout, comm);
      const slice = { parameters: new Float32Array(layout.padded), state, begin: 0, end: layout.padded, layout }; // prettier-ignore
      const gradient = new Float32Array(layout.padded);
      for (let step = 1; step <= steps; step++) {
        for (let i = 0; i < parameters; i++) gradient[i] = Math.sin(i * step + comm.rank);
        await optimizer.step(slice, gradient, { comm, step, learningRate: 0.001 });
      }
      return comm.ledger.total().sent;
    });
    return results[0]!;
  };
  return (await sentBy(allReduced(adam()))) / (await sentBy(make()));
}

/** FLOPs of dense attention ÷ those of BigBird's layout with DeepSpeed's defaults, heads and width of BERT-mini. */
export async function timesFewerAttentionFlops(length: number): Promise<number> {
  const x = input({ shape: [length, WIDTH] });
  const mask = input({ shape: [1, 1, length] });
  const shares = new AttentionProbabilities({ heads: HEADS }).apply([x, x, mask]) as SymbolicTensor;
  const dense = new AttentionContext({ heads: HEADS }).apply([shares, x]) as SymbolicTensor;
  const pattern = { kind: 'big-bird', seed: 7 } as const;
  const sparse = new SparseAttention({ heads: HEADS, pattern }).apply([x, x, x]) as SymbolicTensor;
  const flopsOf = async (model: LayersModel): Promise<number> => {
    const { flops, unknown } = await countFlops(model, { rules: sparseAttentionFlopRules });
    if (unknown.length > 0) throw new Error(`no FLOPs of ${unknown.join(', ')}`);
    return flops;
  };
  const whole = await flopsOf(makeModel({ inputs: [x, mask], outputs: dense }));
  return whole / (await flopsOf(makeModel({ inputs: x, outputs: sparse })));
}

/** GPT-2 of 1.5 billion parameters, a survey's GPU at its best, and numbers sent that stand for so many. */
const LAYERS = 48;
const HIDDEN = 1600;
const LENGTH = 1024;
const FLOPS = 49e12;
const SCALE = 2 ** 18;

/**
 * Seconds of an update by data parallelism, its reduction behind the backward pass, ÷ by a pipeline of as many ranks, on the virtual
 * clock. Values in 16 bits.
 *
 * @param beta Seconds for each byte.
 */
export async function timesFasterInAPipeline(ranks: number, examples: number, beta: number): Promise<number> {
  const parameters = 12 * HIDDEN ** 2;
  const seconds = ((2 * parameters + 4 * LENGTH * HIDDEN) * LENGTH) / FLOPS; // of a layer, forward, an example
  const message = (numbers: number): Uint8Array => new Uint8Array(Math.max(1, Math.round((2 * numbers) / SCALE))); // prettier-ignore
  const network = { alpha: 2e-5, beta: beta * SCALE };
  const alike = await simulate(
    ranks,
    async ({ comm, compute }) => {
      await compute(LAYERS * seconds * examples);
      const reductions: Promise<unknown>[] = [];
      for (let layer = 0; layer < LAYERS; layer++) {
        await compute(2 * seconds * examples);
        reductions.push(comm.allReduce(message(parameters)));
      }
      await Promise.all(reductions);
    },
    network,
  );
  const staged = await simulate(
    ranks,
    async ({ comm, compute }) => {
      const { pipeline } = await mesh(comm, { pipeline: ranks });
      const x = message(LENGTH * HIDDEN);
      const steps = pipelineSchedule('1f1b', { stages: ranks, microBatches: ranks * examples });
      for (const { kind } of steps[pipeline.rank]!) {
        const way = kind === 'forward' ? 1 : -1;
        const [from, to] = [pipeline.rank - way, pipeline.rank + way];
        const inside = (rank: number): boolean => rank >= 0 && rank < ranks;
        if (inside(from)) await pipeline.recv(x, from, { tag: 1 + way });
        await compute((kind === 'forward' ? 1 : 2) * (LAYERS / ranks) * seconds);
        if (inside(to)) void pipeline.send(x, to, { tag: 1 + way });
      }
    },
    network,
  );
  return alike.seconds / staged.seconds;
}
