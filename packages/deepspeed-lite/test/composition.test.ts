import { readFile } from 'node:fs/promises';
import { gaussianClusters } from '@ockham/core/datasets';
import { simulate } from '@ockham/core/comm';
import { memoryStore } from '@ockham/core/files';
import { cloneModel, mlp } from '@ockham/core/models';
import { describe, expect, it } from 'vitest';
import { compositionMatrix, compositionRows, REASONS, type Cell } from '../src/engine/composition.ts';
import {
  compressedState,
  flatLayout,
  initialize,
  topK,
  verify,
  type CompressedOptimizer,
  type EngineConfig,
} from '../src/index.ts';
import { compressedOptimizerFrom, type CompressedOptimizerConfig } from '../src/index.ts';

const { train: data } = gaussianClusters({ classes: 3, features: 6, examples: 48, separation: 3, seed: 7 });
const model = mlp({ inputShape: [6], units: [5, 4], classes: 3, dropout: 0.2, seed: 3 });
const oneBit: CompressedOptimizerConfig = { name: 'oneBitAdam', warmupSteps: 2 };
const cells = compositionMatrix();
const titleOf = ({ row, column, extra }: Cell): string => `${row} on ${column}, ${extra}`;

function configOf({ composition }: Cell): EngineConfig {
  const { zero, tensor, pipeline, compressed, activationCheckpointing, offload } = composition;
  return {
    optimizer: compressed ? oneBit : 'adam',
    learningRate: 0.01,
    zero,
    mesh: { data: 2, tensor: tensor ? 2 : 1, pipeline: pipeline ? 2 : 1 },
    microBatch: 2,
    accumulation: 2,
    bucketSize: 20,
    activationCheckpointing,
    ...(offload && { offload: () => memoryStore() }),
  };
}

/** Runs that `verify` found to have the bits of one rank. */
const verified = new Map<
  string,
  { readonly losses: readonly number[]; readonly weights: readonly number[] }
>();

describe('the composition matrix', () => {
  it('is that of the README', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    const lines = readme.split('\n').map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
    for (const row of compositionRows()) expect(lines).toContainEqual(row);
    for (const [name, reason] of Object.entries(REASONS))
      expect(readme).toContain(`- \`${name}\`: ${reason}.`);
  });

  it.each(
    cells
      .filter(({ refusal, composition }) => !refusal && !composition.compressed)
      .map((cell) => [titleOf(cell), cell] as const),
  )('supports %s: the bits of one rank', async (_, cell) => {
    const config = configOf(cell);
    const { data: d, tensor, pipeline } = config.mesh as Record<string, number>;
    const { losses, weights } = await train(d! * tensor! * pipeline!, () => config, 1 / 3);
    // stages 2 and 3 add the ranks' gradients before the micro-batches'; the rest of a cell changes no bit
    const same = `${tensor} ${config.zero! >= 2}`;
    if (!verified.has(same)) {
      const { fromSequence, losses: found } = await verify(model, config, data, { steps: 2 });
      expect(fromSequence).toEqual({ loss: 0, relativeLossAtFirst: 0, lastLoss: 0, parameters: 0 });
      expect(found).toEqual(losses);
      verified.set(same, { losses, weights });
    }
    expect({ losses, weights }).toEqual(verified.get(same));
  });

  it.each(cells.filter(({ refusal }) => refusal).map((cell) => [titleOf(cell), cell] as const))(
    'refuses %s by name',
    async (_, cell) => {
      const { data: d, tensor, pipeline } = configOf(cell).mesh as Record<string, number>;
      const comm = { rank: 0, size: d! * tensor! * pipeline! } as Parameters<typeof initialize>[2] & object;
      await expect(initialize(model, configOf(cell), { comm: comm as never })).rejects.toThrow(
        `oneBitAdam cannot be combined with ${cell.refusal!}: ${REASONS[cell.refusal!]}`,
      );
    },
  );
});

it('refuses 16-bit storage for the 1-bit family by name', async () => {
  const config: EngineConfig = { optimizer: oneBit, precision: 'bfloat16' };
  await expect(initialize(model, config)).rejects.toThrow(
    `oneBitAdam cannot be combined with precision: ${REASONS.half}`,
  );
});

/** Ranks that all have the whole model, and step each stage's part of it by itself. */
function byStages(make: () => CompressedOptimizer, border: number): CompressedOptimizer {
  const halves = [make(), make()];
  const states: Record<string, Float32Array>[] = [];
  return {
    name: 'by stages',
    slots: {},
    async step({ parameters, layout }, gradients, context) {
      for (const [s, optimizer] of halves.entries()) {
        const [begin, end] = s === 0 ? [0, border] : [border, layout.length];
        const entries = layout.entries.filter(({ offset }) => offset >= begin && offset < end);
        const own = flatLayout(entries, layout.ranks);
        const cut = (values: Float32Array): Float32Array => {
          const part = new Float32Array(own.padded);
          part.set(values.subarray(begin, end));
          return part;
        };
        states[s] ??= compressedState(optimizer, own, context.comm);
        const mine = cut(parameters);
        const slice = { parameters: mine, state: states[s], begin: 0, end: own.padded, layout: own };
        await optimizer.step(slice, cut(gradients), context);
        parameters.set(mine.subarray(0, own.length), begin);
      }
    },
  };
}

async function train(
  ranks: number,
  config: () => EngineConfig,
  epochs = 1,
): Promise<{
  readonly losses: readonly number[];
  readonly weights: readonly number[];
  readonly parameters: number;
}> {
  const { results } = await simulate(ranks, async ({ comm }) => {
    const copy = await cloneModel(model);
    const engine = await initialize(copy, config(), { comm });
    const { losses } = await engine.fit(data, { epochs });
    const { parameters } = engine.report();
    await engine.close();
    const weights = copy.getWeights().flatMap((weight) => [...weight.dataSync()]);
    copy.dispose();
    return { losses, weights, parameters };
  });
  for (const { losses, weights } of results) expect({ losses, weights }).toEqual({ losses: results[0]!.losses, weights: results[0]!.weights }); // prettier-ignore
  return results[0]!;
}

describe('the 1-bit family on pipeline stages', () => {
  it.each<[CompressedOptimizerConfig, boolean]>([
    [oneBit, false],
    [oneBit, true],
    [{ name: 'oneBitLamb', warmupSteps: 2 }, false],
    [{ name: 'zeroOneAdam', freezeStep: 3, maxInterval: 1 }, false],
    [{ name: 'ef21', compressor: topK(0.3), optimizer: 'adam' }, false],
  ])(
    'has with %j, activation checkpointing %j, the bits of ranks that step every stage by itself',
    async (optimizer, activationCheckpointing) => {
      const config: EngineConfig = {
        learningRate: 0.01,
        microBatch: 2,
        accumulation: 2,
        activationCheckpointing,
      };
      const staged = await train(4, () => ({ ...config, optimizer, mesh: { pipeline: 2 } }));
      const make = (): CompressedOptimizer => compressedOptimizerFrom(optimizer);
      const expected = await train(2, () => ({ ...config, optimizer: byStages(make, staged.parameters) }));
      expect(staged.losses).toEqual(expected.losses);
      expect(staged.weights).toEqual(expected.weights);
    },
  );
});
