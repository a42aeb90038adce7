import { grown } from './grown.ts';

/** Where records lie, by slot. Slots are 0 to size − 1 without gaps; memory comes in pages as it is needed. */
export interface RecordStore {
  /** Makes room for slots below `room`. */
  reserve(room: number): void;
  put(slot: number, record: Uint8Array): void;
  length(slot: number): number;
  /** Copies a record to `into` from `at` on. */
  copy(slot: number, into: Uint8Array, at: number): void;
  /** Gives a record's memory back; the slot is then free. */
  release(slot: number): void;
  /** Makes the record of one slot that of another, free one. */
  move(from: number, to: number): void;
}

const PAGE_BYTES = 2 ** 18;

/** Records that all have the same length, side by side. */
export class EvenRecords implements RecordStore {
  readonly #bytes: number;
  readonly #perPage: number;
  readonly #capacity: number;
  readonly #pages: Uint8Array[] = [];

  constructor(recordBytes: number, capacity: number) {
    this.#bytes = recordBytes;
    this.#capacity = capacity;
    this.#perPage = Math.max(1, Math.floor(PAGE_BYTES / recordBytes));
  }

  reserve(): void {
    // a page comes with the first record in it
  }

  length(): number {
    return this.#bytes;
  }

  put(slot: number, record: Uint8Array): void {
    this.#view(slot).set(record);
  }

  copy(slot: number, into: Uint8Array, at: number): void {
    into.set(this.#view(slot), at);
  }

  release(): void {
    // its bytes stay in their page until the slot is used again
  }

  move(from: number, to: number): void {
    this.#view(to).set(this.#view(from));
  }

  #view(slot: number): Uint8Array {
    const page = Math.floor(slot / this.#perPage);
    const begin = (slot - page * this.#perPage) * this.#bytes;
    const records = Math.min(this.#perPage, this.#capacity - page * this.#perPage);
    this.#pages[page] ??= new Uint8Array(records * this.#bytes);
    return this.#pages[page].subarray(begin, begin + this.#bytes);
  }
}

/** Bytes of a record in one cell, and of the number of the cell that goes on. */
export const CELL = 32;
const LINK = 4;

/**
 * Records of any length, each in a chain of cells of 32 bytes: a freed cell fits every record, so that memory cannot be
 * lost between records. On average half a cell of a record stays empty.
 */
export class ChainedRecords implements RecordStore {
  #first = new Int32Array(0);
  #lengths = new Int32Array(0);
  readonly #perPage: number; // cells
  readonly #bytes: Uint8Array[] = [];
  readonly #next: Int32Array[] = [];
  #cells = 0; // used so far, free ones included
  #free = -1;

  /** @param bytes The most that all records may take: a small budget gets small pages. */
  constructor(bytes: number) {
    this.#perPage = Math.min(4096, Math.max(64, Math.ceil(bytes / (CELL + LINK) / 32)));
  }

  /** Bytes that a record takes: its cells, and what is needed to find them. */
  static cost(length: number): number {
    return Math.max(1, Math.ceil(length / CELL)) * (CELL + LINK) + 8; // first cell and length
  }

  reserve(room: number): void {
    this.#first = grown(this.#first, room);
    this.#lengths = grown(this.#lengths, room);
  }

  length(slot: number): number {
    return this.#lengths[slot]!;
  }

  put(slot: number, record: Uint8Array): void {
    this.#lengths[slot] = record.length;
    let cell = this.#take();
    this.#first[slot] = cell;
    for (let at = 0; ;) {
      const end = Math.min(record.length, at + CELL);
      const bytes = this.#bytes[Math.floor(cell / this.#perPage)]!;
      for (let to = (cell % this.#perPage) * CELL; at < end;) bytes[to++] = record[at++]!;
      if (at === record.length) break;
      const next = this.#take();
      this.#link(cell, next);
      cell = next;
    }
    this.#link(cell, -1);
  }

  copy(slot: number, into: Uint8Array, at: number): void {
    const end = at + this.#lengths[slot]!;
    for (let cell = this.#first[slot]!; cell >= 0; cell = this.#after(cell)) {
      const bytes = this.#bytes[Math.floor(cell / this.#perPage)]!;
      const stop = Math.min(end, at + CELL);
      for (let from = (cell % this.#perPage) * CELL; at < stop;) into[at++] = bytes[from++]!;
    }
  }

  release(slot: number): void {
    let last = this.#first[slot]!;
    for (let next = this.#after(last); next >= 0; next = this.#after(last)) last = next;
    this.#link(last, this.#free);
    this.#free = this.#first[slot]!;
  }

  move(from: number, to: number): void {
    this.#first[to] = this.#first[from]!;
    this.#lengths[to] = this.#lengths[from]!;
  }

  #take(): number {
    if (this.#free >= 0) {
      const cell = this.#free;
      this.#free = this.#after(cell);
      return cell;
    }
    if (this.#cells === this.#bytes.length * this.#perPage) {
      this.#bytes.push(new Uint8Array(this.#perPage * CELL));
      this.#next.push(new Int32Array(this.#perPage));
    }
    return this.#cells++;
  }

  #after(cell: number): number {
    return this.#next[Math.floor(cell / this.#perPage)]![cell % this.#perPage]!;
  }

  #link(cell: number, next: number): void {
    this.#next[Math.floor(cell / this.#perPage)]![cell % this.#perPage] = next;
  }
}
