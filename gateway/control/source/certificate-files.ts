import { readFileSync, statSync } from 'node:fs';

type Known = { readonly identity: string; readonly text: string };

/**
 * The files that Gateways name for their certificates, read when asked for and again when they have changed. A file that
 * cannot be read is left out: the build tells which Gateway lacks it.
 */
export class CertificateFiles {
  readonly #known = new Map<string, Known>();
  #contents: ReadonlyMap<string, string> = new Map();
  #paths: readonly string[] = [];

  /** Contents by path. The same map as before when nothing has changed. */
  read(paths: readonly string[]): ReadonlyMap<string, string> {
    this.#paths = paths;
    const contents = new Map<string, string>();
    for (const path of paths) {
      const text = this.#readOne(path);
      if (text !== undefined) contents.set(path, text);
    }
    for (const path of this.#known.keys()) if (!paths.includes(path)) this.#known.delete(path);
    if (!isEqual(contents, this.#contents)) this.#contents = contents;
    return this.#contents;
  }

  /** True when a file that was asked for last time reads differently now: certificates are renewed in place. */
  haveChanged(): boolean {
    return this.#paths.some((path) => identityOf(path) !== this.#known.get(path)?.identity);
  }

  #readOne(path: string): string | undefined {
    const identity = identityOf(path);
    const known = this.#known.get(path);
    if (identity === undefined) return void this.#known.delete(path);
    if (known?.identity === identity) return known.text;
    try {
      const text = readFileSync(path, 'utf8');
      this.#known.set(path, { identity, text });
      return text;
    } catch {
      this.#known.delete(path);
      return undefined;
    }
  }
}

/** Changes with each write; undefined when there is no readable file. */
function identityOf(path: string): string | undefined {
  try {
    const stats = statSync(path, { bigint: true });
    return stats.isFile() ? `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}` : undefined;
  } catch {
    return undefined;
  }
}

function isEqual(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([path, text]) => b.get(path) === text);
}
