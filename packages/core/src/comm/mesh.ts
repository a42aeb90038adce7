import { ArgumentError } from '../errors.ts';
import type { Communicator } from './communicator.ts';

/** A group for each axis: the ranks that differ from this one in that coordinate only. */
export type Mesh<Axis extends string> = {
  readonly [A in Axis]: Communicator;
} & {
  /** Where this rank is on each axis. */
  readonly coordinates: Readonly<Record<Axis, number>>;
};

/**
 * Arranges the ranks in a mesh, row-major: the last axis has neighbouring ranks, so that the one that talks most belongs there.
 * Collective.
 *
 * @param shape Ranks along each axis; their product is the size.
 * @throws ArgumentError if it is not.
 *
 * @example
 * const { data, tensor, pipeline } = await mesh(comm, { pipeline: 2, data: 2, tensor: 2 });
 * await data.allReduce(gradient, 'mean');
 */
export async function mesh<Axis extends string>(
  comm: Communicator,
  shape: Readonly<Record<Axis, number>>,
): Promise<Mesh<Axis>> {
  const axes = Object.keys(shape) as Axis[];
  const product = axes.reduce((n, axis) => n * shape[axis], 1);
  if (product !== comm.size || axes.some((axis) => !Number.isInteger(shape[axis]) || shape[axis] < 1))
    throw new ArgumentError(
      `mesh: the product of the axes must be the number of ranks, ${comm.size}, got ${axes.map((axis) => `${axis} ${shape[axis]}`).join(' × ')}.`,
    );
  if ((axes as string[]).includes('coordinates'))
    throw new ArgumentError('mesh: an axis must not be called coordinates. Choose another name.');
  const coordinates = {} as Record<Axis, number>;
  const groups = {} as Record<Axis, Communicator>;
  let stride = comm.size;
  for (const axis of axes) {
    stride /= shape[axis];
    const at = Math.floor(comm.rank / stride) % shape[axis];
    coordinates[axis] = at;
    groups[axis] = (await comm.split(comm.rank - at * stride, at))!;
  }
  return { ...groups, coordinates };
}
