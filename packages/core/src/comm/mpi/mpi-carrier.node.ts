import { ArgumentError } from '../../errors.ts';
import { reduceValues } from '../../kernels/twins/comm-reduce.ts';
import type { Call, Carrier } from '../carrier.ts';
import { allocate, TYPES, typeOf } from '../check.ts';
import { CommError } from '../comm-error.ts';
import { shareOf, type CommArray } from '../communicator.ts';
import {
  divergedMessage,
  findDivergence,
  headerOf,
  OPERATIONS,
  type GroupOperation,
  type HeaderRow,
} from '../headers.ts';
import type { Mpi, Out } from './functions.node.ts';
import type { Handle, MpiFunction } from './library.node.ts';
import { checkCode, type Requests } from './requests.node.ts';

/** Bytes up to which a call blocks: to wake a thread of its own costs more than a tenth of what they take. */
const BLOCKING = 2 ** 20;
/** Bytes up to which a reduction gathers everything everywhere. */
const SMALL = 8192;
const FIELDS = ['operation', 'type', 'op', 'root', 'sendLength', 'receiveLength', 'color', 'key'] as const;
/** Tags of what a rank tells of its next call; those of messages are even and odd from 0 on. */
const HEADER_TAG = 70_000;

/** A rank's end of MPI: before a call the ranks compare headers, then MPI moves the arrays. */
export class MpiCarrier implements Carrier {
  readonly rank: number;
  readonly size: number;
  readonly transport = 'mpi';
  readonly #mpi: Mpi;
  readonly #comm: Handle;
  /** For headers and messages, which must not meet the library's own. */
  readonly #control: Handle;
  readonly #members: readonly number[];
  readonly #requests: Requests;
  readonly #receiving = new Map<string, Promise<void>>();
  #calls = 0;

  constructor(mpi: Mpi, comm: Handle, members: readonly number[] | undefined, requests: Requests) {
    const [rank, size] = [[0], [0]];
    const control: Out = [0];
    checkCode('MPI_Comm_set_errhandler', mpi.call.Comm_set_errhandler(comm, mpi.errorsReturn));
    checkCode('MPI_Comm_rank', mpi.call.Comm_rank(comm, rank));
    checkCode('MPI_Comm_size', mpi.call.Comm_size(comm, size));
    checkCode('MPI_Comm_dup', mpi.call.Comm_dup(comm, control));
    [this.rank, this.size] = [rank[0]!, size[0]!];
    this.#members = members ?? Array.from({ length: this.size }, (_, r) => r);
    [this.#mpi, this.#comm, this.#control, this.#requests] = [mpi, comm, control[0], requests];
  }

  alloc: Carrier['alloc'] = (type, length) => allocate('alloc', type, length);
  free(): void {
    // an ordinary array, which the garbage collector takes
  }

  collective(call: Call): void | Promise<void> {
    const { operation, order, op, type } = call;
    // the library's own reduction, at once: no header, so that it costs what it costs in C
    if (order === 'any' && operation === 'allReduce' && op !== 'mean' && type !== 'uint8')
      return this.#allReduceAny(call, op);
    return this.#verified(call);
  }

  #allReduceAny({ type, receive: [x] }: Call, op: 'sum' | 'max' | 'min'): void | Promise<void> {
    const { call, inPlace, types, ops } = this.#mpi;
    return this.#run(call.Allreduce, x!.byteLength, inPlace, x, x!.length, types[type], ops[op], this.#comm);
  }

