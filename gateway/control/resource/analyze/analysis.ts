import type { Problem } from '../../../snapshot/problem.ts';
import type { Change } from '../catalog/bucket-index.ts';
import type { Catalog, CatalogChange } from '../catalog/catalog.ts';
import { ComputedTable } from '../catalog/computed-table.ts';
import type { Reads } from '../catalog/reads.ts';
import type { ResourceKey } from '../resource.ts';
import { CHECKS_TOGETHER, checkResource, isChecked } from './checks.ts';
import { Clock } from './clock.ts';
import { AnalysisMemory } from './memory.ts';
import type { AnalyzeOptions } from './options.ts';
import { ResourceIndex } from './resource-index.ts';

type Findings = readonly Problem[];

/** What was found about an object before and is found now. */
export type FindingsChange = Change<Findings>;

/**
 * One look at all objects after the other: the checks of an object run again only when the object, or what they asked
 * for, has changed. The result is that of looking at everything anew.
 */
export class Analysis {
  readonly #catalog: Catalog;
  readonly #options: AnalyzeOptions;
  readonly #memory = new AnalysisMemory();
  readonly #clock = new Clock();
  readonly #objects = new ComputedTable<Findings>((key, reads) => this.#check(key, reads));
  readonly #together = new ComputedTable<Findings>((name, reads) => CHECKS_TOGETHER[name]?.(this.#index(reads)) ?? []);

  constructor(catalog: Catalog, options: AnalyzeOptions) {
    this.#catalog = catalog;
    this.#options = options;
  }

  /** Takes what changed in the catalog; gives what is found differently now. */
  update({ resources, buckets, revision }: CatalogChange, now: number | undefined): FindingsChange[] {
    const wanted: ResourceKey[] = [];
    const dropped: ResourceKey[] = [];
    for (const { key, before, after } of resources) {
      if (after !== undefined && isChecked(after.kind)) wanted.push(key);
      else if (before !== undefined && isChecked(before.kind)) dropped.push(key);
    }
    const changed = [...buckets, ...this.#clock.advance(now, revision)];
    const names = Object.keys(CHECKS_TOGETHER).filter((name) => !this.#together.values.has(name));
    const changes = [
      ...this.#together.refresh({ wanted: names, changed }).values(),
      ...this.#objects.refresh({ wanted, dropped, changed }).values(),
    ];
    return changes.filter(({ before = [], after = [] }) => before.length + after.length > 0);
  }

  /** Everything that is found now. */
  *findings(): Generator<Problem> {
    for (const found of this.#together.values.values()) yield* found;
    for (const found of this.#objects.values.values()) yield* found;
  }

  #check(key: ResourceKey, reads: Reads): Findings {
    const resource = this.#catalog.get(key);
    return resource === undefined ? [] : checkResource(resource, this.#index(reads));
  }

  #index(reads: Reads): ResourceIndex {
    return new ResourceIndex({
      options: this.#options,
      catalog: this.#catalog.reader(reads),
      memory: this.#memory,
      clock: this.#clock.reader(reads),
    });
  }
}
