/** A step of gradient descent on some rows of a variable. */
import {
  add,
  backend,
  engine,
  getBackend,
  mul,
  tidy,
  type Tensor,
  type Variable,
} from '@tensorflow/tfjs-core';
import { hostOf } from '@ockham/core/backend';
import { rowsOf } from './rows.ts';

/** @param runs Of rows: from, to (exclusive), from, to, … */
export function sgdRows(weights: Variable, gradient: Tensor, runs: Int32Array, learningRate: number): void {
  tidy(() => {
    if (!['wasm', 'cpu'].includes(getBackend())) {
      const rows = rowsOf(runs, weights.shape[0]);
      const moved = add(rows.of(weights), mul(rows.of(gradient), -learningRate));
      weights.assign(rows.replaced(weights, moved));
      return;
    }
    const host = hostOf(backend());
    const made = host.allocate(weights.shape, 'float32'); // not in place: engines keep packed copies by id
    const width = weights.size / weights.shape[0];
    const rate = Math.fround(-learningRate);
    const [from, g, to] = [weights, gradient, made].map((tensor) => host.view(tensor) as Float32Array);
    to!.set(from!);
    for (let run = 0; run < runs.length; run += 2) {
      const end = runs[run + 1]! * width;
      for (let i = runs[run]! * width; i < end; i++) to![i]! += Math.fround(rate * g![i]!);
    }
    weights.assign(engine().makeTensorFromTensorInfo(made));
  });
}
