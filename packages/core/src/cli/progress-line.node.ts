import { clearLine, cursorTo } from 'node:readline';
import type { Progress, ProgressEvent } from '../progress.ts';

/** Where progress goes: standard error. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Shows progress until `clear`. */
export interface ProgressLine {
  readonly show: Progress;
  /** Takes the line away, so that something else can be written. */
  clear(): void;
}

/** A terminal gets a line that is written over, at most so often, in milliseconds. */
const OFTEN = 80;
/** Elsewhere a line at the start of a stage, and then at most so often. */
const SELDOM = 5_000;

/**
 * One line of progress on a terminal, written over; on anything else lines of their own, few enough for a log.
 *
 * @param clock Milliseconds. Default: the monotonic clock.
 */
export function progressLine(
  stream: ProgressStream,
  clock: () => number = () => performance.now(),
): ProgressLine {
  let stage = '';
  let last = -Infinity;
  let shown = false;
  const clear = () => {
    if (!shown) return;
    clearLine(stream as NodeJS.WriteStream, 0);
    cursorTo(stream as NodeJS.WriteStream, 0);
    shown = false;
  };
  const show = (event: ProgressEvent) => {
    const now = clock();
    const fresh = event.stage !== stage;
    if (!fresh && now - last < (stream.isTTY ? OFTEN : SELDOM)) return;
    stage = event.stage;
    last = now;
    const line = formatProgress(event);
    if (!stream.isTTY) {
      stream.write(`${line}\n`);
      return;
    }
    clear();
    stream.write(line.slice(0, (stream.columns ?? 80) - 1));
    shown = true;
  };
  return { show, clear };
}

/** `train 2/10: 30 of 120 (25 %), loss 0.41` */
function formatProgress({ stage, done, total, metrics = {} }: ProgressEvent): string {
  const percent = total > 0 ? ` (${Math.floor((100 * done) / total)} %)` : '';
  const figures = Object.entries(metrics).map(([name, value]) => `, ${name} ${Number(value.toPrecision(3))}`);
  return `${stage}: ${done} of ${total}${percent}${figures.join('')}`;
}
