/**
 * Attention over the blocks of BigBird and Longformer beside dense attention: one sequence, 4 heads of 64, on the wasm engine with one
 * thread. From packages/deepspeed-lite:
 *
 *     OCKHAM_ENGINE=wasm node --conditions=@ockham/source ../../tooling/bench/src/main.ts --only sparse-attention
 *
 * Layouts are DeepSpeed's defaults: blocks of 16, a window of 3, the first block global, and for BigBird one random block a row. `dense` are
 * core's layers, whose products are our kernels; `dense kernel` is the sparse kernel with all blocks.
 */
import { tensor, tidy, type Tensor } from '@tensorflow/tfjs';
import { bench } from '@ockham/bench';
import { Random } from '@ockham/core/random';
import { ARMS, attentionOf, WIDTH } from '../reproduce/attention-arms.ts';
import { measureMemory } from '../reproduce/attention-cost.ts';

const LENGTHS = [256, 512, 1024, 2048, 4096];
/** The least that is wanted: never slower from 512 tokens. */
const WANTED: Readonly<Record<number, number>> = { 256: 0, 512: 1, 1024: 5, 2048: 1, 4096: 10 };

const name = (arm: string, length: number): string => `${arm}, ${length} tokens`;

export default bench({
  id: 'deepspeed-lite/sparse-attention',
  question:
    'How many times as fast as dense attention is that over the blocks of a layout, forward, and how many bytes does it need?',
  engine: 'wasm',
  seed: 7,
  rounds: 15,
  against: Object.fromEntries(
    LENGTHS.flatMap((length) =>
      ARMS.slice(2).map((arm) => {
        const wanted = arm === 'fixed' ? Math.min(1, WANTED[length]!) : WANTED[length]!;
        return [
          name(arm, length),
          { [name('dense', length)]: wanted, [name('dense kernel', length)]: wanted },
        ];
      }),
    ),
  ),
  async prepare({ smoke }) {
    const random = new Random(7);
    const held: Tensor[] = [];
    const variants: Record<string, () => void> = {};
    for (const length of LENGTHS) {
      const given = [1, 2, 3].map(() => {
        const values = Float32Array.from({ length: length * WIDTH }, () => random.normal());
        return tensor(values, [1, length, WIDTH]);
      }) as [Tensor, Tensor, Tensor];
      held.push(...given);
      for (const arm of ARMS) {
        const attend = attentionOf(arm, length);
        variants[name(arm, length)] = () => tidy(() => void attend(...given).dataSync());
      }
    }
    const memory = await measureMemory(smoke ? [256] : LENGTHS);
    const figures = Object.fromEntries(
      memory.map(({ measure, arm, length, value }) => [`${name(arm, length)}, ${measure}`, value]),
    );
    return {
      variants,
      figures,
      dispose() {
        for (const x of held) x.dispose();
      },
    };
  },
});
