import { add, mul, sub, tidy, variable, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import { variableOf, type Layer } from '@ockham/core/training';
import { pointTo } from './shared-weight.ts';

type LayerWeight = Layer['weights'][number];

interface WholeWeight {
  readonly weight: LayerWeight;
  /** The base's variable, which is only read. */
  readonly base: Variable;
  readonly trains: boolean;
  /** Each adapter's own. */
  readonly copies: Map<string, Variable>;
  mixed?: Variable | undefined;
}

/** A layer that trains whole: every adapter has a copy of its weights, and the base keeps its own. */
export class WholeLayer {
  readonly path: string;
  /** The base's layer. */
  readonly layer: Layer;
  private readonly weights: readonly WholeWeight[];

  /** @param pairs The weights of the adapted model's layer, each with the base's. */
  constructor(path: string, layer: Layer, pairs: readonly (readonly [LayerWeight, Variable])[]) {
    this.path = path;
    this.layer = layer;
    this.weights = pairs.map(([weight, base]) => {
      variableOf(weight).dispose();
      const whole: WholeWeight = { weight, base, trains: weight.trainable, copies: new Map() };
      weight.dispose = () => {
        for (const copy of whole.copies.values()) copy.dispose();
        whole.mixed?.dispose();
      };
      return whole;
    });
  }

  /** Parameters of one copy. */
  get size(): number {
    return this.weights.reduce((sum, { base }) => sum + base.size, 0);
  }

  /** Parameters of one copy that training changes. */
  get trainedSize(): number {
    return this.weights.reduce((sum, { base, trains }) => sum + (trains ? base.size : 0), 0);
  }

  /** Gives an adapter its copy: `values` in the order of {@link valuesOf}, or the base's. */
  add(name: string, values?: readonly Tensor[]): void {
    for (const [i, whole] of this.weights.entries()) {
      whole.copies.get(name)?.dispose();
      whole.copies.set(name, variable(values?.[i] ?? whole.base, whole.trains));
    }
  }

  remove(name: string): void {
    for (const { copies } of this.weights) {
      copies.get(name)?.dispose();
      copies.delete(name);
    }
  }

  /** The weights of an adapter's copy with their names, the base's layer's own. */
  valuesOf(name: string): readonly { readonly weight: LayerWeight; readonly value: Variable }[] {
    return this.weights.map(({ weight, base, copies }) => ({ weight, value: copies.get(name) ?? base }));
  }

  /**
   * Shows one adapter's copy where it is in use alone, at full strength, and else what base and copies mix to:
   * W₀ + Σ strength · (W − W₀), which does not train.
   */
  use(strengths: ReadonlyMap<string, number>, frozen: boolean): void {
    const inUse = [...strengths].filter(([, strength]) => strength !== 0);
    const alone = inUse.length === 1 && inUse[0]![1] === 1 ? inUse[0]![0] : undefined;
    for (const whole of this.weights) {
      const { weight, base, trains, copies } = whole;
      const copy = alone === undefined ? undefined : copies.get(alone);
      const former = whole.mixed;
      whole.mixed = copy ? undefined : tidy(() => variable(mix(base, copies, inUse), false));
      pointTo(weight, copy ?? whole.mixed!);
      weight.trainable = copy !== undefined && trains && !frozen;
      former?.dispose();
    }
  }

  /** The values in use, in the order of the base's layer's weights. */
  get shown(): readonly { readonly base: Variable; readonly value: Variable }[] {
    return this.weights.map(({ base, weight }) => ({ base, value: variableOf(weight) }));
  }
}

function mix(
  base: Variable,
  copies: ReadonlyMap<string, Variable>,
  inUse: readonly (readonly [string, number])[],
): Tensor {
  return inUse.reduce<Tensor>((sum, [name, strength]) => {
    const copy = copies.get(name);
    return copy ? add(sum, mul(sub(copy, base), strength)) : sum;
  }, base.clone());
}
