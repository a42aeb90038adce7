import type { ProgressEvent } from '@ockham/core';
import type { RunEvent } from './run-experiment.ts';

/** `seed 2/3 ██████░░░░ 60 % train 4/10 (loss 0.0123)`. */
export function progressLine({ index, of, seed, kept, event }: RunEvent): string {
  const head = `seed ${index}/${of}`;
  if (kept) return `${head}: seed ${seed} is kept from an earlier run`;
  return event ? `${head} ${eventLine(event)}` : `${head}: seed ${seed}`;
}

/** `██████░░░░ 60 % train 4/10 (loss 0.0123)`. */
export function eventLine({ stage, done, total, metrics = {} }: ProgressEvent): string {
  const fraction = total > 0 ? Math.min(1, Math.max(0, done / total)) : 0;
  const filled = Math.round(fraction * 10);
  const figures = Object.entries(metrics).map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`);
  const suffix = figures.length > 0 ? ` (${figures.join(', ')})` : '';
  return `${'█'.repeat(filled)}${'░'.repeat(10 - filled)} ${Math.round(fraction * 100)} % ${stage}${suffix}`;
}

/** Lets a line through when enough time has passed since the last one, or when it `matters`. */
export function throttle(
  show: (line: string) => void,
  milliseconds: number,
): (line: string, matters: boolean) => void {
  let last = -Infinity;
  return (line, matters) => {
    const now = performance.now();
    if (!matters && now - last < milliseconds) return;
    last = now;
    show(line);
  };
}
