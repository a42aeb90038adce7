import { ArgumentError } from '@ockham/core';
import { given, modelFiles, type Command, type CommandContext } from '@ockham/core/cli/node';
import { compareFactorised } from '../factorise/compare-factorised.ts';
import { compressLowRank } from '../factorise/compress-low-rank.ts';
import type { CompressLowRankOptions } from '../factorise/options.ts';
import { formatLowRankPlan } from '../factorise/plan.ts';

const options = {
  rank: { type: 'integer', help: 'The same rank for every layer.' },
  energy: {
    type: 'number',
    value: 'fraction',
    help: "Keep this fraction of each layer's squared singular values, in (0, 1).",
  },
  'max-parameters': { type: 'integer', help: 'Parameters of the whole model at most.' },
  'max-bytes': { type: 'integer', help: 'Bytes of model.json and weights.bin at most.' },
  'max-flops': { type: 'integer', help: 'FLOPs of one example at most.' },
  choose: {
    type: 'string',
    choices: ['energy', 'loss'],
    help: 'What decides between ranks within a budget; loss needs --data. Default energy.',
  },
  target: {
    type: 'list',
    value: 'layer',
    help: 'Change this layer only; may be given several times. Default: all that can be.',
  },
  metric: {
    type: 'string',
    choices: ['activations', 'weights'],
    help: 'What truncation keeps. Default activations with --data, else weights.',
  },
  examples: { type: 'integer', help: 'Training examples that activations are taken on. Default 1024.' },
  epochs: {
    type: 'number',
    help: 'Train the result again for so many passes; needs --data. Default: not trained.',
  },
  stages: { type: 'integer', help: 'Truncate in so many steps with training between. Default 1.' },
  distill: { type: 'number', value: 'weight', help: "Learn from the given model's outputs too, in (0, 1]." },
} as const;

type Context = CommandContext<typeof options>;

/** Writes the layers of a saved model as products of thin ones. */
export const compressCommand: Command<typeof options> = {
  name: 'compress',
  summary:
    'Writes large dense layers and convolutions as two thin ones, by truncated singular value decompositions, and trains the result again where --epochs asks for it. The result is an ordinary model.json.',
  options,
  data: 'optional',
  resumes: true,
  examples: [
    ['model.json --energy 0.9 --out thin/', 'keep nine tenths of the energy of each layer; no data needed'],
    ['model.json --max-bytes 100000 --data mnist --epochs 2 --out thin/', 'fit into 100 kB, trained again'],
    ['model.json --rank 8 --target dense_1 --out thin/', 'one layer, rank 8'],
    ['model.json --energy 0.9 --dry-run', 'see the ranks first'],
  ],
  async plan(context) {
    const plan = await compressLowRank(context.model, { ...optionsOf(context), dryRun: true });
    return { text: formatLowRankPlan(plan), plan };
  },
  async run(context) {
    const { model: before, data, loss, latency, signal } = context;
    const { model, plan, history } = await compressLowRank(before, optionsOf(context));
    try {
      const report = await compareFactorised(before, model, data, loss, latency, signal);
      const files = await modelFiles(model);
      const forms = [[...files.keys()]];
      return { files, forms, report, details: { plan, history }, text: `${formatLowRankPlan(plan)}\n` };
    } finally {
      model.dispose();
    }
  },
};

function optionsOf(context: Context): CompressLowRankOptions {
  const { options: wanted, data, loss, checkpoint, seed, progress, signal } = context;
  const { rank, energy, choose, target, metric, examples, epochs, stages, distill } = wanted;
  const trains = epochs !== undefined || stages !== undefined || distill !== undefined;
  if (data && !trains && (loss === 'meanSquaredError' || (choose === 'loss' && loss !== 'crossEntropy')))
    throw new ArgumentError(
      `compress: without training again the method works with the loss crossEntropy only, got ${loss}. Add --epochs, or leave out ${loss === 'meanSquaredError' ? '--data' : '--choose'}.`,
    );
  return {
    ...given({ rank, energy, choose, metric, examples, targets: target, data, checkpoint }),
    ...given({
      maxParameters: wanted['max-parameters'],
      maxBytes: wanted['max-bytes'],
      maxFlops: wanted['max-flops'],
    }),
    ...(trains && {
      retrain: {
        loss,
        ...given({ epochs, stages }),
        ...(distill !== undefined && { distill: { weight: distill } }),
      },
    }),
    ...{ seed, progress, signal, report: false },
  };
}
