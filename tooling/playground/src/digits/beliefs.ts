import { element } from '../page/element.ts';
import { percent } from '../page/words.ts';

/** Ten bars: how likely the learner takes each digit to be. */
export class Beliefs {
  readonly list = element('ol', { class: 'beliefs', 'aria-label': 'What the learner takes the drawing for' });
  /** The same in a sentence, said when it changes. */
  readonly sentence = element('p', { class: 'belief', 'aria-live': 'polite' });
  readonly #bars: readonly HTMLElement[];
  readonly #numbers: readonly HTMLElement[];

  constructor() {
    const bars: HTMLElement[] = [];
    const numbers: HTMLElement[] = [];
    for (let digit = 0; digit < 10; digit++) {
      const bar = element('span', { class: 'bar' });
      const number = element('span', { class: 'number' }, '–');
      this.list.append(
        element(
          'li',
          {},
          element('span', { class: 'digit' }, String(digit)),
          element('span', { class: 'track', 'aria-hidden': 'true' }, bar),
          number,
        ),
      );
      bars.push(bar);
      numbers.push(number);
    }
    this.#bars = bars;
    this.#numbers = numbers;
  }

  /** @param probabilities By digit; undefined for a learner that knows none. */
  show(probabilities: readonly number[] | undefined, quiet = false): void {
    for (let digit = 0; digit < 10; digit++) {
      const chance = probabilities?.[digit] ?? 0;
      this.#bars[digit]!.style.transform = `scaleX(${chance.toFixed(3)})`;
      this.#numbers[digit]!.textContent = probabilities ? percent(chance, 0) : '–';
    }
    if (!probabilities) {
      this.#say('It knows no digit yet. Press Start, or teach it what you drew.');
      return;
    }
    const best = probabilities.indexOf(Math.max(...probabilities));
    // while a stream teaches, only another digit is news
    if (quiet && this.sentence.dataset.digit === String(best)) return;
    this.sentence.dataset.digit = String(best);
    this.#say(`It takes this for a ${best}, ${percent(probabilities[best]!, 0)} sure.`);
  }

  clear(): void {
    this.show(new Array<number>(10).fill(0), true);
    for (const number of this.#numbers) number.textContent = '–';
    delete this.sentence.dataset.digit;
    this.#say('Draw a digit to ask what the learner takes it for.');
  }

  #say(text: string): void {
    if (this.sentence.textContent !== text) this.sentence.textContent = text;
  }
}
