import { globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const repositoryDir = fileURLToPath(new URL('../../', import.meta.url));

/** One import line of one file, both as paths from the repository's root. */
export type Import = {
  readonly from: string;
  /** A path of the repository, or the bare name of a package or of a Node module. */
  readonly to: string;
  /** Only types are taken: nothing of it is left at run time. */
  readonly typeOnly: boolean;
};

/** All import lines of the program itself: everything but the tests. */
export function programImports(): Import[] {
  const files = globSync('{gateway,admin,config,systemd}/**/*.{ts,js}', { cwd: repositoryDir });
  return files.flatMap((file) => importsOf(file, readFileSync(`${repositoryDir}/${file}`, 'utf8')));
}

const STATEMENT = /^(?:import|export)\s+(type\s+)?(?:([^'";]*?)\s*from\s+)?['"]([^'"]+)['"]/gm;
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]/g;

/** The import lines of a source text: static, re-exporting and dynamic ones. */
export function importsOf(file: string, source: string): Import[] {
  const found: Import[] = [];
  for (const [, type, names, specifier = ''] of source.matchAll(STATEMENT)) {
    found.push({ from: file, to: resolve(file, specifier), typeOnly: type !== undefined || takesTypesOnly(names) });
  }
  for (const [, specifier = ''] of source.matchAll(DYNAMIC)) {
    found.push({ from: file, to: resolve(file, specifier), typeOnly: false });
  }
  return found;
}

/** `{ type A, type B }`; a default import, a namespace or one plain name makes it more. */
function takesTypesOnly(names: string | undefined): boolean {
  const list = /^\{([^]*)\}$/.exec(names?.trim() ?? '')?.[1];
  const parts = (list ?? '').split(',').filter((part) => part.trim() !== '');
  return parts.length > 0 && parts.every((part) => part.trim().startsWith('type '));
}

function resolve(file: string, specifier: string): string {
  if (specifier.startsWith('#')) return specifier.slice(1);
  return specifier.startsWith('.') ? posix.normalize(posix.join(posix.dirname(file), specifier)) : specifier;
}

/** A cycle between folders as a list of names, the first repeated at the end; undefined when there is none. */
export function findCycle(edges: Iterable<readonly [string, string]>): string[] | undefined {
  const graph = new Map<string, Set<string>>();
  for (const [from, to] of edges) graph.set(from, (graph.get(from) ?? new Set()).add(to));
  const done = new Set<string>();
  const walk = (node: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    done.add(node);
    for (const next of graph.get(node) ?? []) {
      const cycle = walk(next, [...path, node]);
      if (cycle !== undefined) return cycle;
    }
    return undefined;
  };
  for (const node of graph.keys()) {
    const cycle = walk(node, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
