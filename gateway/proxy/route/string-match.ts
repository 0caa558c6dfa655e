import { RE2JS } from 're2js';
import type { StringMatch } from '../../snapshot/route.ts';

/**
 * Longest value that a regex is tried on; a longer one does not match. RE2 is linear, but linear in the length times
 * the number of regex routes. It equals the default limit of a request target, so that only header values meet it.
 */
export const MAX_REGEX_INPUT = 16_384;

/** A compiled {@link StringMatch}: true if the value satisfies it. */
export type StringTest = (value: string) => boolean;

/** Compiles a string condition; throws RE2's own error for a pattern that is not RE2. */
export function compileStringMatch(match: StringMatch): StringTest {
  const expected = match.value;
  switch (match.kind) {
    case 'present':
      return () => true;
    case 'exact':
      return match.ignoreCase ? (value) => value.toLowerCase() === expected : (value) => value === expected;
    case 'prefix':
      return match.ignoreCase
        ? (value) => value.toLowerCase().startsWith(expected)
        : (value) => value.startsWith(expected);
    case 'regex':
      return compileRegex(expected);
    default:
      return unreachable(match.kind);
  }
}

/** Envoy matches the whole value with RE2; `testExact` anchors at both ends and avoids capture groups. */
function compileRegex(pattern: string): StringTest {
  const regex = RE2JS.compile(pattern);
  return (value) => value.length <= MAX_REGEX_INPUT && regex.testExact(value);
}

function unreachable(value: never): never {
  throw new TypeError(`unknown kind of string match: ${String(value)}`);
}
