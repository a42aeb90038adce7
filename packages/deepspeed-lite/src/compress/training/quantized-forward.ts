import {
  div,
  gather,
  mul,
  norm,
  ones,
  reshape,
  sub,
  tidy,
  transpose,
  cast,
  type Rank,
  type Tensor,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import { LayerVariable, type LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, NothingChangedError, UnsupportedModelError } from '@ockham/core';
import { variableOf, type Layer } from '@ockham/core/training';
import { checkActivationGrid, fakeQuantizeActivations, type ActivationGrid } from '../activation-grid.ts';
import { checkGrid, type FakeQuantizeOptions, type Grid } from '../grid.ts';
import { quantizableWeights, type QuantizableWeight } from '../quantizable.ts';
import { fakeQuantizeToWidth, isStored, type WidthGrid } from './any-width.ts';
import { wrapCall, type LayerFunction } from './wrap-call.ts';

/** The grid of a layer's matrix by the layer's path; undefined leaves it in float32. */
export type GridRule = (path: string, layer: Layer) => Grid | undefined;

/** What of a model lies on grids in the forward pass. */
export interface QuantizedForwardOptions {
  /** One grid for every layer whose weight can be packed, or a rule. */
  readonly weights: Grid | GridRule;
  /** Where the inputs of dense and convolution layers lie, for all of them or by the layer's path. Default: float32. */
  readonly activations?: ActivationGrid | ((path: string) => ActivationGrid | undefined);
  /** Whether scales learn: each starts as the grid's own and is multiplied by a trained number. Default false. */
  readonly learnedScales?: boolean;
}

/** One matrix on its grid. */
export interface QuantizedWeight {
  /** Path of the layer. */
  readonly path: string;
  /** Where its weights lie. */
  readonly grid: Grid;
  /** Values of the matrix. */
  readonly parameters: number;
  /** ‖quantised − before‖ / ‖before‖, of the last change; 0 where the weight was on its grid. */
  readonly relativeError: number;
}

interface Site extends QuantizableWeight {
  grid: WidthGrid;
  readonly weight: Layer['weights'][number];
  readonly layout: NonNullable<FakeQuantizeOptions['layout']>;
  /** Multiplies scales: `[groups, outputs]`, of tables `[outputs, groups]`. */
  readonly multiplier: LayerVariable | undefined;
  readonly unwrap: () => void;
}

/**
 * A model whose weights are rounded to grids whenever it runs, in training and inference, while its variables stay float32 and
 * gradients go straight through: the model is the same object, and `train` trains it. Ends with {@link QuantizedForward.bake}
 * or {@link QuantizedForward.remove}; one at a time for a model.
 */
export class QuantizedForward {
  readonly #sites: readonly Site[];
  #ended = false;

  /**
   * @throws ArgumentError for a grid out of range; NothingChangedError where no layer gets a grid; UnsupportedModelError where
   *   there is none that could.
   */
  constructor(model: LayersModel, options: QuantizedForwardOptions, who = 'QuantizedForward') {
    const { weights, activations, learnedScales = false } = options;
    const chosen = someQuantizable(who, model).flatMap((found) => {
      const grid = typeof weights === 'function' ? weights(found.path, found.layer) : weights;
      if (grid !== undefined) checkGrid(who, grid);
      return grid === undefined ? [] : [{ found, grid }];
    });
    if (chosen.length === 0) {
      throw new NothingChangedError(
        `${who}: no layer of ${model.name} is to be quantised: the rule gives undefined for each. Return a grid for at least one.`,
      );
    }
    const inputGrids = chosen.map(({ found: { path, rule } }) => {
      const grid = typeof activations === 'function' ? activations(path) : activations;
      if (grid !== undefined) checkActivationGrid(who, grid);
      return rule.weight === 'kernel' ? grid : undefined; // a table reads indexes
    });
    this.#sites = chosen.map(({ found, grid }, i) => {
      const weight = found.layer.weights.find((one) => variableOf(one) === found.variable)!;
      const layout = layoutOf(found);
      const multiplier = learnedScales ? addMultiplier(found, grid) : undefined;
      const inputGrid = inputGrids[i];
      const site: Site = { ...found, grid, weight, layout, multiplier, unwrap: () => unwrap() };
      const unwrap = wrapCall(found.layer, (inner) => (inputs, kwargs) =>
        tidy(() => runQuantized(site, inner, inputGrid ? onInputGrid(inputs, inputGrid) : inputs, kwargs)),
      ); // prettier-ignore
      return site;
    });
  }

  /** The matrices that lie on grids, by path. */
  get paths(): readonly string[] {
    return this.#sites.map(({ path }) => path);
  }

  /** Sets the width of a matrix from the next forward pass on, any whole number in [2, 16] or the name of a grid. */
  setBits(path: string, bits: WidthGrid['bits']): void {
    const site = this.#sites.find((one) => one.path === path);
    if (!site) throw new ArgumentError(`QuantizedForward.setBits: no quantised layer "${path}". There are ${this.paths.join(', ')}.`); // prettier-ignore
    site.grid = { ...site.grid, bits };
  }

  /**
   * Writes the rounded values into the variables and lets go of the model, which then computes the same as an ordinary one.
   * What `quantize` makes of it with the same grid is the same again.
   *
   * @throws ArgumentError where a width is none that a file can hold.
   */
  async bake(): Promise<QuantizedWeight[]> {
    for (const { path, grid } of this.#sites) {
      if (isStored(grid.bits)) continue;
      throw new ArgumentError(
        `QuantizedForward.bake: ${path} has ${grid.bits} bits, which no file holds. Set 8, 4, 3 or 2 first.`,
      );
    }
    const baked: QuantizedWeight[] = [];
    for (const site of this.#sites) {
      const { path, variable, inputs, outputs } = site;
      const error = tidy(() => {
        const before = asMatrix(site);
        const learned = onGrid(site, before, site.multiplier?.read());
        const after = site.multiplier ? onGrid(site, learned as Tensor2D) : learned; // its scale in half precision
        const distance = div(norm(sub(after, before)), norm(before));
        variable.assign(reshape(after, variable.shape));
        return distance;
      });
      const [relativeError] = await error.data();
      error.dispose();
      const whole = Number.isFinite(relativeError) ? relativeError! : 0; // a matrix of zeros
      baked.push({ path, grid: site.grid as Grid, parameters: inputs * outputs, relativeError: whole });
    }
    this.remove();
    return baked;
  }

  /** Lets go of the model; its variables stay as training left them, in float32. */
  remove(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const { layer, multiplier, unwrap } of [...this.#sites].reverse()) {
      unwrap();
      if (!multiplier) continue;
      const own = trainableOf(layer);
      own.splice(own.indexOf(multiplier), 1);
      multiplier.dispose();
    }
  }
}

