/** Fused inference beside the model as it is, on every engine; the fused program is the same WebAssembly on each. */
import type { Bench } from '../../../tooling/bench/src/bench.ts';
import type { InferenceWorkOptions } from './inference.work.ts';

interface Question {
  readonly id: string;
  readonly question: string;
  readonly rounds: number;
  readonly batch: number;
  readonly length: number;
  readonly works: readonly string[];
  /** What each engine's later works are compared with, the first, and the least ratio that is wanted. */
  readonly wanted: Readonly<Record<'wasm' | 'tensorflow', number>>;
}

const predictions = ['unfused', 'fused'];
const texts = ['whole texts', 'fused, whole texts', 'fused, keys and values kept'];
const TOKENS = 48;

const questions: readonly Question[] = [
  ...[16, 64, 128].map((length): Question => ({
    id: `deepspeed-lite/inference-1x${length}`,
    question: `How fast does BERT-mini classify one text of ${length} tokens, fused and not?`,
    ...{ rounds: 25, batch: 1, length, works: predictions, wanted: { wasm: 1.5, tensorflow: 0 } },
  })),
  {
    id: 'deepspeed-lite/inference-32x64',
    question: 'How fast does BERT-mini classify 32 texts of 64 tokens, fused and not?',
    ...{ rounds: 9, batch: 32, length: 64, works: predictions, wanted: { wasm: 0, tensorflow: 0 } },
  },
  {
    id: 'deepspeed-lite/inference-text',
    question: `How fast does a character GPT of 4 layers, 128 wide, write ${TOKENS} tokens?`,
    ...{ rounds: 9, batch: 1, length: 16, works: texts, wanted: { wasm: 0, tensorflow: 0 } },
  },
];

const benches: Bench[] = questions.map(({ id, question, rounds, batch, length, works, wanted }) => ({
  id,
  question,
  rounds,
  warmup: 2,
  seed: 7,
  ownEngines: true,
  against: Object.fromEntries(
    (['wasm', 'tensorflow'] as const).flatMap((engine) =>
      works.slice(1).map((name) => [`${engine}, ${name}`, { [`${engine}, ${works[0]!}`]: wanted[engine] }]),
    ),
  ),
  async prepare({ smoke, work }) {
    const variants: Record<string, () => Promise<void>> = {};
    const skipped: Record<string, string> = {};
    const versions: Record<string, string> = {};
    for (const engine of ['wasm', 'tensorflow'] as const) {
      const options: InferenceWorkOptions = { engine, batch, length, tokens: smoke ? 8 : TOKENS, smoke };
      try {
        const child = await work(new URL('inference.work.ts', import.meta.url), options);
        for (const name of works) variants[`${engine}, ${name}`] = () => child.run(name);
        Object.assign(versions, child.versions);
      } catch (error) {
        if (engine !== 'tensorflow') throw error;
        for (const name of works) skipped[`${engine}, ${name}`] = 'the native engine does not load: `pnpm native` builds it'; // prettier-ignore
      }
    }
    return { variants, skipped, versions, figures: works === texts ? { 'tokens of a text': TOKENS } : {} };
  },
}));

export default benches;
