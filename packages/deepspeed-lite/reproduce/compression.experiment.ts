import '@tensorflow/tfjs';
import { selectExamples, takeExamples, type Split } from '@ockham/core';
import { compareLatency, evaluate } from '@ockham/core/metrics';
import { bert } from '@ockham/core/models';
import { toRandom } from '@ockham/core/random';
import { compress, type CompressOptions } from '@ockham/deepspeed-lite/compress';
import {
  barsOverSeeds,
  claim,
  differenceAtLeast,
  experiment,
  meanAtLeast,
  where,
  type Row,
} from '@ockham/reproduce';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { normalised, pretrainedResnet } from './pretrained-resnet.ts';

interface Config {
  readonly methods: readonly Method[];
  readonly calibration: number;
  readonly testExamples: number;
  readonly trainExamples: number;
  readonly epochs: number;
  readonly latencyRepeats: number;
  readonly bert: 'tiny' | 'mini';
}

type Quantise = Omit<CompressOptions, 'report' | 'examples'>;

const GROUP = 64;

/** Every method with its options. */
const METHODS = {
  int8: { quantize: { weights: 8 } },
  'int8, activations': { quantize: { weights: 8, activations: 8 } },
  'int8, static activations': { quantize: { weights: 8, activations: 8, calibration: 'mse' } },
  'FP8 e4m3': { quantize: { weights: 'fp8-e4m3' } },
  '4-bit': { quantize: { weights: 4, group: GROUP } },
  '4-bit, distilled': { quantize: { weights: 4, group: GROUP }, distill: true },
  '4-bit, distilled, activations': {
    quantize: { weights: 4, group: GROUP, activations: 8 },
    distill: true,
  },
  'FP4 e2m1': { quantize: { weights: 'fp4-e2m1', group: GROUP } },
  '3-bit': { quantize: { weights: 3, group: GROUP } },
  '3-bit, distilled': { quantize: { weights: 3, group: GROUP }, distill: true },
  '2-bit': { quantize: { weights: 2, group: GROUP } },
  '2-bit, distilled': { quantize: { weights: 2, group: GROUP }, distill: true },
  ternary: { quantize: { weights: 'ternary' } },
  'ternary, distilled': { quantize: { weights: 'ternary' }, distill: true },
  binary: { quantize: { weights: 'binary' } },
  'binary, distilled': { quantize: { weights: 'binary' }, distill: true },
} as const satisfies Record<string, Quantise>;

type Method = keyof typeof METHODS;

const ALL = Object.keys(METHODS) as Method[];

/** The sizes of bar 1. */
const BERT_SIZES = [
  ['int8', { weights: 8 }, 3.9],
  ['4-bit, groups of 64', { weights: 4, group: GROUP }, 7.4],
  ['ternary', { weights: 'ternary' }, 15],
  ['binary', { weights: 'binary' }, 28],
] as const;

interface CompressionRow extends Row {
  readonly network: 'ResNet-20' | 'BERT-mini' | 'BERT-tiny';
  readonly method: string;
  /** Of the test images; null where only sizes are measured. */
  readonly accuracy: number | null;
  /** Float32 weights ÷ the compressed file, header included, and ÷ the weights in memory. */
  readonly fileRatio: number;
  readonly residentRatio: number;
  /** Latency of the float network ÷ that of this one, at batch 1 and 32, interleaved. */
  readonly speedUp1: number | null;
  readonly speedUp32: number | null;
  readonly weights: 'published' | 'trained here' | 'random';
}

