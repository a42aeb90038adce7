import { bench } from '@ockham/bench';
import { matrix } from '@ockham/core/linalg';
import { Random } from '@ockham/core/random';
import { truncate } from '@ockham/lowrank';

export default bench({
  id: 'lowrank/truncation',
  question:
    'How long does a truncation of 500×800 to rank 32 take (150 ms is wanted), and how much does the random range finder save?',
  rounds: 15,
  warmup: 5,
  ownEngines: true,
  against: { randomised: 'exact' },
  prepare() {
    const random = new Random(7);
    const kernel = matrix(
      500,
      800,
      Float64Array.from({ length: 400_000 }, () => random.normal()),
    );
    return {
      variants: {
        exact: () => void truncate(kernel, 32),
        randomised: () => void truncate(kernel, 32, { seed: 7 }),
      },
      figures: {
        'wanted, ms': 150,
        'error, exact': truncate(kernel, 32).error,
        'error, randomised': truncate(kernel, 32, { seed: 7 }).error,
      },
    };
  },
});
