import '@tensorflow/tfjs';
import { bert, mlp } from '@ockham/core/models';
import { mesh, simulate } from '@ockham/core/comm';
import { Random } from '@ockham/core/random';
import { lossFunction } from '@ockham/core/training';
import { memory, randomNormal, randomUniform, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import {
  input,
  layers,
  model as modelOf,
  regularizers,
  type LayersModel,
  type SymbolicTensor,
} from '@tensorflow/tfjs-layers';
import { afterEach, describe, expect, it } from 'vitest';
import { runPipeline } from '../src/pipeline/run-pipeline.ts';
import { pipelineSchedule, type ScheduleName } from '../src/pipeline/schedule.ts';
import { cutModel, type Program } from '../src/program/cut-model.ts';
import { gradientsOf } from '../src/program/micro-batch.ts';
import { splitModel } from '../src/tensor/split-model.ts';

const made: LayersModel[] = [];
const keep = (model: LayersModel): LayersModel => (made.push(model), model);
afterEach(() => {
  for (const model of made.splice(0)) {
    const variables = new Set(model.weights.map((weight) => weight.read() as Variable)); // TensorFlow.js forgets those of a layer that is called twice
    model.dispose();
    for (const variable of variables) if (!variable.isDisposed) variable.dispose();
  }
});

interface Case {
  readonly build: () => LayersModel;
  readonly x: (m: number) => Tensor;
  readonly y: (m: number) => Tensor;
}

/** A skip over several stages, a regulariser, dropout. */
function skipping(): LayersModel {
  const x = input({ shape: [6] });
  const first = layers.dense({ units: 6, activation: 'tanh', kernelRegularizer: regularizers.l2({ l2: 0.01 }), kernelInitializer: 'glorotNormal' }).apply(x) as SymbolicTensor; // prettier-ignore
  let h = first;
  for (let i = 0; i < 3; i++) {
    h = layers.dense({ units: 6, activation: 'relu', ...(i === 0 && { kernelRegularizer: 'l1l2' }) }).apply(h) as SymbolicTensor; // prettier-ignore
    h = layers.dropout({ rate: 0.3 }).apply(h) as SymbolicTensor;
  }
  const sum = layers.add().apply([h, first]) as SymbolicTensor;
  return modelOf({ inputs: x, outputs: layers.dense({ units: 3, activation: 'softmax' }).apply(sum) as SymbolicTensor }); // prettier-ignore
}

const text = {
  vocabulary: 20,
  hidden: 8,
  heads: 2,
  layers: 2,
  intermediate: 12,
  positions: 5,
  length: 5,
  seed: 3,
};
const reals = (m: number): Tensor => randomNormal([4, 6], 0, 1, 'float32', 20 + m);
const labels = (m: number): Tensor => randomUniform([4], 0, 3, 'int32', 40 + m);
const cases: Record<string, Case> = {
  chain: {
    build: () => mlp({ inputShape: [6], units: [5, 4, 5, 4], classes: 3, dropout: 0.2, seed: 3 }),
    x: reals,
    y: labels,
  },
  'skip, regulariser and dropout': { build: skipping, x: reals, y: labels },
  'language model whose table is used at both ends': {
    build: () => bert({ ...text, head: 'language-model', output: 'softmax' }),
    x: (m) => randomUniform([3, 5], 1, 20, 'int32', 60 + m),
    y: (m) => randomUniform([3, 5], 0, 20, 'int32', 80 + m),
  },
};

const random = new Random(5);
const training = (m: number) => ({ training: true, random, step: m });
/** Without dropout: the parts of a split layer cannot drop what the whole drops. */
const still = (m: number) => ({ training: false, random, step: m });
const loss = lossFunction('crossEntropy');
const evenCuts = (blocks: number, pieces: number): number[] => Array.from({ length: pieces + 1 }, (_, k) => Math.floor((k * blocks) / pieces)); // prettier-ignore

/** Values of gradients by micro-batch and variable, and the loss of each. */
interface Outcome {
  readonly gradients: Map<string, Float32Array>;
  readonly losses: number[];
}

function oneRank(
  program: Program,
  batches: readonly { inputs: Tensor[]; target: Tensor }[],
  mode = training,
): Outcome {
  const gradients = new Map<string, Float32Array>();
  const losses = batches.map(({ inputs, target }, m) => {
    const result = gradientsOf(program, inputs, target, loss, mode(m));
    for (const [variable, gradient] of result.gradients) {
      gradients.set(`${m} ${variable.name}`, gradient.dataSync<'float32'>().slice());
      gradient.dispose();
    }
    return result.loss;
  });
  return { gradients, losses };
}

async function manyRanks(
  programs: readonly Program[],
  shape: { stages: number; chunks: number; name: ScheduleName },
  batches: readonly { inputs: Tensor[]; target: Tensor }[],
  mode = training,
): Promise<Outcome[]> {
  const outcomes = programs.map((): Outcome => ({ gradients: new Map(), losses: batches.map(() => 0) }));
  const { stages, chunks, name } = shape;
  const schedule = pipelineSchedule(name, { stages, microBatches: batches.length, chunks });
  const terms: { place: number; value: number }[][][] = programs.map(() => batches.map(() => []));
  await simulate(stages * programs.length, async ({ comm }) => {
    const ranks = await mesh(comm, { pipeline: stages, tensor: programs.length });
    const t = ranks.tensor.rank;
    const program = programs[t]!;
    const found = await runPipeline({
      program,
      cuts: evenCuts(program.blocks.length, stages * chunks),
      steps: schedule[ranks.pipeline.rank]!,
      batches,
      mode,
      loss,
      pipeline: ranks.pipeline,
      tensor: ranks.tensor,
      onGradients(_, m, gradients) {
        for (const [variable, gradient] of gradients) {
          expect(outcomes[t]!.gradients.has(`${m} ${variable.name}`)).toBe(false);
          outcomes[t]!.gradients.set(`${m} ${variable.name}`, gradient.dataSync<'float32'>().slice());
          gradient.dispose();
        }
      },
    });
    for (const [m, more] of found.entries()) terms[t]![m]!.push(...more);
  });
  for (const [t, outcome] of outcomes.entries())
    for (const [m, list] of terms[t]!.entries())
      outcome.losses[m] = list
        .sort((a, b) => a.place - b.place)
        .reduce((sum, { value }) => Math.fround(sum + value), 0);
  return outcomes;
}

describe.each(Object.entries(cases))('a pipeline of a %s', (_, { build, x, y }) => {
  const batchesOf = (count: number) =>
    Array.from({ length: count }, (_, m) => ({ inputs: [x(m)], target: y(m) }));
  const free = (batches: ReturnType<typeof batchesOf>): void => {
    for (const { inputs, target } of batches) for (const one of [...inputs, target]) one.dispose();
  };

  it.each<[ScheduleName, number, number, number]>([
    ['gpipe', 2, 1, 3],
    ['1f1b', 1, 1, 2],
    ['1f1b', 2, 1, 1],
    ['1f1b', 3, 1, 5],
    ['1f1b', 4, 1, 2],
    ['interleaved', 2, 2, 3],
    ['interleaved', 1, 2, 2],
  ])(
    'by %s on %i stages of %i pieces gives, for %i micro-batches, the bits of one rank',
    async (name, stages, chunks, count) => {
      const program = cutModel(keep(build()), { at: 'layers' });
      const batches = batchesOf(count);
      const before = memory().numTensors;
      const expected = oneRank(program, batches);
      const [got] = await manyRanks([program], { stages, chunks, name }, batches);
      expect(got).toEqual(expected);
      expect(memory().numTensors).toBe(before);
      free(batches);
    },
  );

  it('with two tensor-parallel ranks a stage gives the gradients of the whole model', async () => {
    const whole = keep(build());
    const program = cutModel(whole, { at: 'layers' });
    const split = [0, 1].map((rank) => splitModel(whole, rank, 2));
    for (const { model } of split) keep(model);
    const programs = split.map(({ model }) => cutModel(model, { at: 'layers' }));
    const batches = batchesOf(2);
    const before = memory().numTensors;
    const outcomes = await manyRanks(programs, { stages: 2, chunks: 1, name: '1f1b' }, batches, still);
    expect(memory().numTensors).toBe(before);
    const expected = oneRank(program, batches, still);
    for (const [t, outcome] of outcomes.entries()) {
      for (const [m, value] of outcome.losses.entries()) expect(value).toBeCloseTo(expected.losses[m]!, 5);
      for (const [w, part] of split[t]!.parts.entries()) {
        const variable = split[t]!.model.weights[w]!.read() as Variable;
        const whole0 = whole.getLayer(part.layer).weights[part.weight]!.read() as Variable;
        const gradient = outcome.gradients.get(`0 ${variable.name}`)!;
        const wanted = expected.gradients.get(`0 ${whole0.name}`)!;
        expect(gradient.length, part.layer).toBe(variable.size);
        const inner = part.shape.slice((part.axis ?? 0) + 1).reduce((product, d) => product * d, 1);
        const along = part.shape[part.axis ?? 0] ?? 1;
        const width = (part.end - part.begin) * inner;
        for (let i = 0; i < gradient.length; i++) {
          const outer = Math.floor(i / width);
          const at = (outer * along + part.begin) * inner + (i % width);
          expect(Math.abs(gradient[i]! - wanted[at]!), `${part.layer} ${i}`).toBeLessThan(1e-5);
        }
      }
    }
    free(batches);
  });
});
