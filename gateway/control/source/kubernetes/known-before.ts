import type { ResourceKey } from '../../resource/resource.ts';
import { CLUSTER_FILE, type KnownObject } from '../source.ts';
import type { WatchedKind } from './watched-kinds.ts';

/** What is known from before a restart, by who will judge it. */
export type KnownBefore = {
  /** The first lists of a kind say what of it is still there. */
  readonly byKind: ReadonlyMap<WatchedKind, ReadonlySet<ResourceKey>>;
  /** Of kinds that are not watched, or of another source (a folder): nobody's. */
  readonly strangers: ReadonlySet<ResourceKey>;
};

/** Sorts what is known by the kinds that are watched now; two groups may have a kind of one name. */
export function sortKnown(known: readonly KnownObject[], kinds: readonly WatchedKind[]): KnownBefore {
  const byName = new Map(kinds.map((kind) => [`${kind.group}/${kind.kind}`, kind]));
  const byKind = new Map<WatchedKind, Set<ResourceKey>>();
  const strangers = new Set<ResourceKey>();
  for (const { key, file } of known) {
    const [name = ''] = key.split('/');
    const kind = file.startsWith(CLUSTER_FILE) ? byName.get(`${groupIn(file)}/${name}`) : undefined;
    if (kind === undefined) strangers.add(key);
    else byKind.set(kind, (byKind.get(kind) ?? new Set()).add(key));
  }
  return { byKind, strangers };
}

/** Of `cluster:/apis/GROUP/VERSION/...`; everything else is of the core group. */
function groupIn(file: string): string {
  const [root, group = ''] = file.slice(CLUSTER_FILE.length + 1).split('/', 2);
  return root === 'apis' ? group : '';
}