function runQuantized(
  site: Site,
  inner: LayerFunction,
  inputs: Tensor | Tensor[],
  kwargs: Record<string, unknown>,
): Tensor | Tensor[] {
  const { layer, grid, weight, multiplier } = site;
  if (layer.getClassName() === 'Embedding' && grid.granularity !== 'tensor') {
    // a row has scales of its own: only the rows that are looked up need be rounded
    const found = inner(inputs, kwargs) as Tensor;
    const rows = reshape<Rank.R2>(found, [-1, found.shape.at(-1)!]);
    const ids = Array.isArray(inputs) ? inputs[0]! : inputs;
    const factors = multiplier && gather(multiplier.read(), cast(reshape(ids, [ids.size]), 'int32'));
    return reshape(onGrid(site, rows, factors), found.shape);
  }
  const rounded = reshape(onGrid(site, asMatrix(site), multiplier?.read()), site.variable.shape);
  weight.read = () => rounded;
  try {
    return inner(inputs, kwargs);
  } finally {
    delete (weight as { read?: unknown }).read;
  }
}

function onInputGrid(inputs: Tensor | Tensor[], grid: ActivationGrid): Tensor | Tensor[] {
  return Array.isArray(inputs)
    ? inputs.map((x) => fakeQuantizeActivations(x, grid))
    : fakeQuantizeActivations(inputs, grid);
}

/** @throws UnsupportedModelError naming `who` where nothing of a model can be quantised. */
export function someQuantizable(who: string, model: LayersModel): QuantizableWeight[] {
  const found = quantizableWeights(model);
  if (found.length > 0) return found;
  throw new UnsupportedModelError(
    `${who}: ${model.name} has no layer to quantise. Pass a model with dense, convolution or embedding layers.`,
  );
}

/** How a weight lies in {@link asMatrix}. */
export function layoutOf({ rule }: QuantizableWeight): NonNullable<FakeQuantizeOptions['layout']> {
  return rule.transposed ? 'inputs-outputs' : 'outputs-inputs';
}

/** A weight as the matrix that `fakeQuantize` takes. */
export function asMatrix({ variable, rule, inputs, outputs }: QuantizableWeight): Tensor2D {
  return reshape<Rank.R2>(variable, rule.transposed ? [inputs, outputs] : [outputs, inputs]);
}

/** A matrix, or rows of a table, on the grid of its site. */
function onGrid({ grid, layout, inputs }: Site, matrix: Tensor2D, multiplier?: Tensor): Tensor {
  const rounded = fakeQuantizeToWidth(matrix, grid, { layout });
  if (multiplier === undefined) return rounded;
  return mul(rounded, spread(multiplier, layout, inputs, groupOf(grid, inputs)));
}

/** One number for each input of each output, or what broadcasts to that. */
function spread(multiplier: Tensor, layout: Site['layout'], inputs: number, group: number): Tensor {
  if (group >= inputs) return multiplier;
  const at = Int32Array.from({ length: inputs }, (_, i) => Math.floor(i / group));
  if (layout === 'inputs-outputs') return gather(multiplier, at);
  return transpose(gather(transpose(multiplier), at));
}

function groupOf({ granularity }: WidthGrid, inputs: number): number {
  return typeof granularity === 'object' ? Math.min(granularity.group, inputs) : inputs;
}

/** A trainable weight of ones beside the layer's own; `train` finds it there, and so do its snapshots. */
function addMultiplier({ layer, rule, inputs, outputs }: QuantizableWeight, grid: Grid): LayerVariable {
  const groups = Math.ceil(inputs / groupOf(grid, inputs));
  const whole = grid.granularity === 'tensor';
  const shape = whole ? [1, 1] : rule.transposed ? [groups, outputs] : [outputs, groups];
  const start = ones(shape);
  const made = new LayerVariable(start, 'float32', `${layer.name}/scale_multiplier`, true);
  start.dispose();
  trainableOf(layer).push(made);
  return made;
}

function trainableOf(layer: Layer): LayerVariable[] {
  return (layer as unknown as { _trainableWeights: LayerVariable[] })._trainableWeights;
}
