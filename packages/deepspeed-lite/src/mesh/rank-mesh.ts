/** The axes of a mesh: data × tensor × pipeline. */
import { ArgumentError } from '@ockham/core';
import { mesh, type Communicator } from '@ockham/core/comm';

/** Ranks along each axis. */
export interface MeshShape {
  /** Copies of the model, each with its share of the examples. */
  readonly data: number;
  /** Ranks that share each layer. */
  readonly tensor: number;
  /** Stages that layers are shared out to. */
  readonly pipeline: number;
}

/**
 * Completes the shape of a mesh: what is left out is 1, the data axis what remains of the ranks.
 *
 * @throws ArgumentError naming `who` if it does not multiply to `size`.
 */
export function meshShape(who: string, given: Partial<MeshShape>, size: number): MeshShape {
  const { tensor = 1, pipeline = 1 } = given;
  const { data = size / (tensor * pipeline) } = given;
  const shape = { data, tensor, pipeline };
  if (data * tensor * pipeline === size && Object.values(shape).every((n) => Number.isInteger(n) && n >= 1))
    return shape;
  const product = Object.entries(shape).map(([axis, n]) => `${axis} ${n}`).join(' × '); // prettier-ignore
  throw new ArgumentError(
    `${who}: the mesh must multiply to the number of ranks, ${size}, got ${product}. Leave \`data\` out: it follows from the others.`,
  );
}

/** The groups of one rank. Those for control are apart, so that the ledgers of the others hold nothing else. */
export interface RankMesh {
  readonly shape: MeshShape;
  readonly world: Communicator;
  /** Ranks that train the same parameters on other examples: gradients and parameters. */
  readonly data: Communicator;
  /** Ranks that have other parts of the same layers. */
  readonly tensor: Communicator;
  /** Ranks that have other layers. */
  readonly pipeline: Communicator;
  readonly control: {
    readonly data: Communicator;
    readonly tensor: Communicator;
    readonly pipeline: Communicator;
  };
}

/** Makes the groups: tensor ranks are neighbours, since they talk most, stages are farthest apart. Collective. */
export async function rankMesh(comm: Communicator, shape: MeshShape): Promise<RankMesh> {
  const { data, tensor, pipeline } = shape;
  const world = (await comm.split(0))!;
  if (tensor * pipeline === 1) {
    const [one, own] = [(await comm.split(comm.rank))!, (await comm.split(0))!];
    return { shape, world, data: own, tensor: one, pipeline: one, control: { data: world, tensor: one, pipeline: one } }; // prettier-ignore
  }
  const axes = { pipeline, data, tensor };
  const [lines, control] = [await mesh(comm, axes), await mesh(comm, axes)];
  return { shape, world, data: lines.data, tensor: lines.tensor, pipeline: lines.pipeline, control };
}

/** Leaves the groups. Collective. */
export async function closeMesh({ world, data, tensor, pipeline, control }: RankMesh): Promise<void> {
  for (const group of new Set([data, tensor, pipeline, control.data, control.tensor, control.pipeline, world])) await group.close(); // prettier-ignore
}
