type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * An HTML element with attributes and children; `true` is an attribute without a value, `false` and undefined none.
 *
 * @example
 * element('p', { class: 'lead' }, 'Five methods');
 */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : String(value));
  }
  made.append(...children);
  return made;
}

/** A control below its label. */
export function labelled(label: string, control: HTMLElement, hint?: HTMLElement): HTMLElement {
  control.id ||= `control-${++controls}`;
  return element(
    'div',
    { class: 'field' },
    element('label', { for: control.id }, label),
    control,
    ...(hint ? [hint] : []),
  );
}

let controls = 0;

/** A choice among a few. */
export function choice<Value extends string>(
  options: Readonly<Record<Value, string>>,
  chosen: NoInfer<Value>,
): HTMLSelectElement & { readonly chosen: Value } {
  const select = element(
    'select',
    {},
    ...Object.entries<string>(options).map(([value, text]) =>
      element('option', { value, selected: value === chosen }, text),
    ),
  );
  Object.defineProperty(select, 'chosen', { get: () => select.value });
  return select as HTMLSelectElement & { readonly chosen: Value };
}
