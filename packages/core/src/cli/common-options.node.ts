import type { Command, OptionSpecs } from './command.node.ts';

/** Names of `--loss`. */
export type LossName = 'crossEntropy' | 'crossEntropyFromLogits' | 'meanSquaredError';

const LOSSES: readonly LossName[] = ['crossEntropy', 'crossEntropyFromLogits', 'meanSquaredError'];

const DATA = {
  data: {
    type: 'string',
    value: 'name or path',
    help: 'mnist, fashion-mnist, cifar10, cifar100, sst-2, mrpc, rte, qnli, or your own: .npz, .csv, .tsv (texts) or a folder of IDX files.',
  },
  'train-examples': { type: 'integer', value: 'n', help: 'Use the first n training examples. Default: all.' },
  'test-examples': { type: 'integer', value: 'n', help: 'Use the first n test examples. Default: all.' },
  'hold-out': {
    type: 'integer',
    value: 'n',
    help: 'Test on the last n training examples, kept out of training, in place of the test split.',
  },
  scale: {
    type: 'number',
    value: 'factor',
    help: 'The model sees your own .npz or .csv values times this, for example 1/255. Default 1.',
  },
  vocabulary: {
    type: 'string',
    value: 'vocab.txt',
    help: 'WordPiece tokens of the texts, one a line. Default: the published English uncased ones.',
  },
  loss: {
    type: 'string',
    choices: LOSSES,
    help: 'Default: by the last activation and the targets; softmax takes crossEntropy, real targets take meanSquaredError.',
  },
} as const satisfies OptionSpecs;

const OUTPUT = {
  out: { type: 'string', value: 'folder', help: 'Where the result goes. Must be new or empty.' },
  force: {
    type: 'boolean',
    help: 'Replace an --out that holds an earlier result. A folder with other files in it is never replaced.',
  },
  'dry-run': { type: 'boolean', help: 'Say what would be done; write nothing.' },
  json: { type: 'boolean', help: 'Print one JSON document to standard output, errors too.' },
  'no-latency': { type: 'boolean', help: 'Leave the timing of both models out of the report.' },
} as const satisfies OptionSpecs;

const MACHINE = {
  engine: {
    type: 'string',
    choices: ['auto', 'tensorflow', 'wasm', 'cpu'],
    help: 'Default: OCKHAM_ENGINE, else auto: the native binding where it loads, else wasm, else cpu.',
  },
  threads: { type: 'integer', value: 'n', help: 'Threads of an operation. Default: as the engine has it.' },
  seed: {
    type: 'integer',
    value: 'n',
    help: 'Seeds everything random: the same seed on the same engine gives the same bytes. Default 0.',
  },
} as const satisfies OptionSpecs;

const CHECKPOINT = {
  checkpoint: {
    type: 'string',
    value: 'file',
    help: 'Keep the run here while it lasts; the same command goes on from it.',
  },
} as const satisfies OptionSpecs;

const OTHER = {
  debug: { type: 'boolean', help: 'Print the stack of an error.' },
  help: { type: 'boolean', help: 'Print this.' },
  version: { type: 'boolean', help: 'Print the version.' },
} as const satisfies OptionSpecs;

/** What every command takes, by the headings of `--help`. */
export function commonOptions({
  resumes = false,
}: Pick<Command, 'resumes'>): Readonly<Record<string, OptionSpecs>> {
  return {
    Data: DATA,
    Output: { ...OUTPUT, ...(resumes ? CHECKPOINT : {}) },
    Machine: MACHINE,
    Other: OTHER,
  };
}

/** Values of the options that every command takes. */
export interface CommonValues {
  readonly data?: string;
  readonly 'train-examples'?: number;
  readonly 'test-examples'?: number;
  readonly 'hold-out'?: number;
  readonly scale?: number;
  readonly vocabulary?: string;
  readonly loss?: LossName;
  readonly out?: string;
  readonly force?: boolean;
  readonly 'dry-run'?: boolean;
  readonly json?: boolean;
  readonly 'no-latency'?: boolean;
  readonly engine?: 'auto' | 'tensorflow' | 'wasm' | 'cpu';
  readonly threads?: number;
  readonly seed?: number;
  readonly checkpoint?: string;
  readonly debug?: boolean;
  readonly help?: boolean;
  readonly version?: boolean;
}