export default experiment<Config, CompressionRow, 'cifar10'>({
  id: 'deepspeed-lite/compression',
  paper: 'Sections 3.2.2, 3.2.3 and 3.2.5: weights and activations in few bits after training',
  datasets: ['cifar10'],
  alone: true,
  scales: {
    smoke: {
      seeds: 1,
      config: {
        methods: ['int8', '4-bit, distilled', 'ternary'],
        calibration: 8,
        testExamples: 32,
        trainExamples: 64,
        epochs: 0.5,
        latencyRepeats: 1,
        bert: 'tiny',
      },
    },
    standard: {
      seeds: 2,
      config: {
        methods: ALL,
        calibration: 128,
        testExamples: 250,
        trainExamples: 1_000,
        epochs: 1,
        latencyRepeats: 5,
        bert: 'mini',
      },
    },
    extended: {
      seeds: 2,
      config: {
        methods: ALL,
        calibration: 128,
        testExamples: 500,
        trainExamples: 2_000,
        epochs: 3,
        latencyRepeats: 5,
        bert: 'mini',
      },
    },
    paper: {
      seeds: 5,
      config: {
        methods: ALL,
        calibration: 512,
        testExamples: 10_000,
        trainExamples: 50_000,
        epochs: 30,
        latencyRepeats: 31,
        bert: 'mini',
      },
    },
  },
  why: {
    methods: 'each bit width as it is rounded, and with what ZeroQuant adds',
    calibration: 'training images that ranges and distillation see, other ones for each seed',
    testExamples: 'the whole test set, or as much of it as is at hand, at paper scale',
    trainExamples: 'for a network of our own, where the published weights are not at hand',
    epochs: 'as trainExamples',
    latencyRepeats: 'interleaved measurements of both networks; medians are compared',
    bert: 'the network whose sizes are a bar; the smallest where it must be quick',
  },
  differences: [
    'The survey prints no figure for a network of this size; the bars are ours.',
    'BERT-mini has random weights here: its sizes do not depend on them. What it loses on tasks is another experiment.',
    'Where the free test images are at hand only, they were decoded from JPEG, and the published network scores about ten points less on them than on the originals. Losses are differences on the same images.',
    'A file is compared with the float32 values of the weights alone; a TensorFlow.js file is larger than that.',
    'Nothing is trained: ternary and binary weights by rounding are the floor that training with quantised weights starts from.',
    'ResNet-20 has 0.27 million weights and a fixed cost for its topology and normalisation: its ratios are below those of larger networks.',
  ],
  async run({ config, seed, data, signal, progress, checkpoint, once }) {
    const run = { seed, signal, progress, checkpoint };
    const train = normalised(takeExamples(data.cifar10.train, config.trainExamples));
    const test = normalised(takeExamples(data.cifar10.test, config.testExamples));
    const { model, weights } = await pretrainedResnet(run, train, config.epochs);
    const chosen = toRandom(seed).stream('calibration').permutation(train.size);
    const calibration = selectExamples(train, chosen.slice(0, config.calibration));
    const rows: CompressionRow[] = [
      await once('float32', async () => ({
        ...{ seed, network: 'ResNet-20' as const, method: 'float32', weights },
        accuracy: (await evaluate(model, test, { signal })).accuracy,
        ...{ fileRatio: 1, residentRatio: 1, speedUp1: 1, speedUp32: 1 },
      })),
    ];
    for (const [i, method] of config.methods.entries()) {
      progress({ stage: 'compress', done: i, total: config.methods.length });
      rows.push(
        await once(partOf(method), async () => ({
          ...{ seed, network: 'ResNet-20' as const, method, weights },
          ...(await compressed(model, calibration, test, METHODS[method], config, signal)),
        })),
      );
    }
    model.dispose();
    for (const [method, quantize] of BERT_SIZES)
      rows.push(await once(partOf(`bert ${method}`), () => bertSizes(seed, method, quantize, config.bert)));
    return rows;
  },
  figures: [
    {
      id: 'compression-accuracy',
      title: 'ResNet-20 on CIFAR-10 after training: accuracy by bits',
      paperClaim:
        'Quantisation lowers precision and accuracy; ZeroQuant does so with minimal error after training.',
      claims: [
        loses('int8', 0.2),
        loses('int8, activations', 0.2),
        loses('4-bit, distilled', 1),
        ...(['4-bit', '3-bit', '2-bit', 'ternary'] as const).map((width) =>
          claim<CompressionRow>(`${width} weights are more accurate when each layer is distilled`, {
            paper: 'ZeroQuant: layer-by-layer distillation lowers the error',
            decidedFrom: 'paper',
            measure: (rows) =>
              differenceAtLeast(
                of(rows, `${width}, distilled`),
                of(rows, width),
                ({ accuracy }) => accuracy!,
                0,
                { scale: 100, unit: 'points', names: ['distilled', 'rounded'] },
              ),
          }),
        ),
      ],
      plot: (rows) =>
        barsOverSeeds(
          rows.filter(({ accuracy }) => accuracy !== null),
          {
            title: 'ResNet-20, CIFAR-10: test accuracy of quantised weights, no training',
            x: { field: 'method', title: 'weights' },
            y: { field: 'accuracy', title: 'test accuracy', format: '.0%' },
            series: 'method',
          },
        ),
    },
    {
      id: 'compression-size',
      title: 'BERT-mini: file and memory by bits',
      paperClaim: 'Quantisation takes less memory; a file of few bits is smaller in proportion.',
      claims: BERT_SIZES.flatMap(([method, , least]) =>
        (['fileRatio', 'residentRatio'] as const).map((ratio) =>
          claim<CompressionRow>(
            `BERT-mini, ${method}: the ${ratio === 'fileRatio' ? 'file is' : 'weights in memory are'} ${least} times smaller or more`,
            {
              paper: 'our bar',
              decidedFrom: 'standard',
              measure: (rows) =>
                meanAtLeast(where(rows, { network: 'BERT-mini', method }), (row) => row[ratio], least, {
                  digits: 2,
                  unit: '×',
                }),
            },
          ),
        ),
      ),
      plot: (rows) =>
        barsOverSeeds(where(rows, { network: 'BERT-mini' }), {
          title: 'BERT-mini: float32 weights ÷ the compressed file',
          x: { field: 'method', title: 'weights' },
          y: { field: 'fileRatio', title: 'times smaller', domain: [0, 32] },
          series: 'method',
        }),
    },
  ],
});

