import type { BalancerPolicy } from '../../../snapshot/cluster.ts';
import type { Labels } from '../resource.ts';
import type { LocalityPolicy } from './locality-policy.ts';

export type DestinationRuleSpec = {
  /** Fully qualified, lower case; may be `*.suffix`. */
  readonly host: string;
  readonly policy: TrafficPolicy;
  readonly subsets: readonly Subset[];
  /** It holds only for workloads of its own namespace that carry these labels; absent: for all. */
  readonly workloadSelector?: Labels;
  /** Namespaces that may use it: names, or `*`; `.` is already resolved. Never empty. */
  readonly exportTo: readonly string[];
};

/** The endpoints of the host that carry all `labels`; its policy's fields win over the rule's. */
export type Subset = { readonly name: string; readonly labels: Labels; readonly policy: TrafficPolicy };

/** What is honoured of `trafficPolicy`; an absent field falls back to the rule, then to the gateway's default. */
export type TrafficPolicy = {
  readonly balancer?: BalancerPolicy;
  readonly connectTimeoutMs?: number;
  readonly locality?: LocalityPolicy;
  /** That it is written: as in Istio, near endpoints are then preferred; what it says is not honoured yet. */
  readonly outlierDetection?: true;
};
