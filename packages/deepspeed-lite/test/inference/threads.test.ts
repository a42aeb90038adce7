import { launch } from '@ockham/core/comm/node';
import { expect, it } from 'vitest';
import type { Shape } from '../fixtures/inference.script.ts';

it.each<Shape>([
  { tensor: 2, pipeline: 1 },
  { tensor: 1, pipeline: 2 },
])(
  'threads as $tensor tensor ranks and $pipeline stages answer and write as the model does',
  async (data) => {
    const script = new URL('../fixtures/inference.script.ts', import.meta.url);
    const ranks = await launch<{ apart: number; same: boolean }>(2, script, { data });
    for (const { apart, same } of ranks) {
      expect(apart).toBeLessThan(1e-5);
      expect(same).toBe(true);
    }
  },
  240_000,
);