  async #verified(call: Call): Promise<void> {
    const rows = await this.#compare(call.operation, headerOf(call), call);
    const { operation } = call;
    if (operation === 'allReduce' || operation === 'reduce' || operation === 'reduceScatter')
      await this.#reduce(call);
    else if (operation !== 'barrier') await this.#move(call, rows);
  }

  /** Every rank's header, once all have come and agree. */
  async #compare(operation: GroupOperation, header: Partial<HeaderRow>, call?: Call): Promise<HeaderRow[]> {
    this.#calls += 1;
    const n = this.size;
    const own = Float64Array.from(FIELDS, (field) => header[field] ?? 0);
    own[0] = OPERATIONS.indexOf(operation);
    const words = Array.from({ length: n }, (_, r) =>
      r === this.rank ? own : new Float64Array(FIELDS.length),
    );
    const tables = words.map(() => new Float64Array(2 * n));
    if (operation === 'allToAll') {
      for (let r = 0; r < n; r++) {
        tables[this.rank]![r] = call!.send[r]!.length;
        tables[this.rank]![n + r] = call!.receive[r]!.length;
      }
    }
    const what = `${operation} (call ${this.#calls})`;
    await this.#tell(own, words, HEADER_TAG, what);
    const rows = words.map(
      (row) => Object.fromEntries(FIELDS.map((field, i) => [field, row[i]!])) as unknown as HeaderRow,
    );
    if (operation === 'allToAll' && rows.every((row) => row.operation === own[0]))
      await this.#tell(tables[this.rank]!, tables, HEADER_TAG + 1, what);
    const found = findDivergence(rows, (from, to, expected) =>
      expected ? tables[to]![n + from]! : tables[from]![to]!,
    );
    if (!found) return rows;
    const rank = this.#members[found.rank]!;
    throw new CommError('rank-diverged', divergedMessage(this.#calls, rank, found.how), { rank });
  }

  /** One array to and from each of the others. */
  async #tell(own: CommArray, all: readonly CommArray[], tag: number, what: string): Promise<void> {
    const others = all.map((_, r) => r).filter((r) => r !== this.rank);
    const coming = others.map((r) => this.#start('Irecv', all[r]!, r, tag));
    const going = others.map((r) => this.#start('Isend', own, r, tag));
    const waits = others.map((r, i) => this.#requests.wait(coming[i]!, this.#members[r]!, what, all[r]));
    await Promise.all([
      ...waits,
      ...others.map((r, i) => this.#requests.wait(going[i]!, this.#members[r]!, what, own)),
    ]);
  }

  #start(name: 'Isend' | 'Irecv', x: CommArray, other: number, tag: number): Out {
    const { call, types } = this.#mpi;
    const request: Out = [0];
    checkCode(`MPI_${name}`, call[name](x, x.length, types[typeOf(x)!], other, tag, this.#control, request));
    return request;
  }

  /** A collective function of MPI: blocking where that is short, else on another thread. */
  #run(run: MpiFunction, bytes: number, ...values: readonly unknown[]): void | Promise<void> {
    if (bytes <= BLOCKING) {
      checkCode('a collective call', run(...values));
      return;
    }
    return new Promise((resolve, reject) => {
      run.async(...values, (error: Error | null, code: number) => {
        try {
          if (error) throw error;
          checkCode('a collective call', code);
          resolve();
        } catch (cause) {
          reject(cause instanceof Error ? cause : new Error(String(cause)));
        }
      });
    });
  }

  /** In the order of the ranks, so that the bits do not depend on MPI: each rank reduces its share of all, as shared memory does. */
  async #reduce({ operation, type, op, root, send: [x], receive: [to] }: Call): Promise<void> {
    const { call, types, inPlace } = this.#mpi;
    const n = this.size;
    const length = x!.length;
    const handle = types[type];
    const make = (size: number): CommArray => allocate('reduce', type, size);
    if (x!.byteLength <= SMALL) {
      const all = make(n * length);
      const counts = new Int32Array(n).fill(length);
      const places = Int32Array.from(counts, (_, r) => r * length);
      await this.#run(call.Allgatherv, 0, x, length, handle, all, counts, places, handle, this.#comm);
      const parts = Array.from({ length: n }, (_, r) => all.subarray(r * length, (r + 1) * length));
      const whole = parts[0]!;
      reduceValues(op, parts, whole);
      const [begin, end] = shareOf(length, this.rank, n);
      to?.set(operation === 'reduceScatter' ? whole.subarray(begin, end) : whole);
      return;
    }
    const shares = Array.from({ length: n }, (_, r) => shareOf(length, r, n));
    const counts = Int32Array.from(shares, ([begin, end]) => end - begin);
    const places = Int32Array.from(shares, ([begin]) => begin);
    const own = counts[this.rank]!;
    const parts = make(n * own);
    const equal = new Int32Array(n).fill(own);
    const rows = Int32Array.from(equal, (_, r) => r * own);
    const { byteLength } = x!;
    await this.#run(
      call.Alltoallv,
      byteLength,
      x,
      counts,
      places,
      handle,
      parts,
      equal,
      rows,
      handle,
      this.#comm,
    );
    const list = Array.from({ length: n }, (_, r) => parts.subarray(r * own, (r + 1) * own));
    reduceValues(op, list, list[0]!);
    if (operation === 'reduceScatter') to!.set(list[0]!);
    else if (operation === 'reduce') {
      const whole = to ?? make(0);
      await this.#run(
        call.Gatherv,
        byteLength,
        list[0],
        own,
        handle,
        whole,
        counts,
        places,
        handle,
        root,
        this.#comm,
      );
    } else {
      to!.set(list[0]!, places[this.rank]);
      await this.#run(
        call.Allgatherv,
        byteLength,
        inPlaceAddress(inPlace),
        0,
        handle,
        to,
        counts,
        places,
        handle,
        this.#comm,
      );
    }
  }

  async #move({ operation, type, root, send, receive }: Call, rows: readonly HeaderRow[]): Promise<void> {
    const { call, types } = this.#mpi;
    const handle = types[type];
    const offsets = (counts: Int32Array): Int32Array => {
      let next = 0;
      return counts.map((count) => (next += count) - count);
    };
    const largest = Math.max(
      ...rows.map(({ sendLength, receiveLength }) => Math.max(sendLength, receiveLength)),
    );
    const bytes = largest * allocate('move', type, 0).BYTES_PER_ELEMENT;
    const none = allocate('move', type, 0);
    const [from = none] = send;
    const [to = none] = receive;
    if (operation === 'broadcast') {
      const x = this.rank === root ? from : to;
      await this.#run(call.Bcast, bytes, x, x.length, handle, root, this.#comm);
    } else if (operation === 'scatter') {
      const counts = Int32Array.from(rows, ({ receiveLength }) => receiveLength);
      const [at, part] = [offsets(counts), apart(to, from)];
      await this.#run(
        call.Scatterv,
        bytes,
        from,
        counts,
        at,
        handle,
        part,
        part.length,
        handle,
        root,
        this.#comm,
      );
      if (part !== to) to.set(part);
    } else if (operation === 'allToAll') {
      const given = Int32Array.from(send, ({ length }) => length);
      const got = Int32Array.from(receive, ({ length }) => length);
      const [out, into] = [
        join(type, send),
        allocate(
          'allToAll',
          type,
          got.reduce((a, b) => a + b, 0),
        ),
      ];
      const [a, b] = [offsets(given), offsets(got)];
      await this.#run(call.Alltoallv, bytes, out, given, a, handle, into, got, b, handle, this.#comm);
      for (const [r, x] of receive.entries()) x.set(into.subarray(b[r], b[r]! + got[r]!));
    } else {
      const counts = Int32Array.from(rows, ({ sendLength }) => sendLength);
      const [at, part] = [offsets(counts), apart(from, to)];
      const gathered = [part, part.length, handle, to, counts, at, handle] as const;
      if (operation === 'gather') await this.#run(call.Gatherv, bytes, ...gathered, root, this.#comm);
      else await this.#run(call.Allgatherv, bytes, ...gathered, this.#comm);
    }
  }

  async send(x: CommArray, to: number, tag: number): Promise<void> {
    const what = `send to rank ${this.#members[to]!}`;
    const copy = x.slice(); // so that it may be changed at once, and a message to oneself does not wait
    const head = Int32Array.of(TYPES.indexOf(typeOf(x)!), x.length);
    const requests = [this.#start('Isend', head, to, 2 * tag), this.#start('Isend', copy, to, 2 * tag + 1)];
    for (const request of requests)
      await this.#requests.wait(request, this.#members[to]!, what, [head, copy]);
  }

  recv(x: CommArray, from: number, tag: number): Promise<void> {
    const key = `${from} ${tag}`;
    const receive = (): Promise<void> => this.#receive(x, from, tag);
    const before = this.#receiving.get(key);
    const done = before ? before.then(receive, receive) : receive();
    this.#receiving.set(
      key,
      done.catch(() => undefined),
    );
    return done;
  }

  async #receive(x: CommArray, from: number, tag: number): Promise<void> {
    const sender = this.#members[from]!;
    const what = `recv from rank ${sender}`;
    const head = new Int32Array(2);
    await this.#requests.wait(this.#start('Irecv', head, from, 2 * tag), sender, what, head);
    const [type, length] = head;
    if (TYPES[type!] !== typeOf(x) || length !== x.length)
      throw new CommError(
        'rank-diverged',
        `comm: what is received must be what was sent, but rank ${sender} sent ${TYPES[type!]} × ${length} and rank ${this.#members[this.rank]!} expects ${typeOf(x)} × ${x.length}.`,
        { rank: sender },
      );
    await this.#requests.wait(this.#start('Irecv', x, from, 2 * tag + 1), sender, what, x);
  }

  async split(color: number | undefined, key: number): Promise<Carrier | undefined> {
    const rows = await this.#compare('split', { color: color === undefined ? 0 : color + 1, key });
    const ranks = [...rows.keys()]
      .filter((r) => color !== undefined && rows[r]!.color === color + 1)
      .sort((a, b) => rows[a]!.key - rows[b]!.key || a - b);
    const comm: Out = [0];
    const { call } = this.#mpi;
    // an order of our own, so that every library has the same; those without a color make a group that nobody uses
    const place = color === undefined ? this.rank : ranks.indexOf(this.rank);
    const colors = [...new Set(rows.map((row) => row.color))].sort((a, b) => a - b);
    const number = colors.indexOf(rows[this.rank]!.color);
    checkCode('MPI_Comm_split', call.Comm_split(this.#comm, number, place, comm));
    if (color === undefined) return void call.Comm_free(comm);
    return new MpiCarrier(
      this.#mpi,
      comm[0],
      ranks.map((r) => this.#members[r]!),
      this.#requests,
    );
  }

  async close(): Promise<void> {
    await this.#compare('close', {});
  }
}

/** MPI_IN_PLACE where a buffer stands. */
function inPlaceAddress(inPlace: Handle): unknown {
  return BigInt.asUintN(64, BigInt(inPlace));
}

/** MPI refuses buffers that overlap: a copy where they do. */
function apart(x: CommArray, other: CommArray): CommArray {
  return x.buffer === other.buffer ? x.slice() : x;
}

function join(type: Parameters<typeof allocate>[1], arrays: readonly CommArray[]): CommArray {
  const total = arrays.reduce((sum, { length }) => sum + length, 0);
  if (total >= 2 ** 31)
    throw new ArgumentError(`comm: MPI takes less than 2³¹ numbers, got ${total}. Send them in parts.`);
  const all = allocate('allToAll', type, total);
  arrays.reduce((at, x) => (all.set(x, at), at + x.length), 0);
  return all;
}