/** A name that a part of a run may have. */
function partOf(method: string): string {
  return method.replaceAll(/[^\w-]+/g, '-');
}

function of(rows: readonly CompressionRow[], method: string): CompressionRow[] {
  return where(rows, { network: 'ResNet-20', method });
}

/** The claim that a method loses so many points at most. */
function loses(method: Method, points: number) {
  return claim<CompressionRow>(`${method}: at most ${points} points lost`, {
    paper: 'our bar for BERT-mini',
    decidedFrom: 'paper',
    measure: (rows) =>
      differenceAtLeast(of(rows, method), of(rows, 'float32'), ({ accuracy }) => accuracy!, -points / 100, {
        scale: 100,
        unit: 'points',
        digits: 2,
        names: [method, 'float32'],
      }),
  });
}

type Figures = Omit<CompressionRow, 'seed' | 'network' | 'method' | 'weights'>;

async function compressed(
  model: LayersModel,
  train: Split,
  test: Split,
  options: Quantise,
  { calibration, latencyRepeats }: Config,
  signal: AbortSignal,
): Promise<Figures> {
  const given = { ...options, examples: calibration, report: false, signal } as const;
  const { model: small, report } = await compress(model, { train }, given);
  const { accuracy } = await evaluate(small, test, { signal });
  const [one, many] = await compareLatency(
    { float: model, small },
    { batch: [1, 32], repeats: latencyRepeats, signal },
  );
  small.dispose();
  return {
    accuracy,
    fileRatio: report.file.ratio,
    residentRatio: report.resident.ratio,
    speedUp1: one!.speedup['small']!,
    speedUp32: many!.speedup['small']!,
  };
}

async function bertSizes(
  seed: number,
  method: string,
  quantize: CompressOptions['quantize'],
  preset: Config['bert'],
): Promise<CompressionRow> {
  const model = bert({ preset, length: 8, seed });
  const ids = Int32Array.from({ length: 8 }, (_, i) => i + 1);
  const train = { size: 1, x: { values: ids, shape: [8] }, y: { values: new Int32Array(1), shape: [] } };
  const { model: small, report } = await compress(model, { train }, { quantize, report: false });
  small.dispose();
  model.dispose();
  return {
    ...{ seed, network: preset === 'mini' ? 'BERT-mini' : 'BERT-tiny', method },
    ...{ weights: 'random', accuracy: null },
    ...{ fileRatio: report.file.ratio, residentRatio: report.resident.ratio },
    ...{ speedUp1: null, speedUp32: null },
  };
}
