import { given, modelFiles, type Command, type CommandContext } from '@ockham/core/cli/node';
import { layerPaths } from '@ockham/core/graph';
import { compareModels, describeModels, textTable } from '@ockham/core/metrics';
import { tensor, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import {
  compressEmbeddings,
  type CompressEmbeddingsOptions,
  type CompressEmbeddingsReport,
} from '../fit/compress-embeddings.ts';
import { emptyLayer } from '../fit/fit-table.ts';
import { embeddingLayers } from '../fit/targets.ts';
import { encodeTable } from '../files/encode-table.ts';
import { CompressedEmbedding } from '../layers/compressed-embedding.ts';
import { formOf, type TableSize } from './table-form.node.ts';
import { readFrequencies } from './frequencies.node.ts';

const options = {
  method: {
    type: 'string',
    choices: ['count-sketch', 'hash', 'robe', 'quotient-remainder', 'product-quantisation', 'int8'],
    help: 'The form of the table. Default count-sketch.',
  },
  ratio: {
    type: 'number',
    value: 'times',
    help: 'As many times smaller; sets --rows of count-sketch and hash, --size of robe.',
  },
  rows: { type: 'integer', help: 'Rows of each hash function, of count-sketch and hash.' },
  hashes: { type: 'integer', help: 'Hash functions of count-sketch. Default 4.' },
  estimator: {
    type: 'string',
    choices: ['median', 'mean', 'median-of-means'],
    help: 'Of count-sketch. Default median.',
  },
  size: { type: 'integer', help: 'Numbers of robe.' },
  block: { type: 'integer', help: 'Numbers of robe that stay together.' },
  buckets: { type: 'integer', help: 'Of quotient-remainder. Default about the root of the vocabulary.' },
  parts: { type: 'integer', help: 'Bytes of a token, of product-quantisation; a divisor of the dimension.' },
  frequencies: {
    type: 'string',
    value: 'file',
    help: 'How often the text has each token, by id: .npy, or a number a line. Default: all the same.',
  },
  'heavy-hitters': {
    type: 'integer',
    help: 'So many of the most frequent tokens get rows of their own; needs --frequencies.',
  },
  iterations: { type: 'integer', help: 'Rounds of the fit at most. Default 50.' },
  table: {
    type: 'list',
    value: 'layer',
    help: 'Compress this table only; may be given several times. Default: all that get smaller.',
  },
} as const;

type Context = CommandContext<typeof options>;

const who = 'compressEmbeddings';

/** Compresses the embedding tables of a saved model. */
export const embeddingsCommand: Command<typeof options> = {
  summary:
    'Puts compressed tables in the place of the embedding layers of a model, each fitted to the trained one. The result is a model.json, which opens where @ockham/count-sketch-embed is imported, and each table as a file of its own.',
  options,
  data: 'optional',
  examples: [
    ['model.json --ratio 16 --out small/', 'a count-sketch, a sixteenth of the numbers'],
    ['model.json --method product-quantisation --parts 8 --out small/', 'eight bytes a token'],
    [
      'model.json --ratio 16 --frequencies counts.npy --heavy-hitters 500 --out small/',
      'the most frequent words exact',
    ],
    ['model.json --method robe --ratio 32 --dry-run', 'see the sizes first'],
  ],
  async plan(context) {
    const rest = await formOptions(context);
    const rows = [...tablesOf(context)].map(([path, size]) => {
      const { storedBytes: after } = emptyLayer(who, size, rest, fitOptions(rest));
      return { path, ...size, bytesBefore: 4 * size.vocabulary * size.dimension, bytes: after };
    });
    return { text: formatTables(rows), plan: { tables: rows } };
  },
  async run(context) {
    const { model, data, loss, latency, signal } = context;
    const result = await compressEmbeddings(model, await formOptions(context));
    try {
      const inputs = (batch: number) => idsFor(model, batch, smallestVocabulary(context));
      const reports = await describeModels(
        { before: model, after: result.model },
        {
          signal,
          latency: latency && hasFixedInputs(model) && { ...latency, inputs },
          ...(data?.test && { data: data.test, evaluate: { loss } }),
        },
      );
      const files = await modelFiles(result.model);
      const forms = [[...files.keys()]];
      for (const [layer, path] of layerPaths(result.model))
        if (layer instanceof CompressedEmbedding)
          files.set(`tables/${path.replaceAll('/', '.')}.safetensors`, encodeTable(layer));
      const report = compareModels(reports['before']!, reports['after']!, { promised: ['smaller-file'] });
      const { warnings, ...details } = result.report;
      return {
        files,
        forms,
        report: { ...report, warnings: [...warnings, ...report.warnings] },
        details,
        text: formatReport(result.report),
      };
    } finally {
      result.model.dispose();
    }
  },
};

/** The sizes of the tables that the command is for, by path. */
function tablesOf({ model, options: { table } }: Context): Map<string, TableSize> {
  return new Map(
    [...embeddingLayers(who, model, table)].map(([path, layer]) => {
      const [vocabulary, dimension] = layer.weights[0]!.shape as [number, number];
      return [path, { vocabulary, dimension }];
    }),
  );
}

async function formOptions(context: Context): Promise<CompressEmbeddingsOptions> {
  const { options: wanted, seed, signal, progress } = context;
  const { table, iterations, frequencies: file } = wanted;
  const form = formOf(wanted, [...tablesOf(context).values()]);
  const frequencies = file === undefined ? undefined : await readFrequencies(file);
  return { ...form, ...given({ targets: table, iterations, frequencies }), seed, signal, progress };
}

function fitOptions({ frequencies, seed }: CompressEmbeddingsOptions) {
  return given({ frequencies: frequencies as ArrayLike<number> | undefined, seed });
}

function smallestVocabulary(context: Context): number {
  return Math.min(...[...tablesOf(context).values()].map(({ vocabulary }) => vocabulary));
}

/** Where a size is left open, no batch can be made up. */
function hasFixedInputs(model: LayersModel): boolean {
  return model.inputs.every(({ shape }) => shape.slice(1).every((size) => size !== null));
}

/** A batch of token ids for every input. */
function idsFor(model: LayersModel, batch: number, vocabulary: number): Tensor | Tensor[] {
  const made = model.inputs.map(({ shape }) => {
    const sizes = [batch, ...(shape.slice(1) as number[])];
    const count = sizes.reduce((product, size) => product * size, 1);
    return tensor(
      Int32Array.from({ length: count }, (_, i) => (i * 7919) % vocabulary),
      sizes,
      'int32',
    );
  });
  return made.length === 1 ? made[0]! : made;
}

interface TableRow extends TableSize {
  readonly path: string;
  readonly bytesBefore: number;
  readonly bytes: number;
}

function formatTables(rows: readonly TableRow[]): string {
  const count = (value: number) => value.toLocaleString('en-US');
  const cells = rows.map(({ path, vocabulary, dimension, bytesBefore, bytes }) => [
    path,
    `${count(vocabulary)}×${dimension}`,
    count(bytesBefore),
    count(bytes),
    `${(bytesBefore / bytes).toFixed(1)}×`,
  ]);
  return textTable([['table', 'size', 'bytes', 'after', 'smaller'], ...cells]);
}

function formatReport({ tables, kept }: CompressEmbeddingsReport): string {
  const errors = tables.map(({ path, error }) => `${path}: relative error ${error.toPrecision(3)}`);
  const left = kept.map(({ path, reason }) => `${path} is left as it is: ${reason}`);
  return [formatTables(tables), ...errors, ...left, ''].join('\n');
}
