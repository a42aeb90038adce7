import { crc32 } from '@ockham/core/files';
import { ArrivalOrder } from './arrival-order.ts';
import { CLASS_BYTES, ClassIndex } from './class-index.ts';
import { grown, roomAfter } from './grown.ts';
import { Herding } from './herding.ts';
import { ChainedRecords, EvenRecords, type RecordStore } from './record-store.ts';
import type { LostRecord } from './saved-replay.ts';
import { SumTree } from './sum-tree.ts';

/** What a table keeps for each slot. */
export interface TableLayout {
  /** Length of every record, where all have the same. */
  readonly recordBytes: number | undefined;
  /** Squared errors, for the distortion. */
  readonly errors: boolean;
  /** The order of arrival, for `fifo`. */
  readonly order: boolean;
  /** Weights, for `loss-weighted`. */
  readonly weights: boolean;
  /** Length of the features, for `herding`; 0 without. */
  readonly features: number;
}

/** The arrays of a saved table: by slot, by place in the order of arrival, by class present. */
export interface SavedTable {
  readonly labels: Int32Array;
  readonly places: Int32Array;
  readonly lengths: Int32Array;
  readonly checksums: Int32Array;
  readonly errors: Float32Array;
  readonly order: Int32Array;
  readonly weights: Float64Array;
  readonly features: Float32Array;
  readonly 'class/labels': Int32Array;
  readonly 'class/seen': Float64Array;
  readonly 'class/ranks': Int32Array;
  readonly 'class/means': Float64Array;
}

/** Bytes of a slot beside its record, and of a class. */
export function overheadOf(layout: TableLayout): { slot: number; class: number } {
  const { errors, order, weights, features } = layout;
  const index = 12; // label, place in the class, the class's entry
  return {
    slot: index + (errors ? 4 : 0) + (order ? 8 : 0) + (weights ? 16 : 0) + 4 * features,
    class: CLASS_BYTES + 8 * features,
  };
}

/** Bytes of a record as it lies in memory, with what is needed to find it. */
export function recordCost({ recordBytes }: TableLayout, length: number): number {
  return recordBytes ?? ChainedRecords.cost(length);
}

/** Stored examples by slot, 0 to `size` − 1 without gaps, and everything that is known of them. */
export class ReplayTable {
  readonly index: ClassIndex = new ClassIndex();
  readonly order: ArrivalOrder | undefined;
  readonly weights: SumTree | undefined;
  readonly herding: Herding | undefined;
  readonly #layout: TableLayout;
  readonly #overhead: { readonly slot: number; readonly class: number };
  readonly #records: RecordStore;
  readonly #slots: number;
  #room = 0; // slots that the index has room for
  #labels = new Int32Array(0);
  #places = new Int32Array(0); // among the members of the class
  #errors: Float32Array | undefined;
  #scratch: Uint8Array = new Uint8Array(0);
  #size = 0;
  #bytes = 0;
  #squaredError = 0;

