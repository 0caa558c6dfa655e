import { EMPTY_HASH, hashBefore, hashOf, StringTable } from '../../support/string-table.ts';

/**
 * Finds the virtual host of a request: the exact name, else the longest wildcard suffix, else `*` (Envoy's and Istio's
 * precedence). `*.foo.com` stands for any number of labels before `.foo.com`, and not for `foo.com` itself. Immutable:
 * `with` gives a new table that shares the old one's storage, so that a change at 10,000 hosts copies only the change.
 */
export class HostTable<V> {
  readonly #base: StringTable<V>;
  /** What differs from the base. */
  readonly #overlay: StringTable<V | typeof REMOVED>;
  readonly #catchAll: V | undefined;

  private constructor(base: StringTable<V>, overlay: StringTable<V | typeof REMOVED>) {
    this.#base = base;
    this.#overlay = overlay;
    this.#catchAll = this.#lookUp('*', 0, hashOf('*'));
  }

  /** A table of these domains, lower case: `a.example`, `*.example` or `*`. */
  static from<V>(entries: Iterable<readonly [domain: string, value: V]>): HostTable<V> {
    return new HostTable(new StringTable(toStored(entries)), new StringTable<V | typeof REMOVED>([]));
  }

  /** A table with these domains set (or replaced) and those removed. */
  with(set: Iterable<readonly [domain: string, value: V]>, remove: Iterable<string>): HostTable<V> {
    const overlay = new Map(this.#overlay.entries());
    for (const domain of remove) overlay.set(stored(domain), REMOVED);
    for (const [domain, value] of toStored(set)) overlay.set(domain, value);
    return overlay.size <= MAX_OVERLAY ? new HostTable(this.#base, new StringTable(overlay)) : this.#flatten(overlay);
  }

  /** The value for a lower-case host without port. There is no second choice if its routes do not match. */
  find(host: string): V | undefined {
    const exact = host.startsWith('.') ? undefined : this.#lookUp(host, 0, hashOf(host));
    return exact ?? this.#wildcard(host) ?? this.#catchAll;
  }

  /** From right to left, each suffix by the hash of the one before; the longest counts. At least one character stands for the `*`. */
  #wildcard(host: string): V | undefined {
    let longest: V | undefined;
    let hash = EMPTY_HASH;
    for (let at = host.length - 1; at > 0; at--) {
      const code = host.charCodeAt(at);
      hash = hashBefore(code, hash);
      if (code === DOT) longest = this.#lookUp(host, at, hash) ?? longest;
    }
    return longest;
  }

  #lookUp(text: string, start: number, hash: number): V | undefined {
    const changed = this.#overlay.size === 0 ? undefined : this.#overlay.find(text, start, hash);
    if (changed === undefined) return this.#base.find(text, start, hash);
    return changed === REMOVED ? undefined : changed;
  }

  #flatten(overlay: ReadonlyMap<string, V | typeof REMOVED>): HostTable<V> {
    const base = new Map(this.#base.entries());
    for (const [domain, value] of overlay) {
      if (value === REMOVED) base.delete(domain);
      else base.set(domain, value);
    }
    return new HostTable(new StringTable(base), new StringTable<V | typeof REMOVED>([]));
  }
}

const DOT = 0x2e;
const REMOVED = Symbol('removed');

/** Copying an overlay of this size costs about as much as compiling one virtual host. */
const MAX_OVERLAY = 256;

/** `*.foo.com` is stored as `.foo.com`, which `find` never looks up as a name, so one map holds both kinds. */
function stored(domain: string): string {
  return domain.startsWith('*.') ? domain.slice(1) : domain;
}

function* toStored<V>(entries: Iterable<readonly [string, V]>): Generator<readonly [string, V]> {
  for (const [domain, value] of entries) yield [stored(domain), value];
}
