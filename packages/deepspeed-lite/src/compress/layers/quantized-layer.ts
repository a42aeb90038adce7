import { ArgumentError, UnsupportedModelError } from '@ockham/core';

import type { PackedMatrix } from '@ockham/core/kernels';
import type { HeldWeight, HoldsWeights, Layer } from '@ockham/core/training';
import { serialization, type Tensor } from '@tensorflow/tfjs-core';
import { initializers, layers } from '@tensorflow/tfjs-layers';
import { checkActivationGrid, type ActivationGrid } from '../activation-grid.ts';
import type { PackingRule } from '../quantizable.ts';
import { holdTable, type HeldMatrix, type ProductMatrix, type TableMatrix } from './held-matrix.ts';
import { checkMatrixShape, shapeConfig, shapeOf, type MatrixShape } from './matrix-shape.ts';

type Shape = (number | null)[];

/** Configuration of a layer with packed weights. */
export interface QuantizedLayerArgs {
  /** Config of the float layer whose place it takes. */
  readonly layer: serialization.ConfigDict;
  /** Sizes of the packed matrices by name: `kernel`, and `down` and `up` of a low-rank compensation. */
  readonly matrices: Readonly<Record<string, MatrixShape>>;
  /** Grid of the input; null, the default, for float32. */
  readonly activations?: ActivationGrid | null;
  /** Name of the layer. Default: one that TensorFlow.js makes up. */
  readonly name?: string;
  /** Shape of the input with the batch first, where the layer is a model's first. */
  readonly batchInputShape?: Shape;
  /** Element type of the input, where the layer is a model's first. */
  readonly dtype?: 'float32' | 'int32';
}

/**
 * What layers with packed weights have in common: the matrices are no variables of TensorFlow.js but bytes of their
 * own, held from `hold` to `dispose`, and counted by `@ockham/core/metrics` all the same.
 */
export abstract class QuantizedLayer extends layers.Layer implements HoldsWeights {
  /** The layer whose place this one takes. It is never built and has no weights: it knows shapes and the activation. */
  readonly origin: Layer;
  /** Sizes of the packed matrices, by name. */
  readonly matrices: Readonly<Record<string, MatrixShape>>;
  /** Grid of the input; null for float32. */
  readonly activations: ActivationGrid | null;
  private readonly layerConfig: serialization.ConfigDict;
  private readonly held = new Map<string, HeldMatrix>();

  /** @param originClass Name of the class of the float layer. */
  constructor(args: QuantizedLayerArgs, originClass: string) {
    const { layer, matrices, activations = null, ...rest } = args;
    super({ ...rest });
    const who = this.getClassName();
    for (const [name, shape] of Object.entries(matrices)) checkMatrixShape(`${who}.${name}`, shape);
    if (activations) checkActivationGrid(who, activations);
    this.layerConfig = layer;
    this.matrices = matrices;
    this.activations = activations;
    this.origin = floatLayer(originClass, layer);
  }

  override build(): void {
    const units = this.biasSize();
    if (units !== undefined) this.addWeight('bias', [units], 'float32', initializers.zeros());
    this.built = true;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return this.origin.computeOutputShape(inputShape);
  }

  /** Length of the bias, which stays a variable; undefined where there is none. */
  protected biasSize(): number | undefined {
    return undefined;
  }

  /** The bias, where there is one. */
  protected bias(): Tensor | undefined {
    return this.weights[0]?.read();
  }

  /** A matrix whose rows are decoded. @throws UnsupportedModelError before `hold`. */
  protected table(name: string): TableMatrix {
    return this.heldAs(name) as TableMatrix;
  }

  /** A matrix that is multiplied by. @throws UnsupportedModelError before `hold`. */
  protected product(name: string): ProductMatrix {
    return this.heldAs(name) as ProductMatrix;
  }

  private heldAs(name: string): HeldMatrix {
    const matrix = this.held.get(name);
    if (matrix) return matrix;
    throw new UnsupportedModelError(
      `${this.name}: holds no ${name} matrix. A model with packed weights comes from compress, decodeCompressed or cloneModel, not from its topology alone.`,
    );
  }

  /**
   * Takes the matrices, all or none.
   *
   * @throws ArgumentError where one is missing or not of the size that the config says.
   */
  async hold(matrices: ReadonlyMap<string, PackedMatrix>): Promise<void> {
    for (const [name, shape] of Object.entries(this.matrices)) {
      const given = matrices.get(name);
      const got = given && shapeOf(given);
      const keys = Object.keys(shape) as (keyof MatrixShape)[];
      if (got && keys.every((key) => got[key] === shape[key])) continue;
      throw new ArgumentError(
        `${this.name}: the ${name} matrix must be ${JSON.stringify(shape)}, got ${JSON.stringify(got ?? null)}.`,
      );
    }
    for (const name of Object.keys(this.matrices)) {
      this.held.get(name)?.dispose();
      this.held.set(name, await this.keepMatrix(name, matrices.get(name)!));
    }
  }

  /** How a matrix is held: for decoding, unless a layer multiplies by it. */
  protected async keepMatrix(_name: string, matrix: PackedMatrix): Promise<HeldMatrix> {
    return holdTable(matrix);
  }

  /** The matrices as they were given. */
  packed(): Map<string, PackedMatrix> {
    return new Map(Object.keys(this.matrices).map((name) => [name, this.heldAs(name).packed()]));
  }

  /** Class and config of the float layer. */
  get float(): { readonly className: string; readonly config: serialization.ConfigDict } {
    return { className: this.origin.getClassName(), config: structuredClone(this.layerConfig) };
  }

  /** Shape of the float layer's weight. */
  weightShape({ weight }: PackingRule): number[] {
    const { outputs, inputs } = this.matrices[weight]!;
    return weight === 'kernel' ? [inputs, outputs] : [outputs, inputs];
  }

  /** The packed matrices, as bytes, by name. */
  heldWeights(): HeldWeight[] {
    return [...this.held].map(([name, matrix]) => ({
      name,
      size: matrix.size,
      get nonZeros() {
        return matrix.nonZeros; // a pass over all of it
      },
      bytes: matrix.bytes,
    }));
  }

  async takeHeldWeights(from: HoldsWeights): Promise<void> {
    await this.hold((from as QuantizedLayer).packed());
  }

  override dispose(): ReturnType<Layer['dispose']> {
    const result = super.dispose();
    if (result.refCountAfterDispose === 0) this.release();
    return result;
  }

  /** Lets the matrices go. A second call does nothing. */
  release(): void {
    for (const matrix of this.held.values()) matrix.dispose();
    this.held.clear();
  }

  override getConfig(): serialization.ConfigDict {
    const matrices = Object.fromEntries(
      Object.entries(this.matrices).map(([name, shape]) => [name, shapeConfig(shape)]),
    );
    const activations = this.activations ? { ...this.activations } : null;
    return { ...super.getConfig(), layer: structuredClone(this.layerConfig), matrices, activations };
  }
}

interface LayerClass {
  fromConfig(cls: unknown, config: serialization.ConfigDict): Layer;
}

/** A layer of a registered class. */
function floatLayer(className: string, config: serialization.ConfigDict): Layer {
  const [cls] = serialization.SerializationMap.getMap().classNameMap[className] ?? [];
  if (cls) return (cls as unknown as LayerClass).fromConfig(cls, structuredClone(config)); // fromConfig may edit what it is given
  throw new UnsupportedModelError(
    `compress: the class ${className} is not registered. Import the module that defines it.`,
  );
}
