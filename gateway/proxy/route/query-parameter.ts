const AMPERSAND = 38;
const EQUALS = 61;

/**
 * The value of the first parameter called `name`, or undefined. As Envoy does for route matching, names and values
 * are compared as they were sent (no percent-decoding, no `+`), the first occurrence counts, and a parameter
 * without `=` has the empty value. Nothing is allocated but the value.
 */
export function queryParameter(query: string, name: string): string | undefined {
  let start = 0;
  while (start < query.length) {
    const afterName = start + name.length;
    if (query.startsWith(name, start)) {
      const next = query.charCodeAt(afterName);
      if (afterName === query.length || next === AMPERSAND) return '';
      if (next === EQUALS) return query.slice(afterName + 1, endOfParameter(query, afterName));
    }
    start = endOfParameter(query, start) + 1;
  }
  return undefined;
}

function endOfParameter(query: string, from: number): number {
  const end = query.indexOf('&', from);
  return end === -1 ? query.length : end;
}
