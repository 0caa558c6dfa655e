import type { Problem } from '../snapshot/problem.ts';
import type { SnapshotUnits } from '../snapshot/snapshot.ts';
import { tablesOf } from '../snapshot/units.ts';
import { isPolicyKey, type ResourceKey } from './resource/resource.ts';
import type { ObjectStore, UsableVersion } from './source/object-store.ts';
import { meanwhile, objectRefOf } from './source/quarantine/notes.ts';
import type { ObjectVersion } from './source/source.ts';

/** A worker's refusal: `unit` is `kind/key` of what it cannot compile. */
export type Refusal = { readonly unit: string; readonly reason: string };

/** What was chosen, see `Quarantine`. */
type Chosen = { pending(): Iterable<UsableVersion>; chosen(key: ResourceKey): UsableVersion | undefined };

/** Remembers the versions that a worker refused, for as long as their source has them. */
export class Rejections {
  readonly #problems = new WeakMap<ObjectVersion, Problem>();

  get(version: ObjectVersion): Problem | undefined {
    return this.#problems.get(version);
  }

  /**
   * Blames a refusal on the versions behind the refused unit, the changed ones first; when they cannot be told, on all
   * changed ones; never on one that may close hosts, since no unit is made of it. False when there is nobody left to blame: the version is then given up until something changes.
   */
  blame(refusal: Refusal, choice: Chosen, units: SnapshotUnits, store: ObjectStore): boolean {
    const changed = [...choice.pending()].filter(
      ({ key, fingerprint }) => !isPolicyKey(key) && store.get(key)?.good?.version.fingerprint !== fingerprint,
    );
    const suspects = suspectsOf(refusal.unit, units);
    const behind = [...suspects].flatMap((key) => choice.chosen(key) ?? []);
    const culprits = [
      changed.filter((version) => suspects.has(version.key)),
      suspects.size === 0 ? changed : [],
      behind,
      changed,
    ].find((some) => some.length > 0);
    for (const version of culprits ?? []) {
      this.#reject(version, refusal, store);
      store.touch(version.key);
    }
    return culprits !== undefined;
  }

  #reject(version: UsableVersion, refusal: Refusal, store: ObjectStore): void {
    const stored = store.get(version.key);
    const isGoodOne = stored?.good?.version.fingerprint === version.fingerprint;
    const problem: Problem = {
      severity: 'error',
      code: 'MG1201',
      message: `A worker cannot serve this: ${refusal.reason} (unit ${refusal.unit}). Correct it. ${isGoodOne ? 'Until then the object is not served.' : meanwhile(stored)}`,
      object: objectRefOf(version.key),
      position: version.position,
    };
    this.#problems.set(version, problem);
    if (isGoodOne && stored?.good !== undefined) this.#problems.set(stored.good.version, problem);
  }
}

/** Objects that a unit is made of, as far as its content tells. */
function suspectsOf(unit: string, units: SnapshotUnits): ReadonlySet<ResourceKey> {
  const slash = unit.indexOf('/');
  const [kind, key] = [unit.slice(0, slash), unit.slice(slash + 1)];
  if (kind === 'certificates') return new Set([`Secret/${key}`]);
  if (kind === 'virtualHosts')
    return new Set(
      tablesOf(units)
        .virtualHosts.get(key)
        ?.routes.map((route) => `VirtualService/${route.virtualService}`),
    );
  return new Set();
}
