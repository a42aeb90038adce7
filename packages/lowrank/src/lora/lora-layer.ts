/**
 * A linear layer with low-rank adapters beside its frozen kernel: h = x W₀ + Σ s/N · (xA)B + bias, then the activation.
 *
 * Paper: section 2.1 and, for several heads, 2.2.1. Ours are row vectors, so W₀, A and B are the paper's transposed.
 * Deviations: none. The order of the products is the paper's: BA is formed by merging only, never while training.
 */
import {
  add,
  div,
  dropout,
  matMul,
  mul,
  reshape,
  serialization,
  sub,
  tidy,
  variable,
  zeros,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { initializers, layers, LayerVariable } from '@tensorflow/tfjs-layers';
import { columnNorms } from './dora.ts';
import { asMatrix, linearKinds, onLastAxis, type LinearKind } from './linear-kind.ts';
import {
  weightsOfAdapter,
  type AdapterSpec,
  type AdapterValues,
  type LayerAdapter,
} from './layer-adapter.ts';
import type { SharedWeight } from './shared-weight.ts';

type Shape = (number | null)[];
type LayerWeight = layers.Layer['weights'][number];

/** The stock layer that a {@link LoraLayer} stands for. */
export interface BaseEntry {
  /** Class of the stock layer. */
  readonly className: string;
  /** What its `getConfig` returned. */
  readonly config: serialization.ConfigDict;
}

/** Configuration of a {@link LoraLayer}. */
export interface LoraLayerArgs {
  /** Name of the layer: that of the stock layer. */
  readonly name: string;
  /** The stock layer that it stands for. */
  readonly base: BaseEntry;
  /** Adapters to make room for, with zeros; a saved model brings their values. Default none. */
  readonly adapters?: readonly AdapterSpec[];
  /** Whether `train` may change the adapters. Default true. */
  readonly trainable?: boolean;
  /** Shape of the input with the batch first, where the layer is a model's first. */
  readonly batchInputShape?: Shape;
  /** Element type of the input, where the layer is a model's first. */
  readonly dtype?: 'float32' | 'int32';
}

/** Made by `applyLora` in place of a dense, convolution or embedding layer, under its name. */
export class LoraLayer extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'LoraLayer';
  /** Tells `train` that `seed` is its to set. */
  readonly seededNoise = true;
  /** Of the step's dropout; set by `train`. */
  seed: number | undefined;
  /** The layer it stands for, without weights. */
  readonly stock: layers.Layer;
  /** What the stock layer does: the product that adapters run beside. */
  readonly kind: LinearKind;
  /** Adapters by name, in the order in which they came. */
  readonly adapters: Map<string, LayerAdapter> = new Map();
  private readonly entry: BaseEntry;
  private readonly specs: readonly AdapterSpec[];
  private readonly activation: layers.Layer | undefined;
  private kernel: LayerWeight | undefined;
  private bias: LayerWeight | undefined;
  private shared: SharedWeight | undefined;
  private isMerged = false;

  constructor(args: LoraLayerArgs) {
    const { base, adapters = [], ...rest } = args;
    super(rest);
    this.entry = base;
    this.specs = adapters;
    this.kind = linearKinds.get(base.className)!;
    this.stock = this.kind.stock(base.config);
    this.supportsMasking = this.stock.supportsMasking;
    const activation = base.config['activation'] as 'relu' | undefined;
    if (activation && (activation as string) !== 'linear')
      this.activation = layers.activation({ activation });
  }

  override build(inputShape: Shape | Shape[]): void {
    const { config } = this.entry;
    const shape = this.kind.kernelShape(config, inputShape as Shape);
    const empty = initializers.zeros();
    this.kernel = this.addWeight(this.kind.kernel, shape, 'float32', empty, undefined, false);
    if (this.kind.real && config['useBias'] !== false) {
      this.bias = this.addWeight('bias', [shape.at(-1)!], 'float32', empty, undefined, false);
    }
    for (const spec of this.specs) {
      const width = spec.heads * spec.rank;
      tidy(() => {
        const a = zeros([...shape.slice(0, -1), width]);
        const b = zeros([width, shape.at(-1)!]);
        this.addAdapter(spec, {
          a,
          b,
          ...(spec.fromSvd ? { first: { a, b } } : {}),
          ...(spec.dora ? { magnitude: zeros([shape.at(-1)!]) } : {}),
        });
      });
    }
    this.built = true;
  }

  /** W₀, or what was merged from it, `[…, in, out]`. */
  get kernelWeight(): LayerWeight {
    return this.kernel!;
  }

  /** W₀ whatever is merged. */
  get baseKernel(): Tensor {
    return this.shared?.base ?? this.kernel!.read();
  }

  /** Reads W₀ from the base's variable from now on. */
  shareKernel(shared: SharedWeight): void {
    this.shared = shared;
  }

  /** Makes room for an adapter; one of the same name is replaced. */
  addAdapter(spec: AdapterSpec, values: AdapterValues): void {
    this.removeAdapter(spec.name);
    const suffix = spec.name === 'default' ? '' : `.${spec.name}`;
    const scope = this.built ? `${this.name}/` : ''; // while it is built, TensorFlow.js puts it there
    const weight = (name: string, value: Tensor, trainable: boolean): LayerVariable => {
      const made = new LayerVariable(value, 'float32', `${scope}${name}${suffix}`, trainable);
      (trainable ? this.own.trainable : this.own.frozen).push(made);
      return made;
    };
    const { first, magnitude } = values;
    const adapter: LayerAdapter = {
      ...spec,
      a: weight('lora_A', values.a, true),
      b: weight('lora_B', values.b, true),
      ...(magnitude ? { magnitude: weight('lora_magnitude_vector', magnitude, true) } : {}),
      ...(first
        ? { first: { a: weight('first_A', first.a, false), b: weight('first_B', first.b, false) } }
        : {}),
    };
    this.adapters.set(spec.name, adapter);
    this.setStrength(spec.name, spec.strength);
  }

  /** Takes an adapter out and disposes of its weights. Nothing happens where there is none of that name. */
  removeAdapter(name: string): void {
    const adapter = this.adapters.get(name);
    if (!adapter) return;
    const gone = new Set<unknown>(weightsOfAdapter(adapter));
    for (const list of [this.own.trainable, this.own.frozen]) {
      list.splice(0, list.length, ...list.filter((weight) => !gone.has(weight)));
    }
    for (const weight of weightsOfAdapter(adapter)) weight.dispose();
    this.adapters.delete(name);
  }

  /** How much of an adapter is in use; what is switched off, or merged, does not train. */
  setStrength(name: string, strength: number): void {
    const adapter = this.adapters.get(name);
    if (!adapter) return;
    adapter.strength = strength;
    const { a, b, magnitude } = adapter;
    for (const weight of [a, b, magnitude]) if (weight) weight.trainable = strength !== 0 && !this.isMerged;
  }

  /** W₀ with the adapters in use, `[…, in, out]`; the caller disposes of it. */
  mergedKernel(): Tensor {
    return tidy(() => {
      const w0 = this.baseKernel;
      let merged = w0;
      for (const adapter of this.inUse()) {
        const { a, b, first, magnitude, scale, strength } = adapter;
        const product = (factors: { readonly a: LayerVariable; readonly b: LayerVariable }) =>
          reshape(matMul(asMatrix(factors.a.read()), asMatrix(factors.b.read())), w0.shape);
        let change = product({ a, b });
        if (first) change = sub(change, product(first));
        change = mul(change, scale);
        if (magnitude) {
          const ratio = div(magnitude.read(), columnNorms(w0, a.read(), b.read(), scale)); // [out]
          change = sub(mul(ratio, add(w0, change)), w0);
        }
        merged = add(merged, strength === 1 ? change : mul(change, strength));
      }
      return merged === w0 ? w0.clone() : merged;
    });
  }

  /** Computes with one merged kernel instead of W₀ and the adapters; without `merged`, with those again. */
  showMerged(merged: boolean): void {
    if (merged) {
      const own = this.mergedKernel();
      this.shared?.show(variable(own, false));
      own.dispose();
    } else this.shared?.show();
    this.isMerged = merged;
    for (const { name, strength } of this.adapters.values()) this.setStrength(name, strength);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return this.stock.computeOutputShape(inputShape);
  }

  override computeMask(inputs: Tensor | Tensor[], mask?: Tensor | Tensor[]): Tensor | Tensor[] {
    return this.stock.computeMask(inputs, mask);
  }

  override call(inputs: Tensor | Tensor[], kwargs: Record<string, unknown> = {}): Tensor {
    return tidy(() => {
      const x = Array.isArray(inputs) ? inputs[0]! : inputs;
      const training = kwargs['training'] === true;
      const bias = this.bias?.read();
      const kernel = this.kernel!.read();
      const { config } = this.entry;
      // fused operations would work out the gradient of the frozen kernel too
      let h = training ? this.kind.apply(x, kernel, config) : this.kind.asStock(x, kernel, bias, config);
      if (!this.isMerged && this.adapters.size > 0) {
        const z = bias && !training ? sub(h, bias) : h; // [batch, …, out]
        for (const [i, adapter] of this.inUse().entries()) {
          const drops = training && this.kind.real && adapter.dropout > 0;
          const seed = this.seed === undefined ? undefined : this.seed + i;
          const kept = drops ? dropout(x, adapter.dropout, undefined, seed) : x;
          const change = this.change(z, kept, adapter);
          h = add(h, adapter.strength === 1 ? change : mul(change, adapter.strength));
        }
      }
      if (bias && training) h = add(h, bias);
      return this.activation ? (this.activation.call(h, {}) as Tensor) : h;
    });
  }

  /** What an adapter adds to z = x W₀. */
  private change(z: Tensor, x: Tensor, { a, b, first, magnitude, scale }: LayerAdapter): Tensor {
    const { config } = this.entry;
    const through = (factors: { readonly a: LayerVariable; readonly b: LayerVariable }) =>
      onLastAxis(mul(this.kind.apply(x, factors.a.read(), config), scale), factors.b.read());
    let low = through({ a, b }); // [batch, …, out]
    if (first) low = sub(low, through(first));
    if (!magnitude) return low;
    const ratio = div(magnitude.read(), columnNorms(this.baseKernel, a.read(), b.read(), scale)); // [out]
    return sub(mul(ratio, add(z, low)), z);
  }

  private inUse(): LayerAdapter[] {
    return [...this.adapters.values()].filter(({ strength }) => strength !== 0);
  }

  /** The layer's own lists, which `addWeight` fills while it is built. */
  private get own(): { trainable: LayerWeight[]; frozen: LayerWeight[] } {
    const lists = this as unknown as {
      _trainableWeights: LayerWeight[];
      _nonTrainableWeights: LayerWeight[];
    };
    return { trainable: lists._trainableWeights, frozen: lists._nonTrainableWeights };
  }

  override getConfig(): serialization.ConfigDict {
    const adapters = [...this.adapters.values()].map(
      ({ name, rank, heads, scale, dropout, dora, fromSvd, strength }) => ({
        name,
        rank,
        heads,
        scale,
        dropout,
        dora,
        fromSvd,
        strength,
      }),
    );
    return { ...super.getConfig(), base: { ...this.entry }, adapters };
  }
}

serialization.registerClass(LoraLayer);
