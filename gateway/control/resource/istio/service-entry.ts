import type { Labels } from '../resource.ts';
import type { WorkloadEntrySpec } from './workload-entry.ts';

export type ServiceEntrySpec = {
  /** Lower case: exact or `*.suffix`. */
  readonly hosts: readonly string[];
  readonly ports: readonly ServiceEntryPort[];
  readonly location: 'MESH_EXTERNAL' | 'MESH_INTERNAL';
  /** `NONE` has no endpoints to choose from: the edge cannot serve it (a warning says so). DNS_ROUND_ROBIN is read as DNS. */
  readonly resolution: 'STATIC' | 'DNS' | 'NONE';
  readonly endpoints: readonly WorkloadEntrySpec[];
  /** Picks Pods and WorkloadEntries of the same namespace; never together with endpoints. */
  readonly workloadSelector?: Labels;
  readonly exportTo: readonly string[];
};

export type ServiceEntryPort = {
  readonly number: number;
  readonly name: string;
  /** Upper case, as written otherwise. */
  readonly protocol: string;
  readonly targetPort?: number;
};
