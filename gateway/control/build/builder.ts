// Promises: all resources of the gateway as the units of a snapshot, pure, synchronous, in sorted order; what did not
// change is the same object as in the build before. Never reads a file or a clock, never throws for a bad object.
// Called by the controller after every settled change, with all resources that are accepted at that moment.
import { Catalog, type CatalogChange } from '../resource/catalog/catalog.ts';
import type { Resource, ResourceKey } from '../resource/resource.ts';
import type { BuildInput, BuildResult, GatewayIdentity } from './build-input.ts';
import { IncrementalBuild } from './incremental-build.ts';
import { ProblemList } from './problem-list.ts';

export type { BuildResult, GatewayIdentity } from './build-input.ts';
export { certificateFiles } from './certificates.ts';
export { IncrementalBuild } from './incremental-build.ts';

/** A builder remembers the last build, only to do less in the next: the result depends on the input alone. */
export type Builder = {
  /** Units and problems of this input, frozen. */
  build(input: BuildInput): BuildResult;
};

/** Makes a builder from whole inputs; whoever knows what changed keeps a catalog and an {@link IncrementalBuild} instead. */
export function createBuilder(): Builder {
  let builder: WholeBuilder | undefined;
  return {
    build(input) {
      if (builder?.identity !== input.gateway) builder = new WholeBuilder(input.gateway);
      return builder.run(input);
    },
  };
}

class WholeBuilder {
  readonly identity: GatewayIdentity;
  readonly #catalog = new Catalog();
  readonly #incremental: IncrementalBuild;
  readonly #problems = new ProblemList();

  constructor(identity: GatewayIdentity) {
    this.identity = identity;
    this.#incremental = new IncrementalBuild(identity, this.#catalog);
  }

  run({ resources, files = new Map() }: BuildInput): BuildResult {
    const { units } = this.#incremental.update(this.#changeTo(resources, files));
    return Object.freeze({ units, problems: this.#problems.update([...this.#incremental.problems()]) });
  }

  #changeTo(resources: ReadonlyMap<ResourceKey, Resource>, files: ReadonlyMap<string, string>): CatalogChange {
    const gone = [...this.#catalog.keys()].filter((key) => !resources.has(key));
    const change = this.#catalog.update([...resources, ...gone.map((key) => [key, undefined] as const)]);
    const ofFiles = this.#catalog.updateFiles(files);
    return { ...change, buckets: [...change.buckets, ...ofFiles.buckets], revision: ofFiles.revision };
  }
}
