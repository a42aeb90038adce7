/** send and recv: the sender copies a message into its heap and posts where it lies; the receiver marks it as taken. */
import { TYPES, typeOf } from '../check.ts';
import type { CommArray } from '../communicator.ts';
import type { SharedJob } from './job.ts';
import { BELL_STEP, BELLS, BOX_ENTRIES, BOX_WORDS, boxesAt, ENTRY_WORDS } from './layout.ts';
import { copyBytes, copyTo } from './reductions.ts';
import type { Steps } from './wait.ts';

interface Letter {
  readonly group: number;
  readonly tag: number;
  readonly type: number;
  readonly length: number;
  readonly address: number;
}

/** Bytes before a message; the first word says that it was taken. */
const HEAD = 64;

export class Letters {
  readonly #job: SharedJob;
  /** Messages read from the boxes and not asked for yet, by sender. */
  readonly #received = new Map<number, Letter[]>();
  /** Addresses of messages that are out. */
  #out: number[] = [];

  constructor(job: SharedJob) {
    this.#job = job;
  }

  #boxAt(from: number, to: number): number {
    return boxesAt(this.#job.size) / 4 + (from * this.#job.size + to) * BOX_WORDS;
  }

  #ring(rank: number): void {
    const at = BELLS + BELL_STEP * rank;
    Atomics.add(this.#job.words, at, 1);
    Atomics.notify(this.#job.words, at);
  }

  *send(group: number, x: CommArray, to: number, tag: number): Steps<void> {
    const { words, heap, rank } = this.#job;
    const bell = BELLS + BELL_STEP * rank;
    const box = this.#boxAt(rank, to);
    let address = 0;
    for (;;) {
      const value = Atomics.load(words, bell);
      this.#sweep();
      address ||= heap.alloc(HEAD + x.byteLength);
      if (address === 0 && this.#out.length === 0)
        throw this.#job.fail(
          'comm-unavailable',
          rank,
          `send: a message must fit into the shared memory of rank ${rank}, ${heap.largest} bytes are free, got ${x.byteLength}. Raise the option \`memory\` of launch.`,
        );
      if (address !== 0 && Atomics.load(words, box) - Atomics.load(words, box + 1) < BOX_ENTRIES) break;
      yield { at: bell, value };
    }
    words[address / 4] = 0;
    copyBytes(this.#job.bytes(address + HEAD, x.byteLength), x, 0);
    const posted = Atomics.load(words, box);
    const entry = box + 16 + (posted % BOX_ENTRIES) * ENTRY_WORDS;
    words.set([group, tag, TYPES.indexOf(typeOf(x)!), x.length, address], entry);
    this.#out.push(address);
    Atomics.store(words, box, posted + 1);
    this.#ring(to);
  }

  *recv(group: number, x: CommArray, from: number, tag: number): Steps<void> {
    const { words, rank } = this.#job;
    const bell = BELLS + BELL_STEP * rank;
    for (;;) {
      const value = Atomics.load(words, bell);
      const letter = this.#find(group, from, tag);
      if (letter) {
        this.#deliver(letter, x, from);
        return;
      }
      yield { at: bell, value };
    }
  }

  #find(group: number, from: number, tag: number): Letter | undefined {
    const { words, rank } = this.#job;
    const box = this.#boxAt(from, rank);
    const letters = this.#received.get(from) ?? [];
    this.#received.set(from, letters);
    const posted = Atomics.load(words, box);
    const taken = Atomics.load(words, box + 1);
    for (let i = taken; i < posted; i++) {
      const entry = box + 16 + (i % BOX_ENTRIES) * ENTRY_WORDS;
      const [of, mark, type, length, address] = words.subarray(entry, entry + 5);
      letters.push({
        group: of! >>> 0,
        tag: mark!,
        type: type!,
        length: length! >>> 0,
        address: address! >>> 0,
      });
    }
    if (posted > taken) {
      Atomics.store(words, box + 1, posted);
      this.#ring(from);
    }
    const i = letters.findIndex((letter) => letter.group === group && letter.tag === tag);
    return i < 0 ? undefined : letters.splice(i, 1)[0];
  }

  #deliver({ type, length, address }: Letter, x: CommArray, from: number): void {
    const { words } = this.#job;
    if (TYPES[type] !== typeOf(x) || length !== x.length)
      throw this.#job.fail(
        'rank-diverged',
        from,
        `comm: what is received must be what was sent, but rank ${from} sent ${TYPES[type]} × ${length} and rank ${this.#job.rank} expects ${typeOf(x)} × ${x.length}.`,
      );
    copyTo(x, 0, this.#job.bytes(address + HEAD, x.byteLength));
    Atomics.store(words, address / 4, 1);
    this.#ring(from);
  }

  /** Frees the messages that were taken. */
  #sweep(): void {
    this.#out = this.#out.filter((address) => {
      if (Atomics.load(this.#job.words, address / 4) === 0) return true;
      this.#job.heap.free(address);
      return false;
    });
  }
}
