import { suggestion } from '../suggestion.ts';
import type { At } from './at.ts';
import { type Reader, refine, typeName } from './reader.ts';

/** A string, any. */
export const text: Reader<string> = (at) => {
  const { value } = at;
  if (typeof value === 'string') return value;
  const quoted = typeof value === 'number' || typeof value === 'boolean' ? ': put it in quotes' : '';
  return at.report({ message: `A string is expected here, not ${typeName(value)}${quoted}.` });
};

/** A string with something in it and nothing that could break a header or a log line. */
export const plainText: Reader<string> = refine(text, (value, at) => {
  if (value === '') return at.report({ message: 'This must not be empty: write a value, or remove the field.' });
  if (/[\x00-\x1f\x7f]/.test(value))
    return at.report({ message: 'Control characters and line breaks are not allowed here.' });
  return value;
});

/** true or false. */
export const boolean: Reader<boolean> = (at) => {
  if (typeof at.value === 'boolean') return at.value;
  const hint = typeof at.value === 'string' && /^(?:true|false)$/i.test(at.value) ? ': remove the quotes' : '';
  return at.report({ message: `true or false is expected here, not ${typeName(at.value)}${hint}.` });
};

/** A whole number within bounds. */
export function integer(range: { readonly min: number; readonly max: number }): Reader<number> {
  return (at) => {
    const { value } = at;
    if (typeof value === 'string' && /^-?\d+$/.test(value))
      return at.report({ message: `A number is expected here: remove the quotes around ${value}.` });
    if (typeof value !== 'number' || !Number.isInteger(value))
      return at.report({
        message: `A whole number is expected here, not ${typeof value === 'number' ? value : typeName(value)}.`,
      });
    if (value < range.min || value > range.max)
      return at.report({ message: `${value} is out of range: ${describeRange(range)}.` });
    return value;
  };
}

/** A number, whole or not, within bounds. */
export function decimal(range: { readonly min: number; readonly max: number }): Reader<number> {
  return (at) => {
    const { value } = at;
    if (typeof value !== 'number' || !Number.isFinite(value))
      return at.report({ message: `A number is expected here, not ${typeName(value)}.` });
    if (value < range.min || value > range.max)
      return at.report({ message: `${value} is out of range: ${describeRange(range)}.` });
    return value;
  };
}

function describeRange({ min, max }: { readonly min: number; readonly max: number }): string {
  return max >= 2 ** 31 - 1 ? `use a number of at least ${min}` : `use ${min} to ${max}`;
}

/** TCP port. */
export const port: Reader<number> = integer({ min: 1, max: 65_535 });

/** One of a few words; the table maps what people write to what we use. */
export function oneOf<T>(table: Readonly<Record<string, T>>, options?: { readonly ignoreCase: true }): Reader<T> {
  const words = new Map(Object.entries(table));
  return refine(text, (value, at) => {
    const found = words.get(options?.ignoreCase ? value.toUpperCase() : value);
    if (found !== undefined) return found;
    return at.report({
      message: `"${value}" is not allowed here: use ${[...words.keys()].join(', ')}.${suggestion(value, words.keys())}`,
    });
  });
}

function durationText(at: At): string | undefined {
  if (typeof at.value !== 'number') return text(at);
  return at.report({ message: `A duration needs its unit: write ${at.value}s for seconds, or ${at.value}ms.` });
}

const DURATION = /^(?:\d+(?:\.\d*)?|\.\d+)(?:h|ms|m|s|us|µs|ns)/;
const UNIT_MS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
};

/** A duration as Kubernetes writes it ("5s", "1m30s", "250ms"), in milliseconds. */
export const durationMs: Reader<number> = refine(durationText, (value, at) => {
  let total = 0;
  let rest = value.startsWith('+') ? value.slice(1) : value;
  while (rest !== '') {
    const part = DURATION.exec(rest)?.[0];
    if (part === undefined)
      return at.report({
        message: `"${value}" is not a duration: write a number with its unit, as 5s, 250ms or 1m30s.`,
      });
    const unit = part.replace(/[\d.]+/, '');
    total += Number.parseFloat(part) * (UNIT_MS[unit] ?? 0);
    rest = rest.slice(part.length);
  }
  if (value === '') return at.report({ message: 'A duration is expected here, as 5s, 250ms or 1m30s.' });
  // Sums of binary fractions are off by less than a nanosecond.
  return Math.round(total * 1e6) / 1e6;
});

/** A duration of whole milliseconds, at least one: what Istio takes. */
export const positiveDurationMs: Reader<number> = refine(durationMs, (value, at) => {
  if (value < 1 || !Number.isInteger(value))
    return at.report({ message: 'A duration of whole milliseconds is expected here, at least 1ms.' });
  if (value > MAX_DURATION_MS) return at.report({ code: 'MG0207', message: 'Durations above 596h are not served.' });
  return value;
});

/** The longest that a timer of Node waits. */
const MAX_DURATION_MS = 2 ** 31 - 1;

/** Reads an empty text as an absent field, as Istio does: templates leave such behind. */
export function orEmpty<T>(reader: Reader<T>): Reader<T> {
  return (at) => (at.value === '' ? undefined : reader(at));
}
