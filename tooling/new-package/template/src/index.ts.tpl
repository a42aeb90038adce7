/**
 * __title__: {@link __fn__}.
 *
 * @module
 */
export { __fn__, type __Fn__Options, type __Fn__Result } from './__name__.ts';
