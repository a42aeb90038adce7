import { DataError } from '@ockham/core';
import type { RandomState } from '@ockham/core/random';
import type { ReplayBufferOptions } from './replay-options.ts';
import type { SavedTable } from './replay-table.ts';
import type { SavedReplay } from './saved-replay.ts';

/** The meta of a saved buffer. */
export interface SavedMeta {
  readonly kind: string;
  readonly options: Omit<ReplayBufferOptions, 'seed' | 'codec'>;
  readonly codec: string;
  readonly offered: number;
  readonly random: { readonly evict: RandomState; readonly sample: RandomState };
}

const MOST_PIXELS = 2 ** 26; // of an image: what decodes it takes memory before the first record is seen
const LONGEST_CODEC = 200;

/**
 * Checks that the parts of a saved buffer fit together, as a checksum cannot say: whoever wrote it could compute one.
 *
 * @throws DataError `corrupt-file`
 */
export function checkSavedReplay({ options, codec, offered, random }: SavedMeta, saved: SavedReplay): void {
  const table = saved.arrays as unknown as Partial<SavedTable>;
  const { evict = 'largest-class', sample = 'uniform', features = 0, shape } = options ?? {};
  need(typeof codec === 'string' && codec.length <= LONGEST_CODEC, 'its codec has no name');
  need(isCount(offered), 'offered is no count');
  need(Array.isArray(shape) && shape.every(isCount), 'its images have no shape');
  need(
    shape.reduce((product, side) => product * side, 1) <= MOST_PIXELS,
    `its images are larger than ${MOST_PIXELS} pixels`,
  );
  for (const state of [random?.evict, random?.sample]) need(isState(state), 'a random state is none');
  const size = table.labels?.length ?? 0;
  const classes = table['class/labels']?.length ?? 0;
  const integers: [keyof SavedTable, number][] = [
    ['labels', size],
    ['places', size],
    ['lengths', size],
    ['checksums', size],
    ['order', evict === 'fifo' ? size : 0],
    ['class/labels', classes],
    ['class/ranks', classes],
  ];
  for (const [name, length] of integers) needArray(table, name, Int32Array, length);
  needArray(table, 'errors', Float32Array, table.errors?.length === 0 ? 0 : size);
  needArray(table, 'weights', Float64Array, sample === 'loss-weighted' ? size : 0);
  needArray(table, 'features', Float32Array, size * features);
  needArray(table, 'class/seen', Float64Array, classes);
  needArray(table, 'class/means', Float64Array, classes * features);
  checkSlots(table as SavedTable, size);
  need(evict !== 'fifo' || isPermutation(table.order!), 'its order of arrival names a slot twice');
  need(
    table.weights!.every((weight) => weight >= 0 && weight < Infinity),
    'a weight is negative or not finite',
  );
}

/** Every slot in its class, at a place of its own. */
function checkSlots(table: SavedTable, size: number): void {
  const places = new Map<number, number[]>(Array.from(table['class/labels'], (label) => [label, []]));
  need(places.size === table['class/labels'].length, 'a class is there twice');
  for (let slot = 0; slot < size; slot++) {
    need(table.lengths[slot]! >= 0, 'a record has no length');
    const own = places.get(table.labels[slot]!);
    need(own !== undefined && table.labels[slot]! >= 0, 'a record is of no class');
    own.push(table.places[slot]!);
  }
  const seen = table['class/seen'];
  [...places.values()].forEach((own, i) => {
    need(own.length > 0 && isPermutation(own), 'the members of a class are not in order');
    need(seen[i]! >= own.length && seen[i]! < Infinity, 'a class has more members than were seen');
  });
}

function isPermutation(values: ArrayLike<number>): boolean {
  const found = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++)
    if (values[i]! >= 0 && values[i]! < found.length) found[values[i]!] = 1;
  return found.every((is) => is === 1);
}

function isState(state: RandomState | undefined): boolean {
  const { key, generator } = state ?? {};
  const integers = (list: unknown): boolean =>
    Array.isArray(list) && list.every((n) => Number.isSafeInteger(n));
  return integers(key) && integers(generator) && [null, undefined, 'number'].includes(state!.spare === null ? null : (typeof state!.spare)); // prettier-ignore
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function needArray(
  table: Partial<SavedTable>,
  name: keyof SavedTable,
  type: new (length: number) => object,
  length: number,
): void {
  const array = table[name];
  need(array instanceof type && array.length === length, `${name} must be of ${length} numbers`);
}

function need(holds: boolean, what: string): asserts holds {
  if (holds) return;
  throw new DataError(
    'corrupt-file',
    `ReplayBuffer.load: what was saved contradicts itself: ${what}. Restore it from a copy.`,
  );
}
