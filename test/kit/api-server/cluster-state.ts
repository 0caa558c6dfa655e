import type { Catalogue } from './catalogue.ts';
import type { ResourceType } from './resource-type.ts';
import type { Store } from './store.ts';

/** What all parts of the server share: one cluster, however many doors lead to it. */
export type ClusterState = {
  readonly store: Store;
  readonly catalogue: Catalogue;
  readonly features: Features;
};

/** What this cluster can do; an old one can do less. */
export type Features = {
  readonly gitVersion: string;
  readonly bookmarks: boolean;
  readonly bookmarkIntervalMs: number;
  readonly serverSideApply: boolean;
  readonly aggregatedDiscovery: boolean;
  readonly openApiV3: boolean;
  /** Whether fields that a structural schema does not know are dropped. */
  readonly pruning: boolean;
};

/** Which resource, and what of it, a request is about. */
export type Target = {
  readonly type: ResourceType;
  readonly version: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
};
