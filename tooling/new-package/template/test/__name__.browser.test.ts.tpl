import '@tensorflow/tfjs';
import { useBackend } from '@ockham/core/backend';
import { mlp } from '@ockham/core/models';
import { __fn__ } from '@ockham/__name__';
import { wasmPaths } from '@ockham/vitest-config/wasm-paths';
import { expect, it } from 'vitest';

it('rounds a model in the browser', async () => {
  await useBackend('wasm', { wasmPaths });
  const model = mlp({ inputShape: [8], units: [16], classes: 3, seed: 7 });
  const { model: rounded } = await __fn__(model, { bits: 1, seed: 7 });
  for (const weight of rounded.getWeights()) {
    if (weight.rank === 2) expect(new Set(weight.dataSync()).size).toBe(2);
  }
  model.dispose();
  rounded.dispose();
});
