import { given, modelFiles, type Command, type CommandContext } from '@ockham/core/cli/node';
import { textTable } from '@ockham/core/metrics';
import {
  compress,
  encodeCompressed,
  exportLayersModel,
  type CompressOptions,
  type CompressReport,
  type GridBits,
} from '../compress/index.ts'; // as a whole: it registers the layers
import { planCompression } from '../compress/options.ts';

const options = {
  bits: {
    type: 'string',
    choices: ['8', '4', '3', '2', 'ternary', 'binary', 'fp8-e4m3', 'fp8-e5m2', 'fp4-e2m1'],
    help: 'Of a weight, or the name of another grid. Default 8.',
  },
  group: {
    type: 'integer',
    help: 'So many consecutive inputs share a scale. Default: one scale for each output.',
  },
  asymmetric: { type: 'boolean', help: 'A zero point beside each scale, for integers.' },
  range: {
    type: 'string',
    choices: ['minmax', 'mse'],
    help: 'How scales are chosen. Default mse with --distill, else minmax.',
  },
  activations: {
    type: 'string',
    choices: ['8', 'float32'],
    help: '8 rounds the inputs of layers too. Default float32.',
  },
  layer: {
    type: 'list',
    value: 'path=bits',
    help: 'Other bits for one layer, or float to leave it; may be given several times.',
  },
  smallest: { type: 'integer', help: 'Weights of fewer values stay floats. Default 1024.' },
  distill: { type: 'boolean', help: "Fit each layer's codes to the float layer's outputs on examples." },
  'low-rank': {
    type: 'integer',
    value: 'rank',
    help: 'Of a compensation of what each dense layer loses. Default 0, none.',
  },
  floats: {
    type: 'string',
    choices: ['float16', 'float32'],
    help: 'How the file keeps what is not packed. Default float16.',
  },
  examples: {
    type: 'integer',
    help: 'Training examples that calibration and distillation see, without labels. Default 128.',
  },
  export: {
    type: 'boolean',
    help: 'Also write the float model that the codes stand for, as model.json; as large as before.',
  },
} as const;

type Context = CommandContext<typeof options>;

const who = 'compress';

/** Compresses a saved model to few bits. */
export const compressCommand: Command<typeof options> = {
  summary:
    'Packs the large weights of a model, dense kernels, convolutions and tables, into codes of a few bits, without training. The result is model.safetensors, which loadCompressed of @ockham/deepspeed-lite/node reads.',
  options,
  data: 'required',
  examples: [
    ['model.json --bits 8 --data mnist --out small/', 'a quarter of the size'],
    ['model.json --bits 4 --group 32 --distill --data mnist --out small/', 'an eighth, fitted to examples'],
    ['model.json --bits 4 --layer head=float --data mine.npz --out small/', 'leave the layer head as it is'],
    ['model.json --bits 3 --data mnist --dry-run', 'see first which layers are packed'],
  ],
  async plan(context) {
    const planned = planCompression(who, context.model, context.data!, optionsOf(context));
    const rows = planned.map(({ path, outputs, inputs, grid }) => ({
      path,
      outputs,
      inputs,
      values: outputs * inputs,
      bits: grid.bits,
    }));
    const cells = rows.map(({ path, outputs, inputs, values, bits }) => [
      path,
      `${inputs}×${outputs}`,
      values.toLocaleString('en-US'),
      String(bits),
    ]);
    const packed = rows.reduce((sum, { values }) => sum + values, 0);
    const all = context.model.countParams();
    return {
      text: `${textTable([['layer', 'size', 'weights', 'bits'], ...cells])}\n${packed.toLocaleString('en-US')} of ${all.toLocaleString('en-US')} parameters would be packed.`,
      plan: { rows, packed, parameters: all },
    };
  },
  async run(context) {
    const { model, report } = await compress(context.model, context.data!, optionsOf(context));
    try {
      const files = new Map([['model.safetensors', await encodeCompressed(model)]]);
      if (context.options.export) {
        const plain = await exportLayersModel(model);
        for (const [name, bytes] of await modelFiles(plain)) files.set(name, bytes);
        plain.dispose();
      }
      const { comparison, ...details } = report;
      const forms = [['model.safetensors']];
      return { files, forms, report: comparison!, details, text: formatWeights(report) };
    } finally {
      model.dispose();
    }
  },
};

function optionsOf({ options: wanted, loss, latency, progress, signal }: Context): CompressOptions {
  const { bits = '8', group, range, activations, layer = [], smallest, distill, floats, examples } = wanted;
  const quantize = {
    weights: bitsOf(bits) as GridBits,
    ...given({ group, range, smallest }),
    ...(wanted.asymmetric && { symmetric: false }),
    ...(activations !== undefined && {
      activations: activations === '8' ? (8 as const) : ('float32' as const),
    }),
    ...(layer.length > 0 && { layers: Object.fromEntries(layer.map(layerOf)) }),
  };
  const seen = latency && { batch: [1, 32], ...latency };
  return {
    quantize,
    ...given({ distill, floats, examples, lowRank: wanted['low-rank'] }),
    ...{ loss, progress, signal, report: { latency: seen } },
  };
}

/** A number where it is one; the method refuses what it does not know. */
function bitsOf(text: string): GridBits | 'float' {
  return (/^\d+$/.test(text) ? Number(text) : text) as GridBits | 'float';
}

function layerOf(text: string): [path: string, bits: GridBits | 'float'] {
  const at = text.lastIndexOf('=');
  return [text.slice(0, Math.max(at, 0)), bitsOf(text.slice(at + 1))];
}

function formatWeights({ weights, floats }: CompressReport): string {
  const cells = weights.map(({ path, coding, values, bytes, error }) => [
    path,
    coding,
    values.toLocaleString('en-US'),
    bytes.toLocaleString('en-US'),
    error.toPrecision(2),
  ]);
  const kept = floats.length > 0 ? `left as floats: ${floats.map(({ path }) => path).join(', ')}\n` : '';
  return `${textTable([['layer', 'code', 'weights', 'bytes', 'error'], ...cells], 2)}\n${kept}`;
}
