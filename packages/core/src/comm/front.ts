import type { Call, Carrier } from './carrier.ts';
import { checkAllocation, checkArray, checkColor, checkOp, checkPair, checkRank, checkTag } from './check.ts';
import { CommError } from './comm-error.ts';
import {
  shareOf,
  type CommArray,
  type CommArrays,
  type Communicator,
  type CommType,
  type ReduceOp,
  type ReduceOptions,
  type RootOptions,
  type TagOptions,
  type Transport,
} from './communicator.ts';
import { Ledger } from './ledger.ts';
import { ArgumentError } from '../errors.ts';

/** The communicator over a transport: checks the arguments, keeps the order of the calls, counts. */
export function communicatorOf(carrier: Carrier): Communicator {
  return new Front(carrier);
}

type Given = Partial<Call> & Pick<Call, 'operation' | 'send' | 'receive'>;

class Front implements Communicator {
  readonly rank: number;
  readonly size: number;
  readonly transport: Transport;
  readonly ledger: Ledger = new Ledger();
  readonly #carrier: Carrier;
  readonly #groups: Communicator[] = [];
  /** The last call that has not settled of each line: the collective ones, and those to or from a rank with a tag. */
  readonly #last = new Map<string, Promise<unknown>>();
  #broken: unknown;

  constructor(carrier: Carrier) {
    ({ rank: this.rank, size: this.size, transport: this.transport } = carrier);
    this.#carrier = carrier;
  }

  async alloc<K extends CommType>(type: K, length: number): Promise<CommArrays[K]> {
    this.#open('alloc');
    checkAllocation('alloc', type, length);
    return this.#carrier.alloc(type, length);
  }

  async free(array: CommArray): Promise<void> {
    this.#open('free');
    checkArray('free', 'array', array);
    this.#carrier.free(array);
  }

  async allReduce<T extends CommArray>(
    x: T,
    op: ReduceOp = 'sum',
    { order = 'rank' }: ReduceOptions = {},
  ): Promise<T> {
    const under = this.#call({ operation: 'allReduce', op, order, send: [x], receive: [x] });
    if (under) await under;
    return x;
  }

  async reduce<T extends CommArray>(
    x: T,
    op: ReduceOp = 'sum',
    { root = 0, ...options }: ReduceOptions & RootOptions = {},
  ): Promise<T> {
    await this.#call({
      operation: 'reduce',
      op,
      ...options,
      root,
      send: [x],
      receive: this.rank === root ? [x] : [],
    });
    return x;
  }

  async reduceScatter<T extends CommArray>(
    x: T,
    op: ReduceOp = 'sum',
    options: ReduceOptions = {},
  ): Promise<T> {
    checkArray('reduceScatter', 'x', x);
    const share = x.subarray(...shareOf(x.length, this.rank, this.size)) as T;
    await this.#call({ operation: 'reduceScatter', op, ...options, send: [x], receive: [share] });
    return share;
  }

  async allGather<T extends CommArray>(part: T, into: T): Promise<T> {
    await this.#call({ operation: 'allGather', send: [part], receive: [into] });
    return into;
  }

  async gather<T extends CommArray>(
    part: T,
    into?: T,
    { root = 0 }: RootOptions = {},
  ): Promise<T | undefined> {
    const atRoot = this.rank === root;
    if (atRoot) checkArray('gather', 'into (of the root)', into);
    await this.#call({ operation: 'gather', root, send: [part], receive: atRoot ? [into!] : [] });
    return atRoot ? into : undefined;
  }

  async scatter<T extends CommArray>(
    from: T | undefined,
    part: T,
    { root = 0 }: RootOptions = {},
  ): Promise<T> {
    const atRoot = this.rank === root;
    if (atRoot) checkArray('scatter', 'from (of the root)', from);
    await this.#call({ operation: 'scatter', root, send: atRoot ? [from!] : [], receive: [part] });
    return part;
  }

  async broadcast<T extends CommArray>(x: T, { root = 0 }: RootOptions = {}): Promise<T> {
    const [send, receive] = this.rank === root ? [[x], []] : [[], [x]];
    await this.#call({ operation: 'broadcast', root, send, receive });
    return x;
  }

  async allToAll<T extends CommArray>(send: readonly T[], receive: readonly T[]): Promise<readonly T[]> {
    for (const [name, list] of Object.entries({ send, receive })) {
      if (list.length !== this.size)
        throw new ArgumentError(
          `allToAll: ${name} must have one array for each of the ${this.size} ranks, got ${list.length}. Give empty ones where nothing is sent.`,
        );
    }
    checkPair('allToAll', send[this.rank], receive[this.rank]);
    await this.#call({ operation: 'allToAll', send, receive });
    return receive;
  }

  async send<T extends CommArray>(x: T, to: number, { tag = 0 }: TagOptions = {}): Promise<T> {
    this.#open('send');
    checkArray('send', 'x', x);
    checkRank('send', 'to', to, this.size);
    checkTag('send', tag);
    await this.#inOrder(() => this.#carrier.send(x, to, tag), `send ${to} ${tag}`);
    this.ledger.count('send', { sent: to === this.rank ? 0 : x.byteLength });
    return x;
  }

  async recv<T extends CommArray>(x: T, from: number, { tag = 0 }: TagOptions = {}): Promise<T> {
    this.#open('recv');
    checkArray('recv', 'x', x);
    checkRank('recv', 'from', from, this.size);
    checkTag('recv', tag);
    await this.#inOrder(() => this.#carrier.recv(x, from, tag), `recv ${from} ${tag}`);
    this.ledger.count('recv', { received: from === this.rank ? 0 : x.byteLength });
    return x;
  }

  async barrier(): Promise<void> {
    await this.#call({ operation: 'barrier', send: [], receive: [] });
  }

  async split(color: number | undefined, key = 0): Promise<Communicator | undefined> {
    this.#open('split');
    checkColor(color, key);
    const carrier = await this.#inOrder(() => this.#carrier.split(color, key));
    if (!carrier) return undefined;
    const group = new Front(carrier);
    this.#groups.push(group);
    return group;
  }

  async close(): Promise<void> {
    if (this.#broken !== undefined) return;
    for (const group of this.#groups) await group.close();
    await this.#inOrder(() => this.#carrier.close());
    this.#broken = new CommError(
      'comm-closed',
      'comm: the communicator must be open, but close() was called. Make this call before it.',
    );
  }

  #call(given: Given): void | Promise<void> {
    const { operation, send, receive, op = 'sum', order = 'rank', root = 0 } = given;
    this.#open(operation);
    checkOp(operation, op, order);
    checkRank(operation, 'root', root, this.size);
    const call = { operation, type: oneType(operation, send, receive), op, order, root, send, receive };
    const done = this.#inOrder(() => this.#carrier.collective(call));
    if (done) return done.then(() => this.#count(call));
    this.#count(call);
  }

  /** At once if nothing in this line is under way, else when that is done. */
  #inOrder<R>(start: () => R | Promise<R>, line = 'collective'): R | Promise<R> {
    const last = this.#last.size > 0 ? this.#last.get(line) : undefined;
    const run = (): R | Promise<R> => this.#guarded(start);
    const result = last ? last.then(run, run) : this.#guarded(start);
    if (!(result instanceof Promise)) return result;
    const settled = result.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(line, settled);
    void settled.then(() => {
      if (this.#last.get(line) === settled) this.#last.delete(line);
    });
    return result;
  }

  /** Once communication failed it stays so. */
  #guarded<R>(start: () => R | Promise<R>): R | Promise<R> {
    try {
      if (this.#broken !== undefined) throw this.#broken as Error;
      const result = start();
      return result instanceof Promise ? result.catch((error: unknown) => this.#broke(error)) : result;
    } catch (error) {
      return this.#broke(error);
    }
  }

  #broke(error: unknown): never {
    if (error instanceof CommError) this.#broken ??= error;
    throw error;
  }

  #open(_who: string): void {
    if (this.#broken !== undefined) throw this.#broken as Error;
  }

  #count(call: Call): void {
    const [sent, received] = moved(call, this.rank, this.size);
    this.ledger.count(call.operation, { sent, received });
  }
}

