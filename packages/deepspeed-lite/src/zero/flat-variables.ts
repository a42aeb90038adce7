/** Between variables and the flat vector. */
import { layerPaths } from '@ockham/core/graph';
import { variableOf } from '@ockham/core/training';
import { engine, tensor, type Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { FlatEntry, FlatLayout } from './flat-layout.ts';

/**
 * Names of variables that do not depend on what else was built in this process: `layer/kernel`, with the path of nested models before
 * it and a number behind where two would be the same.
 */
export function variableNames(model: LayersModel): Map<Variable, string> {
  const names = new Map<Variable, string>();
  const taken = new Map<string, number>();
  for (const [layer, path] of layerPaths(model)) {
    for (const weight of layer.weights) {
      const variable = variableOf(weight);
      if (names.has(variable)) continue;
      const name = `${path}/${weight.originalName.split('/').at(-1)!}`;
      const count = (taken.get(name) ?? 0) + 1;
      taken.set(name, count);
      names.set(variable, count === 1 ? name : `${name}#${count}`);
    }
  }
  return names;
}

/** Copies values into a variable, also one that was released. */
export function fillVariable(variable: Variable, values: Float32Array): void {
  // a copy: an engine may keep the array that it gets
  const value = tensor(values.slice(), variable.shape, 'float32');
  variable.assign(value);
  value.dispose();
}

/** Frees the memory of a variable, which lives on without a value until {@link fillVariable}. */
export function releaseVariable(variable: Variable): void {
  engine().disposeTensor(variable);
  // the values may be those of another tensor too, and the next assignment disposes once more
  variable.dataId = {};
}

/** Calls `work` with every entry that meets [begin, end), and the part of the entry that lies in it. */
export function eachEntry(
  { entries }: FlatLayout,
  begin: number,
  end: number,
  work: (entry: FlatEntry, index: number, from: number, to: number) => void,
): void {
  for (const [index, entry] of entries.entries()) {
    const from = Math.max(begin, entry.offset);
    const to = Math.min(end, entry.offset + entry.size);
    if (from < to) work(entry, index, from, to);
  }
}

/** The values of [begin, end) of the flat vector; zeros in the padding. */
export async function readFlat(
  layout: FlatLayout,
  variables: readonly Variable[],
  begin: number,
  end: number,
  into: Float32Array = new Float32Array(end - begin),
): Promise<Float32Array> {
  const reads: Promise<void>[] = [];
  eachEntry(layout, begin, end, ({ offset }, index, from, to) => {
    const read = variables[index]!.data<'float32'>();
    reads.push(read.then((values) => into.set(values.subarray(from - offset, to - offset), from - begin)));
  });
  await Promise.all(reads);
  return into;
}