  /** @param budget The most bytes that it is to take. */
  constructor(layout: TableLayout, slots: number, budget: number) {
    const { recordBytes, errors, order, weights, features } = layout;
    this.#layout = layout;
    this.#overhead = overheadOf(layout);
    this.#records =
      recordBytes === undefined ? new ChainedRecords(budget) : new EvenRecords(recordBytes, slots);
    this.#slots = slots;
    if (errors) this.#errors = new Float32Array(0);
    if (order) this.order = new ArrivalOrder();
    if (weights) this.weights = new SumTree();
    if (features > 0) this.herding = new Herding(features);
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Of all pixels of all records. */
  get squaredError(): number {
    return this.#squaredError;
  }

  labelOf(slot: number): number {
    return this.#labels[slot]!;
  }

  /** Bytes of a table that holds nothing but one record of `length` bytes. */
  costAlone(length: number): number {
    return this.#overhead.slot + recordCost(this.#layout, length) + this.#overhead.class;
  }

  /** What `bytes` grows by when a record of `length` bytes is inserted. */
  cost(label: number, length: number): number {
    const opened = this.index.sizeOf(label) === 0 ? this.#overhead.class : 0;
    return this.#overhead.slot + recordCost(this.#layout, length) + opened;
  }

  /** What `bytes` falls by when a record of a class with others is removed. */
  costOf(slot: number): number {
    return this.#overhead.slot + recordCost(this.#layout, this.#records.length(slot));
  }

  /** The most that could be in use were each class down to one record: its longest. */
  mostOfOneEach(): number {
    const { present } = this.index;
    const { recordBytes } = this.#layout;
    if (recordBytes !== undefined) return present.length * this.costAlone(recordBytes);
    let bytes = 0;
    for (const { members } of present) {
      let longest = 0;
      for (let m = 0; m < members.size; m++) longest = Math.max(longest, this.#records.length(members.at(m)));
      bytes += this.costAlone(longest);
    }
    return bytes;
  }

  /** @returns the slot, always the last. */
  insert(label: number, record: Uint8Array, squaredError: number, features?: Float32Array): number {
    this.#bytes += this.cost(label, record.length);
    const slot = this.#size++;
    if (slot === this.#room) this.#grow();
    this.#labels[slot] = label;
    this.#places[slot] = this.index.add(label, slot);
    this.#records.put(slot, record);
    this.order?.push(slot);
    // as much as the average of those before
    this.weights?.set(slot, slot === 0 ? 1 : this.weights.total / slot);
    if (features) this.herding?.put(slot, features);
    if (this.#errors) {
      // whole numbers of 24 bits add up and subtract without rounding
      this.#errors[slot] = Math.round(squaredError);
      this.#squaredError += this.#errors[slot];
    }
    return slot;
  }

  #grow(): void {
    const room = roomAfter(this.#room, this.#slots);
    this.#room = room;
    this.#labels = grown(this.#labels, room);
    this.#places = grown(this.#places, room);
    this.#errors &&= grown(this.#errors, room);
    for (const part of [this.#records, this.order, this.weights, this.herding]) part?.reserve(room);
  }

  /** Takes a record out; the last one moves to its slot. */
  remove(slot: number): void {
    const label = this.#labels[slot]!;
    const place = this.#places[slot]!;
    this.#places[this.index.remove(label, place)] = place;
    if (this.index.sizeOf(label) === 0) this.herding?.forget(label);
    this.#bytes -= this.cost(label, this.#records.length(slot));
    this.#squaredError -= this.#errors?.[slot] ?? 0;
    this.#records.release(slot);
    this.order?.remove(slot);
    this.#size -= 1;
    if (slot !== this.#size) this.#relocate(this.#size, slot);
    this.weights?.set(this.#size, 0);
  }

  #relocate(from: number, to: number): void {
    const label = this.#labels[from]!;
    const place = this.#places[from]!;
    this.#labels[to] = label;
    this.#places[to] = place;
    this.index.get(label)!.members.set(place, to);
    if (this.#errors) this.#errors[to] = this.#errors[from]!;
    this.#records.move(from, to);
    this.order?.move(from, to);
    this.weights?.set(to, this.weights.get(from));
    this.herding?.move(from, to);
  }

  /** The records of slots, copied into one block that the next call uses again. */
  gather(slots: ArrayLike<number>): Uint8Array[] {
    let total = 0;
    for (let i = 0; i < slots.length; i++) total += this.#records.length(slots[i]!);
    if (this.#scratch.length < total) this.#scratch = new Uint8Array(total);
    let at = 0;
    return Array.from(slots, (slot) => {
      const begin = at;
      this.#records.copy(slot, this.#scratch, begin);
      at += this.#records.length(slot);
      return this.#scratch.subarray(begin, at);
    });
  }

  save(): { arrays: Readonly<Record<keyof SavedTable, SavedTable[keyof SavedTable]>>; records: Uint8Array } {
    const size = this.#size;
    const slots = Int32Array.from({ length: size }, (_, slot) => slot);
    const lengths = slots.map((slot) => this.#records.length(slot));
    const records = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
    let at = 0;
    const checksums = slots.map((slot) => {
      const begin = at;
      this.#records.copy(slot, records, begin);
      at += lengths[slot]!;
      return crc32(records.subarray(begin, at));
    });
    const { present } = this.index;
    const arrays: SavedTable = {
      labels: this.#labels.slice(0, size),
      places: this.#places.slice(0, size),
      lengths,
      checksums,
      errors: this.#errors?.slice(0, size) ?? new Float32Array(0),
      order: this.order?.toArray(size) ?? new Int32Array(0),
      weights: Float64Array.from(this.weights ? slots : [], (slot) => this.weights?.get(slot) ?? 0),
      features: this.herding?.features.slice(0, size * this.herding.length) ?? new Float32Array(0),
      'class/labels': Int32Array.from(present, ({ label }) => label),
      'class/seen': Float64Array.from(present, ({ seen }) => seen),
      'class/ranks': Int32Array.from(present, ({ rank }) => rank),
      'class/means': Float64Array.from(
        present.flatMap(({ label }) => [...(this.herding?.mean(label) ?? [])]),
      ),
    };
    return { arrays: { ...arrays }, records };
  }

  /** Fills an empty table; records whose checksum does not agree are left out and returned. */
  restore(saved: SavedTable, records: Uint8Array): LostRecord[] {
    const { labels, places, lengths, checksums } = saved;
    const size = labels.length;
    const lost: LostRecord[] = [];
    let at = 0;
    this.index.open(saved['class/labels'], saved['class/seen']);
    for (let slot = 0; slot < size; slot++) {
      const label = labels[slot]!;
      const begin = at;
      at += lengths[slot]!;
      // what the file does not hold takes no memory either
      const record = records.slice(begin, at <= records.length ? at : begin);
      if (at > records.length || (crc32(record) | 0) !== checksums[slot]) lost.push({ slot, label });
      this.insert(label, record, saved.errors[slot] ?? 0);
    }
    // what inserting one after the other has put into an order of its own
    labels.forEach((label, slot) => this.index.get(label)!.members.set(places[slot]!, slot));
    this.#places.set(places);
    this.index.rank(saved['class/ranks']);
    for (let slot = 0; slot < saved.order.length; slot++) this.order!.remove(slot);
    for (const slot of saved.order) this.order!.push(slot);
    saved.weights.forEach((weight, slot) => this.weights!.set(slot, weight));
    const { herding } = this;
    herding?.features.set(saved.features);
    saved['class/labels'].forEach((label, i) =>
      herding?.setMean(label, saved['class/means'].slice(i * herding.length, (i + 1) * herding.length)),
    );
    for (const { slot } of lost.toReversed()) this.remove(slot);
    return lost;
  }
}
