import { element } from '../page/element.ts';
import { onTheme, paintPixels } from '../page/paint-pixels.ts';
import { centerDigit } from './center-digit.ts';

/** Pixels of the pad's own grid, finer than what is learnt from. */
const SIDE = 56;
const RADIUS = 2.4;
/** Grid pixels that an arrow key moves the pen; with Shift a quarter. */
const STRIDE = 4;

/** A square to draw a digit in, with a pointer or with keys. */
export class DrawingPad {
  readonly canvas = element('canvas', {
    ...{ class: 'pad', tabindex: 0, role: 'application', 'aria-roledescription': 'drawing pad' },
    'aria-label': 'Draw a digit',
    'aria-describedby': 'pad-keys pad-pen',
  });
  readonly keys = element(
    'p',
    { id: 'pad-keys', class: 'hint' },
    'Draw with a finger, a pen or the mouse. With keys: arrows move the pen, Space puts it down and lifts it, Delete clears.',
  );
  /** Says whether the pen is down. */
  readonly pen = element('p', { id: 'pad-pen', class: 'hint', 'aria-live': 'polite' }, 'Pen up.');
  readonly #ink = new Float32Array(SIDE * SIDE);
  readonly #changed: () => void;
  #at: { x: number; y: number } = { x: SIDE / 2, y: SIDE / 4 };
  #last: { x: number; y: number } | undefined;
  #down = false;

  /** @param changed After a stroke, a key's move with the pen down, or a clearing. */
  constructor(changed: () => void) {
    this.#changed = changed;
    const { canvas } = this;
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.#last = undefined;
      this.#draw(event);
    });
    canvas.addEventListener('pointermove', (event) => {
      if (!canvas.hasPointerCapture(event.pointerId)) return;
      for (const point of event.getCoalescedEvents?.() ?? [event]) this.#draw(point);
    });
    canvas.addEventListener('pointerup', () => this.#changed());
    canvas.addEventListener('keydown', (event) => this.#key(event));
    canvas.addEventListener('focus', () => this.paint());
    canvas.addEventListener('blur', () => this.paint());
    onTheme(() => this.paint());
  }

  /** What was drawn, as the data set's digits are; undefined where there is nothing. */
  digit(): Uint8Array | undefined {
    return centerDigit(this.#ink, SIDE);
  }

  clear(): void {
    this.#ink.fill(0);
    this.#last = undefined;
    this.paint();
    this.#changed();
  }

  paint(): void {
    const levels = Uint8Array.from(this.#ink, (value) => Math.round(255 * value));
    paintPixels(this.canvas, levels, SIDE);
    if (!this.canvas.matches(':focus-visible')) return;
    const context = this.canvas.getContext('2d')!;
    context.strokeStyle = getComputedStyle(this.canvas).getPropertyValue('--accent');
    context.lineWidth = 1;
    context.strokeRect(Math.round(this.#at.x) - 2.5, Math.round(this.#at.y) - 2.5, 5, 5);
  }

  #draw({ clientX, clientY }: { readonly clientX: number; readonly clientY: number }): void {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    this.#at = { x: ((clientX - left) / width) * SIDE, y: ((clientY - top) / height) * SIDE };
    this.#lineTo(this.#at);
    this.paint();
  }

  #key(event: KeyboardEvent): void {
    const stride = event.shiftKey ? STRIDE / 4 : STRIDE;
    const moves: Readonly<Record<string, readonly [number, number]>> = {
      ArrowLeft: [-stride, 0],
      ArrowRight: [stride, 0],
      ArrowUp: [0, -stride],
      ArrowDown: [0, stride],
    };
    const move = moves[event.key];
    if (move) {
      const inside = (value: number): number => Math.min(SIDE - 1, Math.max(0, value));
      this.#at = { x: inside(this.#at.x + move[0]), y: inside(this.#at.y + move[1]) };
      if (this.#down) {
        this.#lineTo(this.#at);
        this.#changed();
      }
      this.paint();
    } else if (event.key === ' ') {
      this.#down = !this.#down;
      this.#last = undefined;
      this.pen.textContent = this.#down ? 'Pen down.' : 'Pen up.';
      if (this.#down) this.#lineTo(this.#at);
      this.paint();
      this.#changed();
    } else if (event.key === 'Delete' || event.key === 'Backspace') this.clear();
    else return;
    event.preventDefault();
  }

  /** Ink along a line, soft at its edge. */
  #lineTo(to: { readonly x: number; readonly y: number }): void {
    const from = this.#last ?? to;
    const steps = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y)));
    for (let step = 0; step <= steps; step++)
      this.#dot(from.x + ((to.x - from.x) * step) / steps, from.y + ((to.y - from.y) * step) / steps);
    this.#last = { ...to };
  }

  #dot(x: number, y: number): void {
    const reach = RADIUS + 1;
    for (let row = Math.max(0, Math.floor(y - reach)); row < Math.min(SIDE, y + reach); row++) {
      for (let column = Math.max(0, Math.floor(x - reach)); column < Math.min(SIDE, x + reach); column++) {
        const ink = Math.min(1, Math.max(0, RADIUS + 0.5 - Math.hypot(column + 0.5 - x, row + 0.5 - y)));
        const i = row * SIDE + column;
        this.#ink[i] = Math.max(this.#ink[i]!, ink);
      }
    }
  }
}
