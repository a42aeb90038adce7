import { element } from './element.ts';

/** A few named figures that change while something runs. */
export class Figures<Name extends string> {
  readonly list = element('dl', { class: 'figures' });
  readonly #values: Readonly<Record<Name, HTMLElement>>;

  /** @param names What each is called on the page. */
  constructor(names: Readonly<Record<Name, string>>) {
    const values: Partial<Record<Name, HTMLElement>> = {};
    for (const name of Object.keys(names) as Name[]) {
      const value = (values[name] = element('dd', { 'data-figure': name }, '–'));
      this.list.append(element('div', {}, element('dt', {}, names[name]), value));
    }
    this.#values = values as Record<Name, HTMLElement>;
  }

  /** Those that are left out stay. */
  set(values: Readonly<Partial<Record<Name, string>>>): void {
    for (const [name, value] of Object.entries<string>(values as Record<string, string>))
      if (this.#values[name as Name].textContent !== value) this.#values[name as Name].textContent = value;
  }

  clear(): void {
    for (const value of Object.values<HTMLElement>(this.#values)) value.textContent = '–';
  }
}
