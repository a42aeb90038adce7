import '@tensorflow/tfjs';
import { barsOverSeeds, claim, experiment, where, type Row } from '@ockham/reproduce';
import {
  lostToImbalance,
  surveyModel,
  timesFewerAttentionFlops,
  timesFasterInAPipeline,
  timesFewerActivations,
  timesFewerBytes,
  timesFewerOnStages,
  timesFewerOnTensorRanks,
  timesLessMemory,
  timesLessMemoryOffloaded,
  timesTheBytes,
  type SurveySizes,
} from './survey-measures.ts';

interface SurveyRow extends Row {
  readonly measure: string;
  readonly ours: number;
}

/** A sentence of the survey, and what measures it. */
interface Statement {
  readonly text: string;
  readonly paper: string;
  readonly measure: string;
  readonly unit: string;
  /** The survey's number, where it has one. */
  readonly said?: number;
  readonly holds: (ours: number) => boolean;
  readonly why?: string;
}

const within = (value: number, relative: number) => (ours: number) => Math.abs(ours / value - 1) <= relative;

const STATEMENTS: readonly Statement[] = [
  {
    text: 'ZeRO-1 and 2 send no more than data parallelism (4 ranks, ledger)',
    paper: '3.1.4: without excess communication overhead',
    measure: 'bytes sent, ZeRO-2',
    unit: '×',
    holds: (ours) => ours <= 1,
  },
  {
    text: 'ZeRO-3 sends no more than data parallelism (4 ranks, ledger)',
    paper: '3.1.4: without excess communication overhead',
    measure: 'bytes sent, ZeRO-3',
    unit: '×',
    holds: (ours) => ours <= 1,
    why: 'parameters are gathered for the forward and for the backward pass',
  },
  {
    text: 'ZeRO-2 holds up to 8 times fewer bytes, in float32 (plan for very many ranks)',
    paper: '4.3.1: up to 8x reduction in memory usage',
    measure: 'memory, ZeRO-2, float32',
    said: 8,
    unit: '×',
    holds: within(8, 0.02),
    why: '16P to 4P + 12P/N: at most 4 times, where parameters have 4 bytes',
  },
  {
    text: 'the same with 16-bit storage, emulated',
    paper: '4.3.1: up to 8x reduction in memory usage',
    measure: 'memory, ZeRO-2, 16 bits',
    said: 8,
    unit: '×',
    holds: within(8, 0.02),
  },
  {
    text: 'a rank of 64 holds a 64th of all states with ZeRO-3 (plan)',
    paper: '3.1.1: partition the optimizer states to reduce the redundant information',
    measure: 'memory, ZeRO-3, 64 ranks',
    unit: '×',
    holds: within(64, 0.02),
  },
  {
    text: 'one rank with offloaded states trains models 10 times as large',
    paper: '4.3.1: 13 billion parameters on a single GPU, a tenfold increase',
    measure: 'memory, offload',
    said: 10,
    unit: '×',
    holds: (ours) => ours >= 10,
    why: 'the 8 of 16 bytes that are Adam’s states leave memory; the survey’s factor is that of one GPU beside a large memory, which takes gradients and float32 parameters too',
  },
  {
    text: 'each of 4 tensor ranks stores about a quarter of the parameters',
    paper: '3.1.2: each worker only has to store the layer it is responsible for',
    measure: 'parameters, 4 tensor ranks',
    unit: '×',
    holds: (ours) => ours >= 3,
    why: 'five heads on four ranks are 2, 1, 1, 1; norms, position vectors and biases of row splits are on all',
  },
  {
    text: 'parameters of a stage fall with the number of stages (4)',
    paper: '3.1.3: increased pipeline stages proportionally decrease memory',
    measure: 'parameters, 4 stages',
    unit: '×',
    holds: (ours) => ours >= 3,
    why: 'the first and the last stage both hold the table of characters',
  },
  {
    text: 'one of 4 stages that takes twice as long costs more than a third of the speed (virtual clock)',
    paper: '3.1.3: stages must be exactly load-balanced to achieve good compute efficiency',
    measure: 'speed lost to imbalance',
    unit: '',
    holds: (ours) => ours > 1 / 3,
  },
  {
    text: 'activations take less memory',
    paper: '4.3.1: ZeRO minimizes activation memory',
    measure: 'activations, checkpointed',
    unit: '×',
    holds: (ours) => ours > 1,
  },
  {
    text: 'a pipeline trains 2–7 times as fast as data parallelism over 10 Gbit/s (virtual clock)',
    paper: '4.3.3: 2–7 times faster on clusters with limited network bandwidth',
    measure: 'pipeline, 10 Gbit/s',
    said: 2,
    unit: '×',
    holds: (ours) => ours >= 2,
  },
  {
    text: 'and at most as much faster over 100 Gbit/s',
    paper: '4.3.3: on clusters with limited network bandwidth',
    measure: 'pipeline, 100 Gbit/s',
    unit: '×',
    holds: (ours) => ours < 2,
  },
  {
    text: '1-bit Adam with a warm-up of 20 % sends 26 times fewer bytes (ledger)',
    paper: '4.3.3: 1-bit Adam, 0/1 Adam and 1-bit LAMB: up to 26 times',
    measure: 'bytes, 1-bit Adam',
    said: 26,
    unit: '×',
    holds: (ours) => ours >= 26,
    why: 'the warm-up alone is a fifth of the bytes: 4.44 times at most',
  },
  {
    text: '0/1 Adam sends 26 times fewer bytes (ledger); its accuracy has a card of its own',
    paper: '4.3.3: up to 26 times',
    measure: 'bytes, 0/1 Adam',
    said: 26,
    unit: '×',
    holds: (ours) => ours >= 26,
  },
  {
    text: 'sparse attention takes 6 times fewer FLOPs (BigBird, 4,096 tokens, count); speed, length and accuracy: `long-attention`',
    paper: '3.3: up to 6 times faster, comparable accuracy',
    measure: 'FLOPs, sparse attention',
    said: 6,
    unit: '×',
    holds: (ours) => ours >= 6,
  },
];

