/**
 * A layer of experts, of which each token sees one or two: y = Σ wₑ·(relu(x·W₁ₑ + b₁ₑ)·W₂ₑ + b₂ₑ).
 *
 * Source: Fedus, Zoph and Shazeer 2021, Switch transformers; Lepikhin et al. 2020, GShard.
 *
 * Deviations: a token for which no expert has room gives 0, so that a residual around the layer passes it on.
 */
import { ArgumentError } from '@ockham/core';
import {
  addN,
  concat,
  div,
  matMul,
  reshape,
  serialization,
  slice,
  softmax,
  tidy,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { initializers, layers } from '@tensorflow/tfjs-layers';
import { applyExperts, balanceLoss, combineTokens, dispatchTokens } from './expert-functions.ts';
import { checkRouting, routeTokens, type RoutingOptions } from './routing.ts';

type Shape = (number | null)[];

/** Configuration of {@link MixtureOfExperts}. */
export interface MixtureOfExpertsArgs extends RoutingOptions {
  /** E ≥ top. */
  readonly experts: number;
  /** Width between the two dense layers of an expert, ≥ 1. */
  readonly hidden: number;
  /** Groups, as many as ranks, of which each has its own capacity: one rank then does what N do, to the bit. Default 1. */
  readonly groups?: number;
  /** Of the initial weights. Default 0. */
  readonly seed?: number;
  /** Name of the layer. Default: one that TensorFlow.js makes up. */
  readonly name?: string;
}

/**
 * `[…, width]` to the same shape. Weights: `gate` `[width, E]`, `kernel1` `[E, width, hidden]`, `bias1`, `kernel2`, `bias2`.
 *
 * The routing reads the probabilities, which the engine must give at once (wasm, native and cpu do).
 */
export class MixtureOfExperts extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'MixtureOfExperts';
  /** The configuration with its defaults. */
  readonly args: Required<Omit<MixtureOfExpertsArgs, 'name'>>;
  #weights: readonly ReturnType<layers.Layer['addWeight']>[] = [];

  constructor(args: MixtureOfExpertsArgs) {
    super({ ...(args.name !== undefined && { name: args.name }) });
    const { experts, hidden, top = 1, capacityFactor = 1.25, groups = 1, seed = 0 } = args;
    checkRouting('MixtureOfExperts', experts, top, capacityFactor);
    for (const [name, value] of Object.entries({ hidden, groups }))
      if (!(Number.isInteger(value) && value >= 1))
        throw new ArgumentError(`MixtureOfExperts: ${name} must be an integer ≥ 1, got ${value}.`);
    this.args = { experts, hidden, top, capacityFactor, groups, seed };
  }

  override build(inputShape: Shape | Shape[]): void {
    const width = (inputShape as Shape).at(-1)!;
    const { experts, hidden, seed } = this.args;
    const random = (fan: number, offset: number) =>
      initializers.truncatedNormal({ stddev: Math.sqrt(0.1 / fan), seed: seed * 4 + offset });
    const none = initializers.zeros();
    this.#weights = [
      this.addWeight('gate', [width, experts], 'float32', random(width, 0)),
      this.addWeight('kernel1', [experts, width, hidden], 'float32', random(width, 1)),
      this.addWeight('bias1', [experts, 1, hidden], 'float32', none),
      this.addWeight('kernel2', [experts, hidden, width], 'float32', random(hidden, 2)),
      this.addWeight('bias2', [experts, 1, width], 'float32', none),
    ];
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return inputShape as Shape;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => this.#forward(Array.isArray(inputs) ? inputs[0]! : inputs).y);
  }

  /** The balance loss of a batch, to be added to the loss times about 0.01. The caller disposes of it. */
  balanceLoss(x: Tensor): Tensor {
    return tidy(() => this.#forward(x).balance);
  }

  #forward(x: Tensor): { readonly y: Tensor; readonly balance: Tensor } {
    const [gate, kernel1, bias1, kernel2, bias2] = this.#weights.map((weight) => weight.read()) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    const { experts, top, capacityFactor, groups } = this.args;
    const width = x.shape.at(-1)!;
    const tokens = x.size / width;
    if (tokens % groups !== 0)
      throw new ArgumentError(
        `MixtureOfExperts: the tokens of a batch must be a multiple of the ${groups} groups, got ${tokens}.`,
      );
    const flat = reshape(x, [tokens, width]);
    const per = tokens / groups;
    const parts = Array.from({ length: groups }, (_, g) => {
      const part = slice(flat, [g * per, 0], [per, width]);
      const probabilities = softmax(matMul(part, gate));
      const routing = routeTokens(probabilities.dataSync() as Float32Array, experts, { top, capacityFactor });
      return { part, probabilities, routing };
    });
    const { capacity } = parts[0]!.routing;
    const rows = parts.map(({ part, routing }) =>
      reshape(dispatchTokens(part, routing), [experts, capacity, width]),
    );
    const seen = applyExperts(concat(rows, 1), { kernel1, bias1, kernel2, bias2 }); // [E, groups · C, width]
    const combined = parts.map(({ probabilities, routing }, g) => {
      const own = slice(seen, [0, g * capacity, 0], [experts, capacity, width]);
      return combineTokens(reshape(own, [experts * capacity, width]), probabilities, routing);
    });
    const balances = parts.map(({ probabilities, routing }) => balanceLoss(probabilities, routing));
    return { y: reshape(concat(combined), x.shape), balance: div(addN(balances), groups) };
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), ...this.args };
  }
}

serialization.registerClass(MixtureOfExperts);
