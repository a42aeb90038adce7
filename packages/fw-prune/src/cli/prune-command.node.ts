import { given, modelFiles, type Command, type CommandContext } from '@ockham/core/cli/node';
import { formatPlan } from '../plan.ts';
import type { PruneOptions, PruneRecord } from '../options.ts';
import { prune } from '../prune.ts';
import { encodeSparseModel } from '../sparse-file.ts';

const options = {
  sparsity: {
    type: 'number',
    value: 'fraction',
    help: 'Fraction of the weights to remove, in [0, 1). Needed, but with a pattern such as 2:4, which fixes it.',
  },
  method: {
    type: 'string',
    choices: ['simple', 'frank-wolfe', 'frank-wolfe-momentum'],
    help: 'Algorithm 2, 3 or 4 of the paper. Default frank-wolfe-momentum.',
  },
  iterations: {
    type: 'integer',
    help: 'Prunings with training between. Default 10; 1 with --method simple.',
  },
  epochs: {
    type: 'number',
    help: 'Passes over the training data after each iteration, 0 for none. Default 1.',
  },
  'learning-rate': {
    type: 'number',
    value: 'rate',
    help: 'Of training again. Default: 0.003, falling to 0 over the whole run.',
  },
  'batch-size': { type: 'integer', help: 'Of training again. Default 128.' },
  scope: {
    type: 'string',
    choices: ['global', 'layer', 'lamp'],
    help: 'How layers compete for weights. Default lamp; global with --method simple.',
  },
  criterion: {
    type: 'string',
    choices: ['magnitude', 'gradient', 'weight-gradient', 'lmo', 'natural-lmo', 'random'],
    help: 'What a weight is worth. Default natural-lmo; magnitude with --method simple.',
  },
  pattern: {
    type: 'string',
    value: '2:4 or 4x1',
    help: 'Keep n of every m inputs, or whole blocks of outputs x inputs. Default: any weights.',
  },
  exclude: { type: 'list', value: 'layer', help: 'Leave this layer dense; may be given several times.' },
  half: { type: 'boolean', help: 'Values of half precision in model.sparse.' },
} as const;

type Context = CommandContext<typeof options>;

/** Prunes a saved model. */
export const pruneCommand: Command<typeof options> = {
  summary:
    'Removes weights of a model by Frank-Wolfe or magnitude pruning and trains the rest. The result is a model.json with zeros, which opens anywhere, and model.sparse, the small file, which @ockham/fw-prune reads.',
  options,
  data: 'required',
  resumes: true,
  examples: [
    ['model.json --sparsity 0.9 --data mnist --out pruned/', 'remove nine weights of ten'],
    ['model.json --sparsity 0.9 --data mnist --dry-run', 'see first which layers lose how many'],
    [
      'model/ --pattern 2:4 --data mine.npz --hold-out 500 --out pruned/',
      'two of every four inputs, own data',
    ],
    [
      'model.json --sparsity 0.95 --data mnist --checkpoint run.ockham --out pruned/',
      'can be stopped and goes on',
    ],
  ],
  async plan(context) {
    const plan = await prune(context.model, dataOf(context), { ...optionsOf(context), dryRun: true });
    return { text: formatPlan(plan), plan };
  },
  async run(context) {
    const { model, masks, history, report } = await prune(context.model, dataOf(context), optionsOf(context));
    try {
      const values = context.options.half ? 'float16' : 'float32';
      const { bytes } = await encodeSparseModel(model, { values });
      const files = new Map([...(await modelFiles(model)), ['model.sparse', bytes] as const]);
      const forms = [['model.json', 'weights.bin'], ['model.sparse']];
      return { files, forms, report: report!, details: { history }, text: formatHistory(history) };
    } finally {
      masks.dispose();
      model.dispose();
    }
  },
};

function dataOf({ data }: Context) {
  return data!;
}

function optionsOf(context: Context): PruneOptions {
  const { options: wanted, loss, latency, checkpoint, seed, progress, signal } = context;
  const { sparsity, method, iterations, scope, criterion, pattern, exclude } = wanted;
  const retrain = given({
    epochs: wanted.epochs,
    learningRate: wanted['learning-rate'],
    batchSize: wanted['batch-size'],
    loss,
  });
  return {
    ...given({ sparsity, method, iterations, scope, criterion, exclude, checkpoint }),
    ...(pattern !== undefined && { pattern: patternOf(pattern) }),
    retrain,
    ...{ seed, progress, signal, report: { latency } },
  };
}

/** The method checks the rest. */
function patternOf(text: string): NonNullable<PruneOptions['pattern']> {
  const [, n, m] = /^(\d+):(\d+)$/.exec(text) ?? [];
  if (n !== undefined) return { n: Number(n), m: Number(m) };
  const [, outputs, inputs] = /^(\d+)x(\d+)$/.exec(text) ?? [];
  if (outputs !== undefined) return { block: [Number(outputs), Number(inputs)] };
  return text as NonNullable<PruneOptions['pattern']>;
}

function formatHistory(history: readonly PruneRecord[]): string {
  const { nonZeros, sparsity, accuracy } = history.at(-1)!;
  const measured = accuracy === undefined ? '' : `, test accuracy ${(100 * accuracy).toFixed(2)} %`;
  return `${nonZeros.toLocaleString('en-US')} weights left, ${(100 * sparsity).toFixed(1)} % removed${measured}`;
}