/** What no machine here can tell, and what other cards tell. */
const NOT_HERE: readonly (readonly [text: string, paper: string, why: string])[] = [
  ['BERT-large is trained in 44 minutes', '4.1: 44 minutes on 1,024 V100', 'not testable here: 1,024 GPUs'],
  ['GPT-2 of 1.5 billion parameters trains 3.75 times as fast as with Megatron', '4.1: 3.75x', 'not testable here: a cluster of GPUs, and Megatron'], // prettier-ignore
  ['ZeRO-2 trains 100 billion parameters at 38 teraflops a GPU, 10 times as fast as Megatron alone', '4.1', 'not testable here: 400 V100'], // prettier-ignore
  ['3D parallelism reaches 49 teraflops a GPU, over 40 % of the peak', '4.2', 'not testable here: GPUs; the rate is what the virtual clock is set to'], // prettier-ignore
  ['13 billion parameters on one GPU, where others end at 1.4', '4.3.1', 'not testable here: a GPU of 32 GB'],
  ['memory is less fragmented', '4.3.1', 'not testable here: the engines of TensorFlow.js allocate by themselves and do not tell'], // prettier-ignore
  ['models of over a trillion parameters', '3.1.4', 'not testable here: no memory for one'],
  ['sparse attention runs 6 times as fast, on sequences ten times as long', '3.3', 'the card of `long-attention`'], // prettier-ignore
  ['quantization and ZeroQuant: smaller, minimal error without training', '3.2.2, 3.2.3, 3.2.5', 'the cards of `compression`'], // prettier-ignore
  ['layers left out and XTC: binary and ternary weights, competitive accuracy', '3.2.1, 3.2.6', 'the card of `extreme`'], // prettier-ignore
  ['pruning: sparse, row, head, channel', '3.2.4', 'the benchmark `pruned-latency`'],
  ['MoQ: mixed bits by second-order information', '3.6.3', 'the card of `moq`'],
  ['inference: fused kernels for small batches, latency met by model parallelism', '3.6.1, 3.6.2', 'the card of `inference`'], // prettier-ignore
  ['inference: half the GPUs', '3.6', 'not testable here: GPUs'],
  ['ZeRO and 3D parallelism are alike with large batches, 3D is better with small ones', '3.5', 'the card of `zero-against-3d`'], // prettier-ignore
  ['up to 2 times savings of data and time', '4.3.2', 'the card of `data-efficiency`'],
  ['convergence of the compressed optimizers', '4.3.3', 'the card of `compressed`'],
  ['LAMB and tuning reach the accuracy with fewer samples at large batches', '3.4', 'not testable here: batches of tens of thousands for BERT-large; LAMB trains in the cards of `parity` and `compressed`'], // prettier-ignore
  ['minimal changes of code', '4.4', 'not a measurement: `initialize`, `fit` and `save` take any model that is there'], // prettier-ignore
];

