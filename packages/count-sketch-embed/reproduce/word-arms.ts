/** Arms of the experiments on whole words: a mean of word vectors from some table, tuned and trained on SST-2. */
import type { Split } from '@ockham/core';
import { selectExamples } from '@ockham/core';
import type { TextDataset } from '@ockham/core/datasets';
import { evaluate } from '@ockham/core/metrics';
import { Random } from '@ockham/core/random';
import { train } from '@ockham/core/training';
import { bagOfEmbeddings } from '@ockham/count-sketch-embed';
import type { Row, RunContext } from '@ockham/reproduce';
import { ScaledTable } from './scaled-table.ts';
import { isPossible, tableOf, type TableName } from './tables.ts';
import { encodeWords, holdOutSentences, withoutUnseen, wordsOf } from './words.ts';

/** What every arm has in common. */
export interface WordConfig {
  readonly tables: readonly TableName[];
  readonly ratios: readonly number[];
  /** Rates and deviations that every table is tried with, each with each. */
  readonly rates: readonly number[];
  readonly deviations: readonly number[];
  /** Powers of a token's rank that scale its vector, tried with each of those; see `ScaledTable`. */
  readonly powers: readonly number[];
  /** Shares of the words left out in training, tried with each of those. */
  readonly wordDropouts: readonly number[];
  /** Training texts; 0 for all. */
  readonly examples: number;
  readonly heldOut: number;
  /** Of a trial. */
  readonly trialEpochs: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly dimension: number;
  readonly length: number;
}

export interface WordRow extends Row {
  readonly table: TableName;
  readonly ratio: number;
  /** Of the whole model. */
  readonly parameters: number;
  /** The rate, the deviation and the power that were best on the sentences held out. */
  readonly rate: number;
  readonly deviation: number;
  readonly power: number;
  /** Share of the words left out in training, the best there as well. */
  readonly wordDropout: number;
  /** Their accuracy there, after a trial; null where there was nothing to choose. */
  readonly heldOut: number | null;
  /** On the development set. */
  readonly accuracy: number;
  readonly majority: number;
}

/** Why the values that all experiments share are what they are. */
export const whyOfWords = {
  ratios: 'the bar’s',
  rates:
    'of Adam, falling linearly to 0; every table is tried with each, and takes the best on held-out sentences',
  deviations: 'of the vectors at the start: BERT’s, and one near PyTorch’s; tried with each rate',
  powers:
    'none, and what gives rare words the steps that Adam gives them in a full table; tried with each rate',
  wordDropouts: 'none, and the 0.3 of Iyyer et al. 2015; tried with each of those where there are two',
  examples: 'the whole training set at paper scale',
  heldOut:
    'sentences, as the development set has; trials train on what shares no phrase of three words with them',
  trialEpochs: 'the same for all tables',
  epochs: 'the same for all tables; on all training texts, the held-out ones among them',
  batchSize: 'some 500 steps in an epoch',
  dimension: 'the bar’s',
  length: 'more than the longest text',
} as const;

/** The full table, then every table at every ratio, as far as it exists. */
export async function wordRows(
  config: WordConfig,
  { train: texts, test: developed }: TextDataset,
  { seed, progress, signal, once }: Pick<RunContext<WordConfig>, 'seed' | 'progress' | 'signal' | 'once'>,
): Promise<WordRow[]> {
  const words = wordsOf(texts.first);
  const vocabulary = words.vocabulary.length;
  const encode = (examples: typeof texts) =>
    encodeWords(words, examples, { length: config.length, marks: false, knownOnly: true });
  const [all, test] = [encode(texts), encode(developed)];
  const random = new Random(seed);
  const choices = config.wordDropouts.flatMap((wordDropout) =>
    config.powers.flatMap((power) =>
      config.deviations.flatMap((deviation) =>
        config.rates.map((rate) => ({ wordDropout, power, deviation, rate })),
      ),
    ),
  );
  const some = (indexes: Int32Array) => {
    const order = random.stream('examples').permutation(indexes.length);
    return selectExamples(
      all,
      order.subarray(0, config.examples || order.length).map((at) => indexes[at]!),
    );
  };
  const examples = some(Int32Array.from({ length: all.size }, (_, i) => i));
  const parts =
    choices.length > 1 ? holdOutSentences(texts.first, config.heldOut, random.stream('held-out')) : undefined;
  const loss = 'crossEntropyFromLogits' as const;
  const arms = [
    ['full', 1] as const,
    ...config.ratios.flatMap((ratio) => config.tables.map((table) => [table, ratio] as const)),
  ].filter(([table, ratio]) => isPossible(table, { vocabulary, ratio }));
  const rows: WordRow[] = [];
  for (const [name, ratio] of arms) {
    const fit = async (
      on: Split,
      by: Split,
      epochs: number,
      { wordDropout, power, deviation, rate }: (typeof choices)[number],
    ) => {
      const table = tableOf(name, { vocabulary, dimension: config.dimension, ratio, deviation, seed });
      const scaled = power === 0 ? table : new ScaledTable({ table, power });
      const model = bagOfEmbeddings(scaled, { seed, wordDropout });
      await train(model, on, {
        epochs,
        batchSize: config.batchSize,
        optimizer: 'adam',
        learningRate: (step, total) => rate * (1 - step / total),
        loss,
        seed,
        signal,
        progress: (event) => progress({ ...event, stage: `${name} ${ratio}×` }),
      });
      const { accuracy } = await evaluate(model, by, { loss, signal });
      const parameters = model.countParams();
      model.dispose();
      return { accuracy, parameters };
    };
    const tried: number[] = [];
    for (const [k, choice] of parts ? choices.entries() : []) {
      const trial = await once(`${name}-${ratio}-trial-${k}`, () => {
        const rest = some(parts!.rest);
        const by = withoutUnseen(selectExamples(all, parts!.heldOut), rest);
        return fit(rest, by, config.trialEpochs, choice);
      });
      tried.push(trial.accuracy);
    }
    const heldOut = parts ? Math.max(...tried) : null;
    const choice = choices[parts ? tried.indexOf(heldOut!) : 0]!;
    const final = await once(`${name}-${ratio}`, () => fit(examples, test, config.epochs, choice));
    rows.push({ seed, table: name, ratio, ...choice, heldOut, ...final, majority: majorityOf(test) });
  }
  return rows;
}

function majorityOf({ y, size }: Split): number {
  const ones = (y.values as Int32Array).reduce((sum, label) => sum + label, 0);
  return Math.max(ones, size - ones) / size;
}
