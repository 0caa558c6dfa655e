import type { Locality } from '../core/locality.ts';
import type { Labels } from '../resource.ts';

/** A machine outside of Kubernetes: an object of its own, or an entry of `ServiceEntry.spec.endpoints`. */
export type WorkloadEntrySpec = {
  /** IPv4, IPv6 without brackets, or a DNS name. Absent in a DNS ServiceEntry's endpoint: its host is the address. */
  readonly address?: string;
  /** Service port name -> port on this machine; a port that is not named here is the service's target port. */
  readonly ports: Readonly<Record<string, number>>;
  /** `spec.labels` (of the workload); what subsets and selectors look at. */
  readonly labels: Labels;
  /** At least 1; 0 when written as 0: takes no traffic. */
  readonly weight: number;
  readonly locality?: Locality;
};
