import { bench } from '@ockham/bench';
import { cloneModel, lenet300100 } from '@ockham/core/models';
import { __fn__ } from '@ockham/__name__';

export default bench({
  id: '__name__/round',
  question: 'What does rounding LeNet-300-100 cost, against a plain copy of it?',
  seed: 7,
  against: { round: { copy: 0 } },
  prepare() {
    const model = lenet300100({ seed: 7 });
    return {
      variants: {
        copy: async () => void (await cloneModel(model)).dispose(),
        round: async () => void (await __fn__(model, { bits: 4, seed: 7 })).model.dispose(),
      },
      dispose: () => void model.dispose(),
    };
  },
});
