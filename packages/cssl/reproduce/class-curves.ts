import type { Dataset, Split } from '@ockham/core';
import { cloneModel } from '@ockham/core/models';
import { classIncremental, type AugmentationSpec } from '@ockham/cssl';
import {
  claim,
  compareOverSeeds,
  differenceAtLeast,
  experiment,
  inEveryRow,
  lineOverSeeds,
  trainOnce,
  where,
  type Claim,
  type DatasetName,
  type Experiment,
  type Figure,
  type Scales,
  type TrainingRun,
} from '@ockham/reproduce';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { baselines, cssl, type MakeLearner, type Shared } from './methods.ts';
import { networkOf, type NetworkName } from './networks.ts';
import { drawClasses, firstClasses, type DataConfig } from './stream-data.ts';
import { streamRows, type StreamRow, type StreamRun } from './stream-rows.ts';

/** How Figures 3 to 5 are drawn on one data set. */
export interface CurveConfig extends DataConfig {
  readonly network: NetworkName;
  /** Classes at the start of the stream that base-initialised methods are trained on offline. */
  readonly baseClasses: number;
  /** Passes over the base, and over the pretraining data. */
  readonly baseEpochs: number;
  readonly pretrainEpochs: number;
  /** What every method may keep of the stream. */
  readonly bytes: number;
  readonly replay: number;
  readonly learningRate: number;
}

/** Why the values of a {@link CurveConfig} are what they are, where data sets do not differ. */
export const curveReasons: Readonly<Record<keyof CurveConfig, string>> = {
  classes: 'drawn and ordered anew for each seed',
  perClass: 'all there are at paper scale where that takes hours at most',
  testPerClass: 'all there are at paper scale',
  network: 'a residual network at paper scale where images have colours',
  baseClasses:
    'the paper’s baselines get the first 10 of 100 classes; a fifth of those that there are, two at least',
  baseEpochs: 'until the training accuracy of the base is near 1',
  pretrainEpochs: 'enough for features that transfer',
  bytes: 'the same for every method',
  replay: 'B',
  learningRate:
    'SGD with momentum 0.9, the same for every method that takes a step an example; DER++ diverges with momentum and has none',
};

/** Scales of the curves: small ones by kind of image, and what paper scale is for a data set. */
export function curveScales(
  kind: 'grey' | 'colour',
  paper: Pick<CurveConfig, 'classes' | 'perClass' | 'testPerClass' | 'baseClasses' | 'bytes'>,
): Scales<CurveConfig> {
  const grey = kind === 'grey';
  const shared = { network: 'small-cnn', learningRate: grey ? 0.05 : 0.02 } as const;
  const small = {
    ...shared,
    classes: 10,
    testPerClass: 30,
    baseClasses: 2,
    bytes: grey ? 200_000 : 500_000,
    replay: 31,
  };
  return {
    smoke: {
      seeds: 1,
      config: {
        ...shared,
        classes: 3,
        perClass: 8,
        testPerClass: 10,
        baseClasses: 2,
        baseEpochs: 1,
        pretrainEpochs: grey ? 0.004 : 0.02,
        bytes: grey ? 60_000 : 100_000,
        replay: 7,
      },
    },
    standard: {
      seeds: 2,
      config: { ...small, perClass: 10, baseEpochs: 5, pretrainEpochs: grey ? 0.05 : 0.5 },
    },
    extended: {
      seeds: 2,
      config: { ...small, perClass: 20, baseEpochs: 10, pretrainEpochs: grey ? 0.1 : 1 },
    },
    paper: {
      seeds: 5,
      config: {
        ...shared,
        ...(!grey && { network: 'resnet-8' }),
        ...paper,
        baseEpochs: grey ? 10 : 30,
        pretrainEpochs: grey ? 2 : 15,
        replay: 31,
      },
    },
  };
}

/** What differs between data sets. */
export interface CurveSubject<Name extends DatasetName> {
  readonly id: string;
  readonly dataset: Name;
  readonly title: string;
  readonly scales: Scales<CurveConfig>;
  readonly augment: AugmentationSpec;
  /** Pretraining data: another data set, or the classes that the stream leaves out. */
  readonly pretrainOn: 'rest' | DatasetName;
  readonly differences: readonly string[];
}

