import { any, backend, cast, getBackend, notEqual, reshape, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { hostOf } from '@ockham/core/backend';

/**
 * The rows of a gradient `[rows, …]` that are not zero throughout, as runs: from, to (exclusive), from, to, … in order. NaN
 * is not zero.
 */
export function touchedRuns(gradient: Tensor): Int32Array {
  const rows = gradient.shape[0];
  const runs: number[] = [];
  let open = false;
  const isTouched = ['wasm', 'cpu'].includes(getBackend()) ? inMemory(gradient) : byEngine(gradient);
  for (let row = 0; row < rows; row++) {
    if (isTouched(row) === open) continue;
    runs.push(row);
    open = !open;
  }
  if (open) runs.push(rows);
  return Int32Array.from(runs);
}

function inMemory(gradient: Tensor): (row: number) => boolean {
  const values = hostOf(backend()).view(gradient);
  const width = gradient.size / gradient.shape[0];
  return (row) => {
    const end = (row + 1) * width;
    for (let i = row * width; i < end; i++) if (values[i] !== 0) return true;
    return false;
  };
}

function byEngine(gradient: Tensor): (row: number) => boolean {
  const touched = tidy(() => {
    const rows = gradient.shape[0];
    return cast(any(notEqual(reshape(gradient, [rows, gradient.size / rows]), 0), 1), 'int32').dataSync();
  });
  return (row) => touched[row] !== 0;
}
