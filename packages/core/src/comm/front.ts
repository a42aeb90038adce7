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

  async allReduce<T extends CommArray>(x: T, op: ReduceOp = 'sum', options: ReduceOptions = {}): Promise<T> {
    await this.#call({ operation: 'allReduce', op, ...options, send: [x], receive: [x] });
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
    const types = [...send, ...receive].map((x) => checkArray(operation, 'every array', x));
    const type = types[0] ?? 'uint8';
    if (types.some((other) => other !== type))
      throw new ArgumentError(
        `${operation}: all arrays must have one type, got ${[...new Set(types)].join(' and ')}. Copy one of them.`,
      );
    const call = { operation, type, op, order, root, send, receive };
    const done = this.#inOrder(() => this.#carrier.collective(call));
    if (done) return done.then(() => this.#count(call));
    this.#count(call);
  }

  /** At once if nothing in this line is under way, else when that is done. */
  #inOrder<R>(start: () => R | Promise<R>, line = 'collective'): R | Promise<R> {
    const run = (): R | Promise<R> => this.#guarded(start);
    const last = this.#last.get(line);
    const result = last ? last.then(run, run) : run();
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
    const broke = (error: unknown): never => {
      if (error instanceof CommError) this.#broken ??= error;
      throw error;
    };
    try {
      if (this.#broken !== undefined) throw this.#broken as Error;
      const result = start();
      return result instanceof Promise ? result.catch(broke) : result;
    } catch (error) {
      return broke(error);
    }
  }

  #open(_who: string): void {
    if (this.#broken !== undefined) throw this.#broken as Error;
  }

  #count({ operation, root, send, receive }: Call): void {
    const [given, got] = [bytesOf(send), bytesOf(receive)];
    const others = this.size - 1;
    const atRoot = this.rank === root;
    const [begin, end] = shareOf(send[0]?.length ?? 0, this.rank, this.size);
    const share = (end - begin) * (send[0]?.BYTES_PER_ELEMENT ?? 0);
    const own = (list: readonly CommArray[]): number => list[this.rank]?.byteLength ?? 0;
    const moved: Record<Call['operation'], () => readonly [sent: number, received: number]> = {
      allReduce: () => [given - share + others * share, others * share + given - share],
      reduceScatter: () => [given - share, others * share],
      reduce: () => (atRoot ? [0, others * given] : [given, 0]),
      allGather: () => [others * given, got - given],
      gather: () => (atRoot ? [0, got - given] : [given, 0]),
      scatter: () => (atRoot ? [given - got, 0] : [0, got]),
      broadcast: () => (atRoot ? [others * given, 0] : [0, got]),
      allToAll: () => [given - own(send), got - own(receive)],
      barrier: () => [0, 0],
    };
    const [sent, received] = moved[operation]();
    this.ledger.count(operation, { sent, received });
  }
}

function bytesOf(arrays: readonly CommArray[]): number {
  return arrays.reduce((bytes, { byteLength }) => bytes + byteLength, 0);
}