const cold = 'CSSL, cold start';
const warm = 'CSSL, pretrained';
/** Base-initialised, as in the paper. */
const based = ['REMIND', 'ExStream', 'Deep SLDA', 'iCaRL'] as const;
/** From random weights, as the cold start. */
const scratch = ['replay', 'DER++', 'GDumb', 'fine-tuning'] as const;
const joint = 'joint offline';

const percent = { scale: 100, unit: '%' } as const;
const at = (rows: readonly StreamRow[], method: string, classes: number) => where(rows, { method, classes });
const end = (rows: readonly StreamRow[], method: string) => where(rows, { method, last: true });
const first = (rows: readonly StreamRow[]) =>
  Math.min(...rows.filter((r) => r.method === based[0]).map((r) => r.classes));

/** Figures 3, 4 and 5 on one data set. */
export function classCurves<const Name extends DatasetName>(
  subject: CurveSubject<Name>,
): Experiment<CurveConfig, StreamRow, DatasetName> {
  const { id, dataset, title, pretrainOn, augment } = subject;
  const datasets: DatasetName[] = pretrainOn === 'rest' ? [dataset] : [dataset, pretrainOn];
  return experiment<CurveConfig, StreamRow, DatasetName>({
    id,
    paper: `Figures 3–5 on ${title}: accuracy after each class`,
    datasets,
    scales: subject.scales,
    why: curveReasons,
    differences: [
      ...subject.differences,
      'Every learner sees an example once; REMIND, ExStream, Deep SLDA and iCaRL are first trained offline on the first classes, and their curves begin there.',
      'All methods share the network, the learning rate, the number of replayed examples and the bytes of memory; Deep SLDA keeps a covariance whatever the budget.',
      'GDumb trains before each test, on as many examples in all as the learners that take a step an example; joint offline training has no budget and is the upper end.',
    ],
    async run({ config, data, ...run }) {
      const whole = data[dataset] as Dataset;
      const { train, test, rest, restClasses } = drawClasses(whole, config, run.seed);
      const [source, sourceClasses] =
        pretrainOn === 'rest'
          ? [rest, restClasses]
          : [(data[pretrainOn] as Dataset).train, (data[pretrainOn] as Dataset).classes.length];
      const stream = classIncremental(train, {
        seed: run.seed,
        order: Array.from({ length: config.classes }, (_, i) => i),
      });
      const base = firstClasses(train, config.baseClasses);
      const inputShape = train.x.shape;
      const build = (classes: number) => networkOf(config.network, { inputShape, classes, seed: run.seed });
      const models = new Map<string, LayersModel>();
      const trained = async (name: string, split: Split, classes: number, epochs: number) => {
        const known = models.get(name);
        const model = known ?? (await trainOnce(run, name, build(classes), split, { epochs, batchSize: 32 }));
        models.set(name, model);
        return cloneModel(model);
      };
      const shared: Shared = {
        seed: run.seed,
        memory: { bytes: config.bytes },
        replay: config.replay,
        optimizer: { name: 'momentum', learningRate: config.learningRate },
        augment,
        epochs: passesOfGdumb(config, train),
      };
      const learn = (
        method: string,
        make: MakeLearner,
        model: () => LayersModel | Promise<LayersModel>,
        from = 0,
      ) =>
        streamRows(run satisfies StreamRun & TrainingRun, {
          data: whole.name,
          method,
          stream,
          test,
          model,
          learner: (made) => make(made, from > 0 ? { ...shared, base } : shared),
          from,
        });
      const rows = [
        ...(await learn(cold, cssl(), () => build(config.classes))),
        ...(source
          ? await learn(warm, cssl(), () =>
              trained('pretrained', source, sourceClasses, config.pretrainEpochs),
            )
          : []),
      ];
      for (const method of [...scratch, joint] as const)
        rows.push(...(await learn(method, baselines[method], () => build(config.classes))));
      for (const method of based) {
        const model = () => trained('base', base, config.classes, config.baseEpochs);
        rows.push(...(await learn(method, baselines[method], model, base.size)));
      }
      for (const model of models.values()) model.dispose();
      return rows;
    },
    figures: [
      {
        id: 'figure-3',
        title: `Accuracy after each class, ${title}`,
        paperClaim:
          'Baselines begin high and fall; a cold start begins low and ends above all of them; pretrained CSSL has no gap at the start.',
        claims: shapeClaims(),
        plot: curves(title, 'top1', 'test accuracy on the classes seen'),
      },
      {
        id: 'figure-4',
        title: `Cold start and pretrained, ${title}`,
        paperClaim: 'The two curves of CSSL of Figure 3.',
        claims: [
          claim('pretraining does not cost accuracy at the end', {
            paper: 'Figure 4: the pretrained curve ends at least as high',
            measure: (rows) =>
              differenceAtLeast(end(rows, warm), end(rows, cold), (r) => r.top1, -0.01, {
                ...percent,
                names: [warm, cold],
              }),
          }),
        ],
        plot: (rows) =>
          curves(
            title,
            'top1',
            'test accuracy on the classes seen',
          )(rows.filter((r) => r.method === cold || r.method === warm)),
      },
      {
        id: 'figure-5',
        title: `Top-5 accuracy after each class, ${title}`,
        paperClaim: 'The same with top-5 accuracy: higher, and the same order.',
        claims: [
          claim('top-5 accuracy of a cold start at the end is above its top-1', {
            paper: 'Figure 5',
            measure: (rows) => inEveryRow(end(rows, cold), (r) => r.top5 >= r.top1),
          }),
        ],
        plot: (rows) =>
          curves(
            title,
            'top5',
            'top-5 test accuracy',
          )(rows.filter((r) => r.method === cold || r.method === warm)),
      },
    ] satisfies Figure<StreamRow>[],
  });
}

