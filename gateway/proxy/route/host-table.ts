/**
 * Finds the virtual host of a request: the exact name, else the longest wildcard suffix, else `*` (Envoy's and Istio's
 * precedence). `*.foo.com` stands for any number of labels before `.foo.com`, and not for `foo.com` itself. Immutable:
 * `with` gives a new table that shares the old one's storage, so that a change at 10,000 hosts copies only the change.
 */
export class HostTable<V> {
  readonly #base: ReadonlyMap<string, V>;
  /** What differs from the base; `undefined` marks a removed domain. */
  readonly #overlay: ReadonlyMap<string, V | undefined>;
  readonly #catchAll: V | undefined;

  private constructor(base: ReadonlyMap<string, V>, overlay: ReadonlyMap<string, V | undefined>) {
    this.#base = base;
    this.#overlay = overlay;
    this.#catchAll = this.#lookUp('*');
  }

  /** A table of these domains, lower case: `a.example`, `*.example` or `*`. */
  static from<V>(entries: Iterable<readonly [domain: string, value: V]>): HostTable<V> {
    return new HostTable(new Map(toStored(entries)), new Map<string, V>());
  }

  /** A table with these domains set (or replaced) and those removed. */
  with(set: Iterable<readonly [domain: string, value: V]>, remove: Iterable<string>): HostTable<V> {
    const overlay = new Map(this.#overlay);
    for (const domain of remove) overlay.set(stored(domain), undefined);
    for (const [domain, value] of toStored(set)) overlay.set(domain, value);
    return overlay.size <= MAX_OVERLAY ? new HostTable(this.#base, overlay) : this.#flatten(overlay);
  }

  /** The value for a lower-case host without port. There is no second choice if its routes do not match. */
  find(host: string): V | undefined {
    const exact = host.startsWith('.') ? undefined : this.#lookUp(host);
    if (exact !== undefined) return exact;
    // Left to right, so that the longest suffix comes first. At least one character stands for the `*`.
    for (let dot = host.indexOf('.', 1); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      const wildcard = this.#lookUp(host.slice(dot));
      if (wildcard !== undefined) return wildcard;
    }
    return this.#catchAll;
  }

  #lookUp(domain: string): V | undefined {
    if (this.#overlay.size > 0 && this.#overlay.has(domain)) return this.#overlay.get(domain);
    return this.#base.get(domain);
  }

  #flatten(overlay: ReadonlyMap<string, V | undefined>): HostTable<V> {
    const base = new Map(this.#base);
    for (const [domain, value] of overlay) {
      if (value === undefined) base.delete(domain);
      else base.set(domain, value);
    }
    return new HostTable(base, new Map<string, V>());
  }
}

/** Copying an overlay of this size costs about as much as compiling one virtual host. */
const MAX_OVERLAY = 256;

/** `*.foo.com` is stored as `.foo.com`, which `find` never looks up as a name, so one map holds both kinds. */
function stored(domain: string): string {
  return domain.startsWith('*.') ? domain.slice(1) : domain;
}

function* toStored<V>(entries: Iterable<readonly [string, V]>): Generator<readonly [string, V]> {
  for (const [domain, value] of entries) yield [stored(domain), value];
}
