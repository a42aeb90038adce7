import { element } from './element.ts';

/** A kind of mark: its sign, colour and meaning. */
export interface Mark {
  readonly sign: string;
  readonly colour: string;
  readonly name: string;
}

/** What a chart shows, asked for anew each time that it is drawn. */
export interface ChartPlan {
  readonly title: string;
  readonly draw: (width: number) => Element;
  /** What its marks stand for, where they are not named beside themselves. */
  readonly legend?: () => readonly Mark[];
  /** The chart in words, for who does not see it and for who is in a hurry. */
  readonly summary: () => string;
  /** Its numbers: a row of headings, then rows. */
  readonly numbers: () => readonly (readonly string[])[];
}

/** Milliseconds between two drawings: enough for the eye, and little of the page's time. */
const LEAST_PAUSE = 250;

/** A figure that is drawn again when asked to, when its width changes, and never twice for one frame. */
export class Chart {
  readonly figure: HTMLElement;
  readonly #plan: ChartPlan;
  readonly #plot = element('div', { class: 'plot', role: 'img' });
  readonly #legend = element('p', { class: 'legend' });
  readonly #summary = element('p', { class: 'summary' });
  readonly #details = element('details', {}, element('summary', {}, 'The numbers'));
  #waits = false;
  #drawn = 0;

  constructor(plan: ChartPlan) {
    this.#plan = plan;
    this.#details.append(
      element('div', {
        class: 'numbers',
        tabindex: 0,
        role: 'group',
        'aria-label': `Numbers: ${plan.title}`,
      }),
    );
    this.figure = element(
      'figure',
      { class: 'chart' },
      element('figcaption', {}, plan.title),
      ...(plan.legend ? [this.#legend] : []),
      this.#plot,
      this.#summary,
      this.#details,
    );
    this.#details.addEventListener('toggle', () => this.#fillNumbers());
    new ResizeObserver(() => this.update()).observe(this.#plot);
  }

  /** Draws it soon. */
  update(): void {
    if (this.#waits) return;
    this.#waits = true;
    const wait = Math.max(0, this.#drawn + LEAST_PAUSE - performance.now());
    setTimeout(() => requestAnimationFrame(() => this.#draw()), wait);
  }

  #draw(): void {
    this.#waits = false;
    this.#drawn = performance.now();
    const width = this.#plot.clientWidth;
    if (width === 0) return;
    const summary = this.#plan.summary();
    this.#plot.setAttribute('aria-label', `${this.#plan.title}. ${summary}`);
    this.#summary.textContent = summary;
    const drawing = this.#plan.draw(width);
    drawing.setAttribute('aria-hidden', 'true');
    this.#plot.replaceChildren(drawing);
    this.#fillLegend();
    this.#fillNumbers();
  }

  #fillLegend(): void {
    this.#legend.replaceChildren(
      ...(this.#plan.legend?.() ?? []).map(({ sign, colour, name }) => {
        const mark = element('span', { 'aria-hidden': 'true' }, sign);
        mark.style.color = colour;
        return element('span', { class: 'mark' }, mark, ` ${name}`);
      }),
    );
  }

  #fillNumbers(): void {
    if (!this.#details.open) return;
    const [head = [], ...rows] = this.#plan.numbers();
    const row = (cells: readonly string[], tag: 'th' | 'td') =>
      element('tr', {}, ...cells.map((cell) => element(tag, tag === 'th' ? { scope: 'col' } : {}, cell)));
    const table = element(
      'table',
      {},
      element('thead', {}, row(head, 'th')),
      element('tbody', {}, ...rows.map((cells) => row(cells, 'td'))),
    );
    this.#details.lastElementChild!.replaceChildren(table);
  }
}
