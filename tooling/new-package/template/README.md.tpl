# @ockham/__name__

__title__: rounds the kernels of a TensorFlow.js model to few levels, at random and without bias.

<!-- verdicts:start -->
<!-- verdicts:end -->

```sh
npm install @ockham/__name__ @tensorflow/tfjs
```

```js
import * as tf from '@tensorflow/tfjs';
import { __fn__ } from '@ockham/__name__';

const kernelInitializer = tf.initializers.randomNormal({ seed: 7 });
const model = tf.sequential({
  layers: [tf.layers.dense({ units: 32, inputShape: [64], kernelInitializer })],
});

const { model: rounded } = await __fn__(model, { bits: 3, seed: 7 });

const [kernel] = rounded.getWeights();
console.log(`${kernel.size} weights on ${new Set(kernel.dataSync()).size} levels`);
```

```text
2048 weights on 8 levels
```

The method: Gupta, Agrawal, Gopalakrishnan and Narayanan, _Deep learning with limited numerical precision_ (2015), section 3.

## Results

<!-- results:start -->
<!-- prettier-ignore-start -->

No results of standard or paper scale yet.

<!-- prettier-ignore-end -->
<!-- results:end -->

## Speed

By `pnpm bench --save`, ratios in one run.

<!-- bench:start -->
<!-- prettier-ignore-start -->

No results of an idle machine yet: `pnpm bench` measures them.

<!-- prettier-ignore-end -->
<!-- bench:end -->
