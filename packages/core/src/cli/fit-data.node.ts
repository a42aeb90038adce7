import { valuesPerExample, type Split } from '../dataset.ts';
import type { OpenedData } from './open-data.node.ts';

/** The same data with examples in the shape that a model takes, where they have as many values; else the data as they are. */
export function fitData(data: OpenedData, shape: readonly (number | null)[]): OpenedData {
  const { x } = data.train;
  const fixed = shape.filter((size) => size !== null);
  const product = fixed.reduce((all, size) => all * size, 1);
  if (fixed.length < shape.length || String(shape) === String(x.shape) || product !== valuesPerExample(x))
    return data;
  const fit = (split: Split): Split => ({ ...split, x: { ...split.x, shape: fixed } });
  return { ...data, train: fit(data.train), ...(data.test && { test: fit(data.test) }) };
}
