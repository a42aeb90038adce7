import '@tensorflow/tfjs';
import { takeExamples } from '@ockham/core';
import { lenet300100 } from '@ockham/core/models';
import { lotteryTicket } from '@ockham/fw-prune';
import { claim, compareOverSeeds, experiment, lineOverSeeds, where, type Row } from '@ockham/reproduce';

interface Config {
  readonly examples: number;
  readonly testExamples: number;
  readonly batchSize: number;
  readonly epochs: number;
  readonly rounds: number;
  readonly fraction: number;
}

interface TicketRow extends Row {
  readonly start: 'ticket' | 'random re-initialisation';
  readonly round: number;
  /** Fraction of kernel weights left. */
  readonly left: number;
  readonly accuracy: number;
}

export default experiment<Config, TicketRow, 'mnist'>({
  id: 'fw-prune/lottery-ticket',
  paper:
    'Section 2, the lottery ticket hypothesis: a sparse network from its own initial weights against new random ones',
  datasets: ['mnist'],
  scales: {
    smoke: {
      seeds: 1,
      config: { examples: 256, testExamples: 500, batchSize: 64, epochs: 1, rounds: 1, fraction: 0.8 },
    },
    standard: {
      seeds: 3,
      config: { examples: 3_000, testExamples: 10_000, batchSize: 64, epochs: 2, rounds: 3, fraction: 0.6 },
    },
    paper: {
      seeds: 3,
      config: { examples: 60_000, testExamples: 10_000, batchSize: 64, epochs: 3, rounds: 5, fraction: 0.5 },
    },
  },
  why: {
    examples: 'the whole training set at paper scale',
    testExamples: 'the whole test set, but for the smoke run',
    batchSize: '60, as Frankle and Carbin, rounded to 64',
    epochs: 'where LeNet-300-100 has learnt most; early, since tickets differ most in how fast they learn',
    rounds: 'to 3 % of the weights',
    fraction: 'larger steps than Frankle and Carbin’s 0.2, for fewer rounds',
  },
  differences: ['LeNet-300-100 as in Frankle and Carbin 2019; the paper refers to their results.'],
  async run({ config, seed, data, signal, progress, checkpoint, once }) {
    const { examples, testExamples, batchSize, epochs, rounds, fraction } = config;
    return once('tickets', async () => {
      const untrained = lenet300100({ seed });
      const { model, masks, tickets } = await lotteryTicket(
        untrained,
        {
          train: takeExamples(data.mnist.train, examples),
          test: takeExamples(data.mnist.test, testExamples),
        },
        {
          rounds,
          fraction,
          reinitialise: true,
          train: { epochs, batchSize, optimizer: { name: 'adam', learningRate: 1.2e-3 } },
          seed,
          checkpoint: checkpoint('lottery'),
          signal,
          progress,
        },
      );
      for (const owned of [model, masks, untrained]) owned.dispose();
      return tickets.flatMap(({ round, sparsity, accuracy, reinitialised }): TicketRow[] => {
        const left = 1 - sparsity;
        return [
          { seed, start: 'ticket', round, left, accuracy: accuracy! },
          {
            seed,
            start: 'random re-initialisation',
            round,
            left,
            accuracy: reinitialised?.accuracy ?? accuracy!,
          },
        ];
      });
    });
  },
  figures: [
    {
      id: 'lottery-ticket',
      title: 'Winning tickets against random re-initialisation',
      paperClaim:
        'Winning tickets, less than 10–20 % of the size, owe their accuracy to fortunate initialisations.',
      claims: [
        claim('with 20 % of the weights or fewer, the ticket is above the same mask re-initialised', {
          paper: 'tickets benefit from their initialisation',
          measure: (rows) => {
            const small = rows.filter((r) => r.left <= 0.2);
            return compareOverSeeds(
              where(small, { start: 'ticket' }),
              where(small, { start: 'random re-initialisation' }),
              (r) => r.accuracy,
              {
                scale: 100,
                unit: '%',
                names: ['ticket', 're-initialised'],
                at: (r) => `${(100 * r.left).toFixed(1)} % left`,
              },
            );
          },
        }),
      ],
      plot: (rows) =>
        lineOverSeeds(rows, {
          title: 'LeNet-300-100, MNIST: tickets against random re-initialisation',
          x: { field: 'left', title: 'kernel weights left', format: '.0%', scale: 'log' },
          y: { field: 'accuracy', title: 'test accuracy', format: '.1%' },
          series: 'start',
        }),
    },
  ],
});
