/** What {@link exchangeForward} and {@link exchangeBackward} do, without the other ranks: zeros come in the place of what they would send. */
import { shareOf, type Communicator } from '@ockham/core/comm';
import { zeros } from '@tensorflow/tfjs-core';
import type { Block } from '../program/cut-model.ts';
import type { MicroBatch } from '../program/micro-batch.ts';
import { addGradient, endsOf, widthOf } from './exchange.ts';

/** What a rank would have sent. */
export interface Message {
  readonly operation: 'allReduce' | 'allGather' | 'gather shares';
  /** That this rank brings; of shares, of the whole. */
  readonly elements: number;
}

/** Goes forward through a marker. */
export function standInForward(batch: MicroBatch, block: Block): Message | undefined {
  const [from, to] = endsOf(block);
  const x = batch.value(from);
  if (block.marker === 'copy') {
    batch.give(to, x);
    return undefined;
  }
  const reduces = block.marker === 'reduce';
  const y = zeros([...x.shape.slice(0, -1), reduces ? x.shape.at(-1)! : widthOf(block)]);
  batch.give(to, y);
  y.dispose();
  return { operation: reduces ? 'allReduce' : 'allGather', elements: x.size };
}

/** Goes back through a marker. */
export function standInBackward(
  batch: MicroBatch,
  block: Block,
  { rank, size }: Pick<Communicator, 'rank' | 'size'>,
): Message | undefined {
  const [from, to] = endsOf(block);
  const dy = batch.gradient(to);
  if (!dy) return undefined;
  if (block.marker === 'reduce') addGradient(batch, from, dy);
  else {
    const [begin, end] = block.marker === 'gather' ? shareOf(widthOf(block), rank, size) : [0, dy.shape.at(-1)!]; // prettier-ignore
    const dx = zeros([...dy.shape.slice(0, -1), end - begin]);
    addGradient(batch, from, dx);
    dx.dispose();
  }
  const { size: elements } = dy;
  batch.giveGradient(to, undefined);
  return block.marker === 'copy' ? { operation: 'allReduce', elements } : undefined;
}
