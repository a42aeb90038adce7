import { SlotList } from './slot-list.ts';

/** A class that has records. */
export interface ClassEntry {
  readonly label: number;
  readonly members: SlotList;
  /** Examples of the class that were offered since it last was absent, kept or not. */
  seen: number;
  /** Its place among the classes present, and among those with as many members. */
  place: number;
  rank: number;
}

/** What one class costs beside its records: the numbers above, and its entries in the two lists, 8 bytes each. */
export const CLASS_BYTES = 56;

/**
 * The slots of each class, and the classes by their number of members, so that the largest is known at any time. All
 * changes cost the same however many records there are.
 */
export class ClassIndex {
  readonly #byLabel = new Map<number, ClassEntry>();
  readonly #present: ClassEntry[] = [];
  readonly #bySize = new Map<number, ClassEntry[]>(); // classes with so many members
  #largest = 0;

  /** The classes that have records, in no particular order. */
  get present(): readonly ClassEntry[] {
    return this.#present;
  }

  /** Members of a largest class; 0 without any. */
  get largestSize(): number {
    return this.#largest;
  }

  /** The classes with {@link ClassIndex.largestSize} members. */
  get largest(): readonly ClassEntry[] {
    return this.#bySize.get(this.#largest) ?? [];
  }

  get(label: number): ClassEntry | undefined {
    return this.#byLabel.get(label);
  }

  sizeOf(label: number): number {
    return this.#byLabel.get(label)?.members.size ?? 0;
  }

  /** Adds a slot to a class and returns its place there. */
  add(label: number, slot: number): number {
    const entry = this.#byLabel.get(label) ?? this.#open(label);
    entry.members.push(slot);
    this.#regroup(entry, entry.members.size - 1);
    return entry.members.size - 1;
  }

  /** Takes the member at `place` out; the last one moves there. Returns the slot that moved. */
  remove(label: number, place: number): number {
    const entry = this.#byLabel.get(label)!;
    const moved = entry.members.pop();
    if (place < entry.members.size) entry.members.set(place, moved);
    this.#regroup(entry, entry.members.size + 1);
    if (entry.members.size === 0) this.#close(entry);
    return moved;
  }

  /** Opens classes in the order of a saved index, before their members are added. */
  open(labels: ArrayLike<number>, seen: ArrayLike<number>): void {
    for (let i = 0; i < labels.length; i++) this.#open(labels[i]!).seen = seen[i]!;
  }

  /** Puts the classes of each size into the saved order: `ranks[i]` is that of the i-th class present. */
  rank(ranks: ArrayLike<number>): void {
    this.#present.forEach((entry, i) => {
      entry.rank = ranks[i]!;
      this.#bySize.get(entry.members.size)![entry.rank] = entry;
    });
  }

  #open(label: number): ClassEntry {
    const entry = { label, members: new SlotList(), seen: 0, place: this.#present.length, rank: 0 };
    this.#byLabel.set(label, entry);
    this.#present.push(entry);
    return entry;
  }

  #close(entry: ClassEntry): void {
    this.#byLabel.delete(entry.label);
    const last = this.#present.pop()!;
    if (last !== entry) {
      this.#present[entry.place] = last;
      last.place = entry.place;
    }
  }

  /** Moves a class from those with `before` members, one more or one fewer, to those with as many as it has now. */
  #regroup(entry: ClassEntry, before: number): void {
    const now = entry.members.size;
    const former = this.#bySize.get(before);
    if (former) {
      const last = former.pop()!;
      if (last !== entry) {
        former[entry.rank] = last;
        last.rank = entry.rank;
      }
      if (former.length === 0) {
        this.#bySize.delete(before);
        if (before === this.#largest) this.#largest = now;
      }
    }
    if (now === 0) return;
    const group = this.#bySize.get(now);
    if (group) entry.rank = group.push(entry) - 1;
    else {
      this.#bySize.set(now, [entry]);
      entry.rank = 0;
    }
    this.#largest = Math.max(this.#largest, now);
  }
}
