import type { Call, Carrier } from '../carrier.ts';
import { viewOf } from '../check.ts';
import { CommError } from '../comm-error.ts';
import type { CommArray, CommArrays, CommType, Transport } from '../communicator.ts';
import { exchange } from './exchange.ts';
import { headerOf, type GroupOperation, type HeaderRow } from '../headers.ts';
import { Group } from './group.ts';
import type { SharedJob } from './job.ts';
import { layoutOf, WORLD_AT } from './layout.ts';
import { Letters } from './letters.ts';
import { isSmall, offerSmall, reduceLarge, reduceSmall, Segments } from './reductions.ts';
import type { Steps } from './wait.ts';

/** A rank's end of a group whose ranks share memory: threads of a process, or processes that map one file. */
export class SharedCarrier implements Carrier {
  readonly rank: number;
  readonly size: number;
  readonly transport: Transport;
  readonly #job: SharedJob;
  readonly #group: Group;
  readonly #segments: Segments;
  readonly #letters: Letters;

  constructor(job: SharedJob, group: Group, letters: Letters) {
    [this.rank, this.size, this.transport] = [group.rank, group.size, job.transport];
    this.#job = job;
    this.#group = group;
    this.#segments = new Segments(group);
    this.#letters = letters;
  }

  /** The group of all ranks. */
  static world(job: SharedJob): SharedCarrier {
    const everyone = Array.from({ length: job.size }, (_, rank) => rank);
    return new SharedCarrier(job, new Group(job, WORLD_AT, everyone), new Letters(job));
  }

  alloc<K extends CommType>(type: K, length: number): CommArrays[K] {
    const bytes = length * viewOf(type, new ArrayBuffer(0), 0, 0).BYTES_PER_ELEMENT;
    const at = this.#job.heap.alloc(bytes);
    if (at === 0)
      throw new CommError(
        'comm-unavailable',
        `alloc: ${bytes} bytes must fit into the shared memory of rank ${this.#job.rank}, ${this.#job.heap.largest} are free. Free arrays, or raise the option \`memory\` of launch.`,
        { rank: this.#job.rank },
      );
    this.#job.bytes(at, bytes).fill(0);
    return viewOf(type, this.#job.buffer, at, length);
  }

  free(array: CommArray): void {
    const at = this.#job.addressOf(array);
    if (at !== 0) this.#job.heap.free(at);
  }

  collective(call: Call): void | Promise<void> {
    return this.#take(call.operation, headerOf(call), this.#steps(call));
  }

  *#steps(call: Call): Steps<void> {
    const { operation, send } = call;
    const group = this.#group;
    const reduces = operation === 'allReduce' || operation === 'reduce' || operation === 'reduceScatter';
    const small = reduces && isSmall(call);
    if (small) offerSmall(group, this.#segments, call);
    else if (send.length === 1) group.setHeader('sendAddress', this.#job.addressOf(send[0]!));
    if (operation === 'allToAll') {
      for (const [other, x] of send.entries()) {
        this.#job.words[group.tableAt(this.rank, other, false)] = x.length;
        this.#job.words[group.tableAt(other, this.rank, true)] = call.receive[other]!.length;
      }
    }
    yield* group.barrier();
    group.verify();
    if (small) reduceSmall(group, this.#segments, call);
    else if (reduces) yield* reduceLarge(group, this.#segments, call);
    else if (operation !== 'barrier') yield* exchange(group, this.#segments, call);
  }

  send(x: CommArray, to: number, tag: number): void | Promise<void> {
    const member = this.#group.members[to]!;
    const what = `send to rank ${member}`;
    return this.#job.take(this.#letters.send(this.#group.at, x, member, tag), { what, late: () => [member] });
  }

  recv(x: CommArray, from: number, tag: number): void | Promise<void> {
    const member = this.#group.members[from]!;
    const what = `recv from rank ${member}`;
    return this.#job.take(this.#letters.recv(this.#group.at, x, member, tag), { what, late: () => [member] });
  }

  split(color: number | undefined, key: number): Promise<Carrier | undefined> | Carrier | undefined {
    return this.#take('split', { color: color === undefined ? 0 : color + 1, key }, this.#splitSteps(color));
  }

  *#splitSteps(color: number | undefined): Steps<Carrier | undefined> {
    const group = this.#group;
    const job = this.#job;
    yield* group.barrier();
    group.verify();
    const colors = group.headers('color');
    const keys = group.headers('key').map((key) => key | 0);
    const ranks = [...colors.keys()]
      .filter((rank) => color !== undefined && colors[rank] === color + 1)
      .sort((a, b) => keys[a]! - keys[b]! || a - b);
    const members = ranks.map((rank) => group.members[rank]!);
    if (members[0] === job.rank) {
      const { bytes, segments } = layoutOf(members.length);
      const at = job.heap.alloc(bytes);
      if (at !== 0) job.bytes(at, segments).fill(0);
      group.setHeader('child', at);
    }
    yield* group.barrier();
    if (ranks.length === 0) return undefined;
    const at = group.header(ranks[0]!, 'child');
    if (at === 0)
      throw new CommError(
        'comm-unavailable',
        `split: a group must fit into the shared memory of rank ${members[0]}. Raise the option \`memory\` of launch.`,
        { rank: members[0]! },
      );
    return new SharedCarrier(job, new Group(job, at, members), this.#letters);
  }

  close(): void | Promise<void> {
    return this.#take('close', {}, this.#closeSteps());
  }

  *#closeSteps(): Steps<void> {
    yield* this.#group.barrier();
    this.#group.verify();
    yield* this.#group.barrier();
    if (this.rank === 0) this.#job.heap.free(this.#group.at);
  }

  #take<R>(operation: GroupOperation, header: Partial<HeaderRow>, steps: Steps<R>): R | Promise<R> {
    const group = this.#group;
    this.#job.throwIfPoisoned();
    group.begin(operation, header);
    const done = this.#job.take(steps, { what: group.name, late: () => group.late() });
    if (!(done instanceof Promise)) {
      group.end();
      return done;
    }
    return done.then((result) => {
      group.end();
      return result;
    });
  }
}
