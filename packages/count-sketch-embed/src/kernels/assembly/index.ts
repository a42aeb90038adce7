import { GROUP, SLOT } from './estimate';

export { gradient } from './gradient';
export { lookUp } from './look-up';
export { gradientRobe, lookUpRobe } from './robe';

/** Bytes of the workspace of all kernels, without the sums of a gradient; `hashes` of a ROBE are 0. */
export function workspaceBytes(unique: i32, hashes: i32): i32 {
  return unique * 4 + hashes * (SLOT + 2 * GROUP) + 2 * GROUP;
}
