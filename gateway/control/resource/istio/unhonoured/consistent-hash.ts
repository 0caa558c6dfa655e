import type { At } from '../../reader/at.ts';
import { listOf } from '../../reader/collections.ts';
import { type Reader, refine, required } from '../../reader/reader.ts';
import { record } from '../../reader/record.ts';
import { boolean, durationMs, integer, plainText, text } from '../../reader/scalars.ts';
import { exclusive, writtenIn } from '../../reader/together.ts';

const ringSize = integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const MAX_TABLE = 5_000_011;

const tableSize: Reader<number> = refine(integer({ min: 1, max: MAX_TABLE - 1 }), (size, at) =>
  isPrime(size) ? size : at.report({ message: `${size} is not a prime number: Maglev needs one, as 65537.` }),
);

/** As Envoy counts: 1 is among them. */
function isPrime(size: number): boolean {
  if (size < 4) return true;
  for (let factor = 2; factor * factor <= size; factor += 1) if (size % factor === 0) return false;
  return true;
}

const attributes = refine(listOf(record({ name: required(plainText, 'name the attribute'), value: text })), checkTwice);

function checkTwice(list: readonly { readonly name?: string }[], at: At): typeof list {
  const seen = new Set<string>();
  for (const { name } of list) {
    if (name === undefined) continue;
    if (seen.has(name)) at.reportKey({ message: `The attribute ${name} is there twice: keep one.` });
    seen.add(name);
  }
  return list;
}

const httpCookie = record({
  name: required(plainText, 'name the cookie'),
  path: text,
  ttl: durationMs,
  attributes,
});

/** What to hash by, and how: one of each. */
const BY = ['httpHeaderName', 'httpCookie', 'useSourceIp', 'httpQueryParameterName'] as const;
const HOW = ['minimumRingSize', 'ringHash', 'maglev'] as const;

/** `loadBalancer.consistentHash`. */
export const consistentHash: Reader<unknown> = refine(
  record({
    httpHeaderName: text,
    httpCookie,
    useSourceIp: boolean,
    httpQueryParameterName: text,
    minimumRingSize: ringSize,
    ringHash: record({ minimumRingSize: ringSize }),
    maglev: record({ tableSize: required(tableSize, 'write a prime number, as 65537') }),
  }),
  (value, at) => {
    // A 0 leaves the size to Envoy.
    const { minimumRingSize, ...others } = writtenIn(at);
    const written = minimumRingSize === 0 ? others : writtenIn(at);
    for (const names of [BY, HOW])
      for (const [index, name] of names.entries())
        for (const other of names.slice(index + 1)) exclusive(at, written, name, other);
    if ((value.minimumRingSize ?? 0) > 0)
      at.child('minimumRingSize', undefined).reportKey({
        severity: 'warning',
        message: 'minimumRingSize is deprecated in Istio here: write it under ringHash.',
      });
    return value;
  },
);
