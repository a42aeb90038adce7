import { evaluate } from '@ockham/core/metrics';
import { train } from '@ockham/core/training';
import { bagOfEmbeddings } from '@ockham/count-sketch-embed';
import { startEngine } from '../work/engine.ts';
import type { OpenWork } from '../work/protocol.ts';
import type { EmbeddingsCommand, EmbeddingsReport } from './messages.ts';
import { FACTORS, makeTable } from './tables.ts';
import { drawTexts, LENGTH, TOPICS } from './texts.ts';

const PASSES = 6;

/** The same classifier with smaller and smaller tables. */
export const openEmbeddings: OpenWork<EmbeddingsCommand, EmbeddingsReport> =
  (report) =>
  async ({ seed, form }, signal) => {
    await startEngine();
    const texts = drawTexts(seed);
    for (const factor of FACTORS) {
      const table = makeTable(form, factor, seed);
      const model = bagOfEmbeddings(table, { length: LENGTH, classes: TOPICS, seed });
      try {
        await train(model, texts.train, {
          ...{ epochs: PASSES, batchSize: 64, loss: 'crossEntropyFromLogits', seed, signal },
          optimizer: { name: 'adam', learningRate: 0.01 },
          onEpoch: ({ epoch }) => report({ kind: 'pass', factor, pass: epoch, of: PASSES }),
        });
        const { accuracy } = await evaluate(model, texts.test);
        report({ kind: 'table', table: { form, factor, bytes: table.storedBytes, accuracy } });
      } finally {
        model.dispose();
      }
    }
  };