/** The type of all arrays of a call. */
function oneType(who: string, send: readonly CommArray[], receive: readonly CommArray[]): CommType {
  let type: CommType | undefined;
  for (const arrays of [send, receive]) {
    for (const x of arrays) {
      const other = checkArray(who, 'every array', x);
      type ??= other;
      if (other !== type)
        throw new ArgumentError(
          `${who}: all arrays must have one type, got ${type} and ${other}. Copy one of them.`,
        );
    }
  }
  return type ?? 'uint8';
}

/** Bytes that a call sends from a rank to others and brings it from them, as {@link Ledger} counts them. */
function moved(
  { operation, root, send, receive }: Call,
  rank: number,
  size: number,
): readonly [sent: number, received: number] {
  const [given, got] = [bytesOf(send), bytesOf(receive)];
  const others = size - 1;
  const atRoot = rank === root;
  switch (operation) {
    case 'allReduce': {
      const share = shareOfBytes(send, rank, size);
      return [given - share + others * share, others * share + given - share];
    }
    case 'reduceScatter': {
      const share = shareOfBytes(send, rank, size);
      return [given - share, others * share];
    }
    case 'reduce':
      return atRoot ? [0, others * given] : [given, 0];
    case 'allGather':
      return [others * given, got - given];
    case 'gather':
      return atRoot ? [0, got - given] : [given, 0];
    case 'scatter':
      return atRoot ? [given - got, 0] : [0, got];
    case 'broadcast':
      return atRoot ? [others * given, 0] : [0, got];
    case 'allToAll':
      return [given - (send[rank]?.byteLength ?? 0), got - (receive[rank]?.byteLength ?? 0)];
    case 'barrier':
      return [0, 0];
  }
}

function shareOfBytes([x]: readonly CommArray[], rank: number, size: number): number {
  const [begin, end] = shareOf(x?.length ?? 0, rank, size);
  return (end - begin) * (x?.BYTES_PER_ELEMENT ?? 0);
}

function bytesOf(arrays: readonly CommArray[]): number {
  let bytes = 0;
  for (const { byteLength } of arrays) bytes += byteLength;
  return bytes;
}
