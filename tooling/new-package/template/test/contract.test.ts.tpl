import { methodContract } from '@ockham/contract';
import { __fn__ } from '@ockham/__name__';

methodContract('__fn__', {
  'one bit': (model, _, seed) => __fn__(model, { bits: 1, seed }),
  'eight bits': (model, _, seed) => __fn__(model, { bits: 8, seed }),
});
