/**
 * TLS servers of one listener by server name: exact beats wildcard, the longest wildcard beats shorter ones, `*` takes the rest.
 * `*.example.com` covers any number of labels, as hosts of a Gateway do, but not `example.com` itself.
 */
export class ServerNames<V> {
  readonly #exact = new Map<string, V>();
  /** By what follows the `*`, dot included. */
  readonly #wildcards = new Map<string, V>();
  #any: V | undefined;

  /** Adds lower-case patterns; the first one to claim a name keeps it. */
  add(pattern: string, value: V): void {
    if (pattern === '*') this.#any ??= value;
    else if (pattern.startsWith('*.')) putIfAbsent(this.#wildcards, pattern.slice(1), value);
    else putIfAbsent(this.#exact, pattern, value);
  }

  /** The value for a name in lower case; `undefined` as name is a client that sent none. */
  find(name: string | undefined): V | undefined {
    if (name === undefined) return this.#any;
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact;
    if (this.#wildcards.size > 0) {
      // From the first dot rightwards: the longest suffix comes first. A name may not begin with the dot.
      for (let dot = name.indexOf('.', 1); dot !== -1; dot = name.indexOf('.', dot + 1)) {
        const wildcard = this.#wildcards.get(name.slice(dot));
        if (wildcard !== undefined) return wildcard;
      }
    }
    return this.#any;
  }
}

/** A server name as it is compared: lower case, without a trailing dot; undefined when it is no DNS name or address at all. */
export function normalizeServerName(name: string): string | undefined {
  const lower = name.toLowerCase();
  const bare = lower.endsWith('.') ? lower.slice(0, -1) : lower;
  return /^[a-z0-9_:.-]{1,253}$/.test(bare) && !bare.includes('..') && !bare.startsWith('.') ? bare : undefined;
}

function putIfAbsent<V>(map: Map<string, V>, key: string, value: V): void {
  if (!map.has(key)) map.set(key, value);
}
