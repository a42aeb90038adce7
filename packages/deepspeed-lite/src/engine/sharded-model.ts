/**
 * What the tensor ranks of a group compute together, as one function: layers that all have stand once, the parts of split layers side by
 * side, with plain additions and concatenations in the place of messages. TensorFlow.js differentiates all of it: what `verify` compares
 * with.
 */
import { trainableVariables, variableOf, type Layer } from '@ockham/core/training';
import { add, clone, concat, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { eachRun, takePart, wholeParts, type WholePart } from '../mesh/whole-parts.ts';
import { callsOf, type Calls, type LayerCall, type Value } from '../program/calls.ts';
import { cutModel } from '../program/cut-model.ts';
import { markerOf } from '../tensor/marker-layers.ts';
import { disposeModel, splitModel } from '../tensor/split-model.ts';
import { fillVariable } from '../zero/flat-variables.ts';

/** The parts of a model, all in one place. */
export class ShardedModel {
  /** One for each rank. */
  readonly models: readonly LayersModel[];
  /** Trained variables: the split ones of every rank, the others of the first. */
  readonly variables: Variable[];
  /** The first rank's other variables, by those of the whole model. */
  readonly state: ReadonlyMap<Variable, Variable>;
  readonly #parts: readonly ReadonlyMap<Variable, WholePart>[];
  readonly #calls: readonly Calls[];

  constructor(model: LayersModel, ranks: number) {
    const made = Array.from({ length: ranks }, (_, rank) => splitModel(model, rank, ranks));
    const programs = made.map((split) => cutModel(split.model, { at: 'none' }));
    this.models = made.map((split) => split.model);
    this.#parts = made.map((split, rank) => wholeParts(model, programs[rank]!, split));
    this.#calls = this.models.map((each) => callsOf('verify', each));
    this.variables = this.models.flatMap((each, rank) =>
      trainableVariables(each).filter((variable) => rank === 0 || this.#isPart(rank, variable)),
    );
    this.state = new Map(
      programs[0]!.state.map((variable) => [this.#parts[0]!.get(variable)!.whole, variable]),
    );
  }

  #isPart(rank: number, variable: Variable): boolean {
    return this.#parts[rank]!.get(variable)!.axis !== undefined;
  }

  /** Gives every part its values of a variable of the whole model. */
  take(whole: Variable, values: Float32Array): void {
    for (const parts of this.#parts)
      for (const [variable, part] of parts)
        if (part.whole === whole) fillVariable(variable, takePart(part, values));
  }

  /** Puts the values of a part into those of the whole variable. */
  put(variable: Variable, values: Float32Array, into: (whole: Variable) => Float32Array): void {
    const part = this.#parts.flatMap((parts) => parts.get(variable) ?? [])[0]!;
    const whole = into(part.whole);
    eachRun(part, 0, values.length, (inPart, inWhole, length) =>
      whole.set(values.subarray(inPart, inPart + length), inWhole),
    );
  }

  /** The output in training, layer by layer in the order of the model, each layer for one rank after the other. */
  apply(x: Tensor): Tensor {
    const ranks = this.models.length;
    const [first] = this.#calls;
    /** Of all ranks, or of each its own. */
    const values = new Map<Value, readonly Tensor[]>(first!.inputs.map((value) => [value, [x]]));
    const valueOf = (value: Value, rank: number): Tensor =>
      values.get(value)![rank] ?? values.get(value)![0]!;
    for (const [i, call] of first!.calls.entries()) {
      const [from] = call.inputs.map((value) => values.get(value)!);
      const [to] = call.outputs as [Value];
      switch (markerOf(call.layer)) {
        case 'copy': {
          const one = clone(from![0]!); // so that the ranks' gradients are added up before that of a residual is
          const each = Array.from({ length: ranks }, () => clone(one)).reverse(); // the way back is from the last to the first
          values.set(to, each);
          break;
        }
        case 'reduce':
          values.set(to, [from!.reduce((sum, part) => add(sum, part))]);
          break;
        case 'gather':
          values.set(to, [concat([...from!], -1)]);
          break;
        default: {
          const apart =
            this.#hasParts(call.layer) || call.inputs.some((value) => values.get(value)!.length > 1);
          const made = (apart ? this.#calls : [first!]).map(({ calls }, rank) =>
            run(calls[i]!, (value) => valueOf(value, rank)),
          );
          for (const [k, value] of call.outputs.entries())
            values.set(value, made.map((outputs) => outputs[k]!)); // prettier-ignore
        }
      }
    }
    return values.get(first!.outputs[0]!)![0]!;
  }

  #hasParts(layer: Layer): boolean {
    return layer.weights.some((weight) => this.#isPart(0, variableOf(weight)));
  }

  dispose(): void {
    for (const model of this.models) disposeModel(model);
  }
}

function run({ layer, inputs }: LayerCall, valueOf: (value: Value) => Tensor): readonly Tensor[] {
  const result = layer.apply(inputs.map(valueOf), { training: true }) as Tensor | Tensor[];
  return Array.isArray(result) ? result : [result];
}