/** So many passes at each test that in all GDumb trains on as many examples as a learner that steps with each example. */
function passesOfGdumb({ classes, replay, bytes }: CurveConfig, train: Split): number {
  const stored = Math.min(train.size, Math.floor((bytes * train.size) / train.x.values.length));
  return Math.max(1, Math.round((train.size * (replay + 1)) / (classes * stored)));
}

function shapeClaims(): Claim<StreamRow>[] {
  return [
    ...based.map((rival) =>
      claim<StreamRow>(`a cold start begins below ${rival}`, {
        paper: 'Figure 3: low at first',
        measure: (rows) =>
          compareOverSeeds(at(rows, rival, first(rows)), at(rows, cold, first(rows)), (r) => r.top1, {
            ...percent,
            names: [rival, cold],
          }),
      }),
    ),
    ...[...based, ...scratch].map((rival) =>
      claim<StreamRow>(`a cold start ends above ${rival}`, {
        paper: 'Figure 3: outperforms all baseline methods',
        measure: (rows) =>
          compareOverSeeds(end(rows, cold), end(rows, rival), (r) => r.top1, {
            ...percent,
            names: [cold, rival],
          }),
      }),
    ),
    claim('pretrained, CSSL begins above the cold start', {
      paper: 'Figure 3: the initial period of poor performance is eliminated',
      measure: (rows) =>
        compareOverSeeds(at(rows, warm, first(rows)), at(rows, cold, first(rows)), (r) => r.top1, {
          ...percent,
          names: [warm, cold],
        }),
    }),
    claim('accuracy never collapses at a class change: each test keeps at least half of the one before', {
      paper: 'Figure 3: no accuracy drop',
      minSeeds: 1,
      measure: (rows) => {
        const own = rows.filter((r) => r.method === cold || r.method === warm);
        const before = (row: StreamRow) =>
          own.find((r) => r.seed === row.seed && r.method === row.method && r.classes === row.classes - 1);
        // from two classes to three: the first class alone is always right
        return inEveryRow(
          own.filter((r) => r.classes > 2),
          (row) => row.top1 >= 0.5 * (before(row)?.top1 ?? 0),
        );
      },
    }),
  ];
}

function curves(
  title: string,
  field: 'top1' | 'top5',
  axis: string,
): (rows: readonly StreamRow[]) => Record<string, unknown> {
  return (rows) =>
    lineOverSeeds(rows, {
      title: `${title}: one class after the other`,
      x: { field: 'classes', title: 'classes seen' },
      y: { field, title: axis, format: '.0%' },
      series: 'method',
    });
}
