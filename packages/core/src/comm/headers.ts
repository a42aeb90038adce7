/** What ranks tell each other of their next call, and the check that all make the same. */
import type { Call } from './carrier.ts';
import { OPS, TYPES } from './check.ts';

/** What a group does together, by the number in the headers. */
export const OPERATIONS = [
  'none',
  'allReduce',
  'reduce',
  'reduceScatter',
  'allGather',
  'gather',
  'scatter',
  'broadcast',
  'allToAll',
  'barrier',
  'split',
  'close',
] as const;
export type GroupOperation = (typeof OPERATIONS)[number];

/** One rank's call in numbers. */
export interface HeaderRow {
  readonly operation: number;
  readonly type: number;
  readonly op: number;
  readonly root: number;
  /** In elements, all arrays together. */
  readonly sendLength: number;
  readonly receiveLength: number;
  /** Of a split: 1 + the color, or 0, and the key. */
  readonly color: number;
  readonly key: number;
}

/** The calls in which all ranks give arrays of one length. */
const ALIKE: readonly GroupOperation[] = ['allReduce', 'reduce', 'reduceScatter', 'broadcast'];
const REDUCTIONS: readonly GroupOperation[] = ['allReduce', 'reduce', 'reduceScatter'];
const ROOTED: readonly GroupOperation[] = ['reduce', 'gather', 'scatter', 'broadcast'];

/** Who calls something else than most, and how; the same answer on every rank. */
export interface Divergence {
  /** In the group. */
  readonly rank: number;
  readonly how: string;
}

/**
 * @param table What `from` sends to `to` in an allToAll, or, `expected`, what `to` expects.
 * @returns undefined if all is well.
 */
export function findDivergence(
  rows: readonly HeaderRow[],
  table: (from: number, to: number, expected: boolean) => number,
): Divergence | undefined {
  const [first] = rows;
  if (rows.every((row) => isAlike(row, first!))) return findMisfit(rows, table);
  const calls = rows.map(describe);
  const count = (call: string): number => calls.filter((other) => other === call).length;
  const most = calls.reduce((best, call) => (count(call) > count(best) ? call : best));
  const rank = calls.findIndex((call) => call !== most);
  return { rank, how: `called ${calls[rank]!}, the others ${most}` };
}

function isAlike(a: HeaderRow, b: HeaderRow): boolean {
  const name = OPERATIONS[a.operation]!;
  if (a.operation !== b.operation || a.type !== b.type || a.op !== b.op || a.root !== b.root) return false;
  return !ALIKE.includes(name) || lengthOf(a) === lengthOf(b);
}

function lengthOf({ sendLength, receiveLength }: HeaderRow): number {
  return Math.max(sendLength, receiveLength);
}

function describe(row: HeaderRow): string {
  const name = OPERATIONS[row.operation]!;
  if (name === 'barrier' || name === 'split' || name === 'close') return name;
  const type = TYPES[row.type]!;
  const parts: string[] = [ALIKE.includes(name) ? `${type} × ${lengthOf(row)}` : type];
  if (REDUCTIONS.includes(name)) parts.push(OPS[row.op]!);
  if (ROOTED.includes(name)) parts.push(`root ${row.root}`);
  return `${name}(${parts.join(', ')})`;
}

function findMisfit(
  rows: readonly HeaderRow[],
  table: (from: number, to: number, expected: boolean) => number,
): Divergence | undefined {
  const [{ operation, root }] = rows as readonly [HeaderRow];
  const name = OPERATIONS[operation]!;
  const given = rows.reduce((sum, { sendLength }) => sum + sendLength, 0);
  const got = rows.reduce((sum, { receiveLength }) => sum + receiveLength, 0);
  const room = name === 'allGather' ? [...rows.keys()] : name === 'gather' ? [root] : [];
  const misfit = room.find((rank) => rows[rank]!.receiveLength !== given);
  if (misfit !== undefined) {
    const { receiveLength } = rows[misfit]!;
    return {
      rank: misfit,
      how: `has room for ${receiveLength} numbers in ${name}, but the parts of all ranks have ${given}`,
    };
  }
  if (name === 'scatter' && rows[root]!.sendLength !== got)
    return {
      rank: root,
      how: `scatters ${rows[root]!.sendLength} numbers, but the parts of all ranks have ${got}`,
    };
  if (name !== 'allToAll') return undefined;
  for (const from of rows.keys())
    for (const to of rows.keys()) {
      const [sent, expected] = [table(from, to, false), table(from, to, true)];
      if (sent !== expected)
        return { rank: from, how: `sends rank ${to} ${sent} numbers in allToAll, which expects ${expected}` };
    }
  return undefined;
}

export function divergedMessage(call: number, rank: number, how: string): string {
  return `comm: all ranks must make the same calls, but at call ${call} rank ${rank} ${how}. Look for a branch that only some ranks take.`;
}

/** What the others compare. */
export function headerOf(call: Call): Partial<HeaderRow> {
  const length = (arrays: Call['send']): number => arrays.reduce((sum, x) => sum + x.length, 0);
  return {
    operation: OPERATIONS.indexOf(call.operation),
    type: TYPES.indexOf(call.type),
    op: OPS.indexOf(call.op),
    root: call.root,
    sendLength: length(call.send),
    receiveLength: length(call.receive),
  };
}
