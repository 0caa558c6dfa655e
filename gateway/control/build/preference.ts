import type { Backend } from '../resource/catalog/services.ts';
import type { TrafficPreference } from '../resource/core/service.ts';
import { annotatedPreference } from '../resource/core/traffic-preference.ts';
import type { TrafficPolicy } from '../resource/istio/destination-rule.ts';
import type { LocalityPolicy } from '../resource/istio/locality-policy.ts';

/** By what near endpoints are told from far ones. */
export type Preference =
  | { readonly kind: 'shares'; readonly distribute: LocalityPolicy['distribute'] }
  | { readonly kind: 'region'; readonly failover: LocalityPolicy['failover'] }
  | { readonly kind: 'labels'; readonly labels: readonly string[]; readonly failover: LocalityPolicy['failover'] }
  /** What Kubernetes has written beside the endpoints, and what counts where that cannot be used. */
  | { readonly kind: 'hints'; readonly otherwise: TrafficPreference | undefined };

/** Both spellings of the annotation by which a Service asks for hints. */
const HINTED = ['service.kubernetes.io/topology-mode', 'service.kubernetes.io/topology-aware-hints'] as const;

/** Istio's, on Services and ServiceEntries; the Service's own field wins. */
const DISTRIBUTION = 'networking.istio.io/traffic-distribution';

/**
 * What the objects ask for: the DestinationRule alone if it says anything of it, then the Service, then Istio's default,
 * which prefers near endpoints wherever outlierDetection is written. Undefined: all endpoints are alike.
 */
export function preferenceOf(policy: TrafficPolicy, backend: Backend): Preference | undefined {
  const { locality } = policy;
  if (locality === undefined)
    return ofBackend(backend) ?? (policy.outlierDetection && { kind: 'region', failover: [] });
  if (!locality.enabled) return undefined;
  const { distribute, failover, failoverPriority } = locality;
  if (distribute.length > 0) return { kind: 'shares', distribute };
  if (!policy.outlierDetection) return undefined;
  return failoverPriority.length > 0
    ? { kind: 'labels', labels: failoverPriority, failover }
    : { kind: 'region', failover };
}

function ofBackend({ kind, resource }: Backend): Preference | undefined {
  const { annotations } = resource;
  const written = annotatedPreference(annotations[DISTRIBUTION] ?? '');
  if (kind === 'entry') return written && { kind: 'hints', otherwise: written };
  const otherwise = resource.spec.prefers ?? written;
  const asked = HINTED.some((name) => annotations[name]?.toLowerCase() === 'auto');
  return otherwise !== undefined || asked ? { kind: 'hints', otherwise } : undefined;
}
