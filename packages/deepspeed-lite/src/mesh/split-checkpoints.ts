import { variableOf } from '@ockham/core/training';
import type { Variable } from '@tensorflow/tfjs-core';
import type { Value } from '../program/calls.ts';
import { ContiguousBuffer } from '../program/contiguous-buffer.ts';
import type { Program } from '../program/cut-model.ts';
import type { SplitCheckpoints } from '../program/split-inputs.ts';
import { markerOf } from '../tensor/marker-layers.ts';
import type { TensorPart } from './whole-parts.ts';

/** Room for a rank's parts of block inputs, and which values there are parts of. @param partOf Which part of the whole a variable is. */
export function splitCheckpoints(
  program: Program,
  ranks: SplitCheckpoints['ranks'],
  partOf: (variable: Variable) => TensorPart,
): SplitCheckpoints {
  const { rank, size } = ranks;
  const isPart = (variable: Variable): boolean => partOf(variable).axis !== undefined;
  return { ranks: { rank, size }, alike: alikeValues(program, isPart), buffer: new ContiguousBuffer() };
}

/** Values that all tensor ranks have: those that no split weight has had to do with since the ranks last talked. */
function alikeValues(
  { blocks, inputs }: Program,
  isPart: (variable: Variable) => boolean,
): ReadonlySet<Value> {
  const alike = new Set(inputs);
  for (const { layer, inputs: read, outputs } of blocks.flatMap(({ calls }) => calls)) {
    const marker = markerOf(layer);
    const talked = marker === 'reduce' || marker === 'gather';
    const apart = layer.weights.some((weight) => isPart(variableOf(weight)));
    if (talked || (!apart && read.every((value) => alike.has(value))))
      for (const value of outputs) alike.add(value);
  }
  return alike;
}
