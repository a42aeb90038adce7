/** BERT-mini with our embedding gradient, beside the same with one-hot products. */
import type { Bench } from '../../../tooling/bench/src/bench.ts';

const looked = 'rows looked up';
const multiplied = 'one-hot products';

const bertStep: Bench = {
  id: 'core/step-bert',
  question: 'How fast is a training step of BERT-mini on the wasm engine, 8 texts of 64 tokens?',
  rounds: 7,
  warmup: 1,
  seed: 7,
  pause: 20,
  ownEngines: true,
  against: { [looked]: { [multiplied]: 2 } },
  async prepare({ smoke, work }) {
    const module = new URL('steps.work.ts', import.meta.url);
    const options = { engine: 'wasm', threads: 1, smoke };
    const children = [await work(module, options), await work(module, { ...options, oneHot: true })];
    const [ours, products] = children.map((child) => () => child.run('bert'));
    return { variants: { [looked]: ours!, [multiplied]: products! }, versions: children[0]!.versions };
  },
};

export default bertStep;
