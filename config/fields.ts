import { isIP } from 'node:net';
import { dirname, resolve } from 'node:path';
import { isMap, isScalar, isSeq, type Node } from 'yaml';
import { didYouMean } from '../gateway/support/did-you-mean.ts';
import type { Place, Reading } from './reading.ts';
import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts';

/** Reads one value of the file (null: nothing is written there); reports a problem and returns undefined when it cannot be used. */
export type Field<T> = (node: Node | null, place: Place, reading: Reading) => T | undefined;

/** One reader for each setting of a section. In the file, durations go without the `Ms` of their settings. */
export type Fields<T> = { readonly [K in keyof T]-?: Field<NonNullable<T[K]>> };

type Range = { readonly from: number; readonly to: number };

/**
 * Reads a mapping with known keys; what it leaves out is taken from `fallback`, so a section may also be
 * empty (all its lines commented out).
 */
export function section<T extends object>(fields: Fields<T>, fallback: T): Field<T> {
  const byFileKey = new Map(
    Object.entries<Field<unknown>>(fields).map(([key, field]) => [key.replace(/Ms$/, ''), { key, field }]),
  );
  return (node, place, reading) => {
    if (node === null) return fallback;
    if (!isMap(node)) return refuse(reading, place, 'must be a mapping of settings (`key: value` lines)');
    const found: Record<string, unknown> = {};
    for (const { key, keyOffset, value } of entriesOf(node, reading)) {
      const path = place.path === '' ? key : `${place.path}.${key}`;
      const known = byFileKey.get(key);
      if (known === undefined) {
        reading.report(path, unknownKey(key, byFileKey.keys()), keyOffset);
        continue;
      }
      const read = readEntry(known.field, value, { path, keyOffset }, reading);
      if (read !== undefined) found[known.key] = read;
    }
    return { ...fallback, ...found };
  };
}

function readEntry<T>(field: Field<T>, value: unknown, place: Place, reading: Reading): T | undefined {
  const node = reading.resolve(value);
  reading.remember(place, node);
  return field(node, place, reading);
}

/** Reads a mapping with free keys into `[key, value]` pairs. */
export function mapping<T>(options: {
  key: (text: string) => string | undefined;
  value: Field<T>;
}): Field<[string, T][]> {
  return (node, place, reading) => {
    if (!isMap(node)) return refuse(reading, place, 'must be a mapping (`key: value` lines)');
    const pairs: [string, T][] = [];
    for (const { key, keyOffset, value } of entriesOf(node, reading)) {
      const path = `${place.path}.${key}`;
      const fault = options.key(key);
      if (fault !== undefined) reading.report(path, fault, keyOffset);
      const read = readEntry(options.value, value, { path, keyOffset }, reading);
      if (fault === undefined && read !== undefined) pairs.push([key, read]);
    }
    return pairs;
  };
}

/** Reads one value, or a list of them, as a list that is not empty. */
export function oneOrMore<T>(item: Field<T>): Field<readonly T[]> {
  return (node, place, reading) => {
    if (!isSeq(node)) {
      const only = item(node, place, reading);
      return only === undefined ? undefined : [only];
    }
    if (node.items.length === 0) return refuse(reading, place, 'must not be an empty list');
    const read = node.items.map((value, index) =>
      readEntry(item, value, { path: `${place.path}[${index}]`, keyOffset: node.range?.[0] ?? 0 }, reading),
    );
    return read.includes(undefined) ? undefined : (read as T[]);
  };
}

/** Reads a list, possibly an empty one. */
export function listOf<T>(item: Field<T>): Field<readonly T[]> {
  const some = oneOrMore(item);
  return (node, place, reading) => {
    if (!isSeq(node)) return refuse(reading, place, 'must be a list (`- item` lines)', node);
    return node.items.length === 0 ? [] : some(node, place, reading);
  };
}

export function integer(range: Range): Field<number> {
  return (node, place, reading) => {
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= range.from && value <= range.to) return value;
    return refuse(reading, place, `must be a whole number from ${range.from} to ${range.to}`, node);
  };
}

