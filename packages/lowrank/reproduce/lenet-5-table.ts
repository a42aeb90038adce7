/** What the two experiments of LeNet-5 trained by KLS share: the talk's table, its counts, and how one row is trained. */
import '@tensorflow/tfjs';
import type { Dataset } from '@ockham/core';
import { takeExamples } from '@ockham/core';
import { evaluate } from '@ockham/core/metrics';
import { lenet5 } from '@ockham/core/models';
import { train } from '@ockham/core/training';
import { dlrt, parameterCounts } from '@ockham/lowrank';
import { lineOverSeeds, type PlotSpec, type Row, type RunContext } from '@ockham/reproduce';
import { cosine } from '../src/factorise/cosine.ts';

/** How a row is trained. */
export interface RowConfig {
  readonly examples: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly batchSize: number;
}

export interface TableRow extends Row {
  readonly tolerance: number;
  /**
   * `talk`: ranks bounded by the table's; `free`: by break-even only; `tucker`: likewise, with convolutions in Tucker's form;
   * `dense`; `printed`: the table itself.
   */
  readonly ranks: 'talk' | 'free' | 'tucker' | 'dense' | 'printed';
  /** Of the convolutions and the wide dense layer; in Tucker's form those of the outputs. */
  readonly conv1: number;
  readonly conv2: number;
  readonly dense1: number;
  readonly accuracy: number;
  readonly honest: number;
  /** By the table's formulas, which Tucker's form has none of. */
  readonly printed: number | null;
  readonly printedTraining: number | null;
}

const layers = { conv1: [20, 25], conv2: [50, 500], dense1: [500, 800] } as const;
export type Name = keyof typeof layers;
export const names = Object.keys(layers) as Name[];

/** The table: ϑ, ranks, accuracy. */
export const table: Readonly<
  Record<number, readonly [ranks: readonly [number, number, number], accuracy: number]>
> = {
  0.09: [[10, 23, 62], 0.982],
  0.11: [[10, 20, 48], 0.982],
  0.13: [[9, 16, 37], 0.979],
  0.15: [[9, 16, 28], 0.981],
  0.2: [[8, 8, 15], 0.981],
  0.3: [[4, 6, 8], 0.975],
  0.4: [[2, 4, 4], 0.96],
  0.45: [[2, 2, 3], 0.941],
};

function counts(ranks: Readonly<Record<Name, number>>) {
  const counted = names.map((name) => ({
    outputs: layers[name][0],
    inputs: layers[name][1],
    rank: ranks[name],
  }));
  return parameterCounts([...counted, { outputs: 10, inputs: 500, rank: 'dense' }]);
}

export const ofTable = (tolerance: number): Record<Name, number> => {
  const [conv1, conv2, dense1] = table[tolerance]![0];
  return { conv1, conv2, dense1 };
};

/** A row of the table as it is printed. */
export function printedRow(seed: number, tolerance: number): TableRow {
  const ranks = ofTable(tolerance);
  const accuracy = table[tolerance]![1];
  return { seed, tolerance, ranks: 'printed', ...ranks, accuracy, ...counts(ranks) };
}

type Run = Pick<RunContext<RowConfig>, 'seed' | 'signal' | 'progress' | 'once' | 'checkpoint'> & {
  readonly config: RowConfig;
  readonly mnist: Dataset;
};

const network = (seed: number) => lenet5({ seed, convolutionActivation: 'relu' });

/** The network as it is, trained as long. */
export function denseRow({ config, mnist, seed, once, checkpoint, ...run }: Run): Promise<TableRow> {
  const { examples, epochs, batchSize } = config;
  return once('dense', async () => {
    const model = network(seed);
    await train(model, takeExamples(mnist.train, examples), {
      ...{ epochs, batchSize, seed, optimizer: 'adam', learningRate: cosine(1e-3) },
      ...{ signal: run.signal, progress: run.progress, checkpoint: checkpoint('dense') },
    });
    const { accuracy } = await evaluate(model, mnist.test);
    model.dispose();
    const full = { conv1: 20, conv2: 50, dense1: 500 };
    const sizes = { honest: 430_500, printed: 430_500, printedTraining: 861_000 };
    return { seed, tolerance: 0, ranks: 'dense' as const, ...full, accuracy, ...sizes };
  });
}

/** One training by KLS from scratch. */
export function klsRow(
  { config, mnist, seed, once, checkpoint, ...run }: Run,
  tolerance: number,
  ranks: 'talk' | 'free' | 'tucker',
): Promise<TableRow> {
  const { examples, epochs, learningRate, batchSize } = config;
  const name = `${ranks}-${tolerance}`;
  return once(name, async () => {
    const model = network(seed);
    const bound = ofTable(tolerance);
    const {
      model: thin,
      history,
      report,
    } = await dlrt(model, takeExamples(mnist.train, examples), {
      ...{ epochs, batchSize, seed, tolerance, optimizer: 'adam', start: 'random' },
      ...{ signal: run.signal, progress: run.progress, checkpoint: checkpoint(name) },
      learningRate: cosine(learningRate),
      ...(ranks === 'talk'
        ? { maxRank: bound, initialRank: bound }
        : { initialRank: { conv1: 11, conv2: 32, dense1: 64 } }),
      ...(ranks === 'tucker' && { convolutions: 'tucker' as const }),
    });
    const { accuracy } = await evaluate(thin, mnist.test);
    thin.dispose();
    model.dispose();
    const found = history.at(-1)!.ranks;
    const of = (layer: Name) => found[layer] ?? found[`${layer}/out`]!;
    const kept = { conv1: of('conv1'), conv2: of('conv2'), dense1: of('dense1') };
    const known = ranks === 'tucker' ? { printed: null, printedTraining: null } : counts(kept);
    return { seed, tolerance, ranks, ...kept, accuracy, ...known, honest: report.kernels };
  });
}

/** Accuracy against the honest count. */
export const plotTable = (rows: readonly TableRow[]): PlotSpec =>
  lineOverSeeds(rows, {
    title: 'LeNet-5 on MNIST: accuracy against parameters, both factors counted',
    x: { field: 'honest', title: 'parameters', scale: 'log' },
    y: { field: 'accuracy', title: 'test accuracy', format: '.1%' },
    series: 'ranks',
    names: {
      talk: 'ours',
      free: 'ours, ranks free',
      tucker: 'ours, Tucker',
      printed: 'the talk',
      dense: 'dense',
    },
  });