export default experiment<SurveySizes, SurveyRow, never>({
  id: 'deepspeed-lite/survey-claims',
  paper: 'The survey’s claims, each with our figure',
  datasets: [],
  scales: {
    smoke: { seeds: 1, config: { layers: 4, hidden: 20, steps: 50, parameters: 4_096, manyRanks: 256 } },
    standard: {
      seeds: 2,
      config: { layers: 12, hidden: 80, steps: 500, parameters: 20_000, manyRanks: 1_024 },
    },
    extended: {
      seeds: 2,
      config: { layers: 12, hidden: 80, steps: 1_000, parameters: 20_000, manyRanks: 1_024 },
    },
    paper: {
      seeds: 5,
      config: { layers: 12, hidden: 160, steps: 10_000, parameters: 100_000, manyRanks: 1_024 },
    },
  },
  why: {
    layers: 'of a GPT of characters, 12 as in BERT-base',
    hidden: 'a multiple of five heads, which no even number of ranks divides',
    steps: 'of the compressed optimizers',
    parameters: 'so that scales are a small part of the bytes in signs',
    manyRanks: 'so many that what is shared is next to nothing',
  },
  differences: [
    'A survey has no experiments of its own; its figures are those of DeepSpeed’s papers on hundreds of GPUs. What has to do with bytes is measured or planned here, what has to do with time on a virtual clock, and the rest is said to be not testable, or where it is measured.',
    'The clock: GPT-2 of 1.5 billion parameters in 16 bits on 4 ranks of 49 teraflops, 8 examples of 1,024 tokens for each rank and update, reductions behind the backward pass.',
    'Bytes of the compressed optimizers are those of the ledger on 2 ranks, from end to end; gradients are made up, since schedules do not look at them.',
  ],
  async run({ config, seed, progress, once }) {
    const model = surveyModel(config, seed);
    const measures: Record<string, () => number | Promise<number>> = {
      'bytes sent, ZeRO-2': () => timesTheBytes(2, 4, seed),
      'bytes sent, ZeRO-3': () => timesTheBytes(3, 4, seed),
      'memory, ZeRO-2, float32': () => timesLessMemory(model, config.manyRanks, { zero: 2 }),
      'memory, ZeRO-2, 16 bits': () => timesLessMemory(model, config.manyRanks, { zero: 2, precision: 'bfloat16' }), // prettier-ignore
      'memory, ZeRO-3, 64 ranks': () => timesLessMemory(model, 64, { zero: 3 }),
      'memory, offload': () => timesLessMemoryOffloaded(seed),
      'parameters, 4 tensor ranks': () => timesFewerOnTensorRanks(model, 4),
      'parameters, 4 stages': () => timesFewerOnStages(model, 4),
      'speed lost to imbalance': () => lostToImbalance(4, 32),
      'activations, checkpointed': () => timesFewerActivations(config, seed),
      'pipeline, 10 Gbit/s': () => timesFasterInAPipeline(4, 8, 8e-10),
      'pipeline, 100 Gbit/s': () => timesFasterInAPipeline(4, 8, 8e-11),
      'bytes, 1-bit Adam': () => timesFewerBytes('1-bit Adam', config),
      'bytes, 0/1 Adam': () => timesFewerBytes('0/1 Adam', config),
      'FLOPs, sparse attention': () => timesFewerAttentionFlops(4_096),
    };
    const rows: SurveyRow[] = [];
    const total = Object.keys(measures).length;
    for (const [measure, take] of Object.entries(measures)) {
      progress({ stage: measure, done: rows.length, total });
      const ours = await once(measure.replaceAll(/[^\w]+/g, '-'), take);
      rows.push({ seed, measure, ours });
    }
    model.dispose();
    return rows;
  },
  claims: [
    ...STATEMENTS.map(({ text, paper, measure, unit, holds, why }) =>
      claim<SurveyRow>(text, {
        paper,
        minSeeds: 1,
        measure: (rows) => {
          const values = where(rows, { measure }).map(({ ours }) => ours);
          if (values.length === 0)
            return { holds: null, ours: 'no rows', values: {}, why: 'there are no rows' };
          const [least, most] = [Math.min(...values), Math.max(...values)];
          const figure = (value: number): string => value.toFixed(value < 1 ? 3 : 2);
          const range = least === most ? figure(least) : `${figure(least)}–${figure(most)}`;
          const held = values.every(holds);
          return {
            holds: held,
            ours: `${range}${unit && ` ${unit}`}`,
            values: { least, most },
            ...(!held && why !== undefined && { why }),
          };
        },
      }),
    ),
    ...NOT_HERE.map(([text, paper, why]) =>
      claim<SurveyRow>(text, {
        paper,
        minSeeds: 1,
        decidedFrom: 'smoke',
        measure: () => ({ holds: null, ours: '–', values: {}, why }),
      }),
    ),
  ],
  plot: (rows) =>
    barsOverSeeds(
      STATEMENTS.flatMap(({ measure, said }) =>
        said === undefined
          ? []
          : where(rows, { measure }).flatMap(({ seed, ours }) => [
              { seed, measure, who: 'survey', times: said },
              { seed, measure, who: 'here', times: ours },
            ]),
      ),
      {
        title: 'What the survey says, and what is found here',
        x: { field: 'measure', title: '' },
        y: { field: 'times', title: 'times' },
        series: 'who',
      },
    ),
});
