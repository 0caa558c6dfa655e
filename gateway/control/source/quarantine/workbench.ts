import type { Problem } from '../../../snapshot/problem.ts';
import type { Resource, ResourceKey } from '../../resource/resource.ts';

/** Where versions are tried out together: it holds the chosen ones, and takes changes back by the opposite change. */
export type Workbench = {
  apply(changes: Iterable<readonly [ResourceKey, Resource | undefined]>): void;
  readonly found: {
    /** Errors that were not there when `accept` was last called. */
    newErrors(): readonly Problem[];
    hasError(problem: Problem): boolean;
  };
  /** What is set now is served. */
  accept(): void;
  /** Clusters that a VirtualService which is set leads to; those of other kinds are none. */
  clustersOf(key: ResourceKey): ReadonlySet<string>;
  /** True for a VirtualService that was set before and would come out the same on the servers that it had then. */
  isFresh(resource: Resource): boolean;
  /** False for a VirtualService that no request of any listener can reach. */
  isReached(key: ResourceKey): boolean;
  /** Undefined when nothing leads to this cluster. */
  hasEndpoints(cluster: string): boolean | undefined;
  /** Clusters that something leads to and that have no endpoint, though they had one when `accept` was last called. */
  emptied(): readonly string[];
};