/** A number, or a word that stands for one. */
export function integerOr(words: Readonly<Record<string, number>>, range: Range): Field<number> {
  const number = integer(range);
  return (node, place, reading) => {
    const word = isScalar(node) && typeof node.value === 'string' ? words[node.value] : undefined;
    return word ?? number(node, place, reading);
  };
}

export function flag(): Field<boolean> {
  return (node, place, reading) => {
    const value = isScalar(node) ? node.value : undefined;
    return typeof value === 'boolean' ? value : refuse(reading, place, 'must be true or false', node);
  };
}

export function choice<T extends string>(...values: readonly T[]): Field<T> {
  return (node, place, reading) => {
    const value = isScalar(node) ? node.value : undefined;
    const chosen = values.find((known) => known === value);
    if (chosen !== undefined) return chosen;
    const near = typeof value === 'string' ? didYouMean(value, values) : undefined;
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    return refuse(reading, place, `must be one of ${values.join(', ')}${hint}`, node);
  };
}

/** A string of a form that `pattern` describes and `form` says in words. */
export function text(pattern: RegExp, form: string): Field<string> {
  return (node, place, reading) => {
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value === 'string' && pattern.test(value)) return value;
    const quote = typeof value === 'number' || typeof value === 'boolean' ? ' (put quotes around it)' : '';
    return refuse(reading, place, `must be ${form}${quote}`, node);
  };
}

export function namespaceName(): Field<string> {
  return text(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'the name of a namespace (lower case, digits, -)');
}

export function ipAddress(): Field<string> {
  return (node, place, reading) => {
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value === 'string' && isIP(value) !== 0) return value;
    return refuse(reading, place, 'must be an IP address such as 127.0.0.1, 0.0.0.0, "::1" or "::"', node);
  };
}

/** A path; a relative one starts at the folder of the settings file. `words` stand for something else. */
export function path(file: string, words: Readonly<Record<string, string>> = {}): Field<string> {
  return (node, place, reading) => {
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value !== 'string' || value === '' || value.includes('\0')) {
      return refuse(reading, place, 'must be a path', node);
    }
    return words[value] ?? resolve(dirname(file), value);
  };
}

export function duration(range: Range): Field<number> {
  const limits = `from ${formatDuration(range.from)} to ${formatDuration(range.to)}`;
  return measured(parseDuration, range, `must be a duration ${limits}, with its unit: 250ms, 5s, 1m30s, 1h`);
}

export function size(range: Range): Field<number> {
  const limits = `from ${formatSize(range.from)} to ${formatSize(range.to)}`;
  return measured(parseSize, range, `must be a size ${limits}: plain bytes, or with a unit: 512B, 60KiB, 1MiB`);
}

function measured(parse: (text: string) => number | undefined, range: Range, fault: string): Field<number> {
  return (node, place, reading) => {
    const isText = isScalar(node) && (typeof node.value === 'string' || typeof node.value === 'number');
    const value = isText ? parse(String(node.value)) : undefined;
    if (value !== undefined && value >= range.from && value <= range.to) return value;
    return refuse(reading, place, fault, node);
  };
}

function refuse(reading: Reading, place: Place, fault: string, node?: Node | null): undefined {
  const given = isScalar(node) ? `, not ${JSON.stringify(node.value)}` : node === null ? '; nothing is given' : '';
  reading.report(place.path, `${place.path === '' ? 'the file' : place.path} ${fault}${given}`);
  return undefined;
}

function unknownKey(key: string, known: Iterable<string>): string {
  const keys = [...known];
  const near = didYouMean(key, keys);
  return `unknown key ${JSON.stringify(key)}: ${near === undefined ? `known here are ${keys.join(', ')}` : `did you mean ${near}?`}`;
}

function* entriesOf(node: Node, reading: Reading): Generator<{ key: string; keyOffset: number; value: unknown }> {
  if (!isMap(node)) return;
  for (const pair of node.items) {
    const key = reading.resolve(pair.key);
    yield {
      key: isScalar(key) ? String(key.value) : String(pair.key),
      keyOffset: key?.range?.[0] ?? node.range?.[0] ?? 0,
      value: pair.value,
    };
  }
}
