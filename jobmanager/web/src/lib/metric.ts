/** Names and values of gauges this page has no knowledge of. Pure. */

import { bytes, compact, count } from './format';

const SIZE = /(memory|bytes|heap|direct|mapped)/i;
const NO_SIZE = /(segments|count|load|time|usage|ratio|percent)/i;

/** A camel-case or dotted name in words, and its value with a unit if the name tells one. */
export function describe(name: string, value: number, text = String(value)): [name: string, value: string] {
  return [words(name), Number.isFinite(value) ? inUnits(name, value) : text];
}

const words = (name: string) =>
  name
    .replace(/^Status\./, '')
    .replace(/\./g, ' · ')
    .replace(/([a-z])([A-Z])/g, (_, end: string, start: string) => `${end} ${start.toLowerCase()}`)
    .replace(/^./, (first) => first.toUpperCase());

function inUnits(name: string, value: number): string {
  if (SIZE.test(name) && !NO_SIZE.test(name)) return bytes(value);
  return Number.isInteger(value) ? count(value) : compact(value);
}
