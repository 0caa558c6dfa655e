// Promises: what an object that this gateway does not enforce means for it: nothing, or something missing, or hosts to close.
// Never: opens a host because of something it cannot read; looks at other objects than the one it judges. Pure.
// Called by: build (which closes the hosts) and the checks (which say so), so that both always agree.

import type { TargetRef } from '../istio/policies.ts';
import { type Labels, type PolicyResource, type ResourceKey, resourceKey, type TargetedResource } from '../resource.ts';

/** The appliance as a workload that objects can select. */
export type Workload = {
  readonly namespace: string;
  /** Whose objects hold for all namespaces. */
  readonly rootNamespace: string;
  readonly labels: Labels;
};

export type Verdict =
  /** It is for other workloads, or asks for nothing. `why` ends a sentence. */
  | { readonly kind: 'unconcerned'; readonly why: string }
  /** Part of what it asks for is missing here, but nothing is open that should be closed. */
  | { readonly kind: 'missing' }
  /** It closes everything, which needs no rules to be enforced. */
  | { readonly kind: 'closes' }
  /** It may refuse requests: until it is enforced, nobody can tell which. */
  | { readonly kind: 'guards' /** Absent: all hosts. */; readonly hosts?: readonly string[] };

/** Judges one object for the appliance. */
export function judge(resource: TargetedResource, workload: Workload): Verdict {
  if (!reaches(resource, workload)) return { kind: 'unconcerned', why: elsewhere(resource, workload) };
  switch (resource.kind) {
    case 'AuthorizationPolicy':
      return authorization(resource);
    case 'RequestAuthentication':
      return resource.spec.rules === 0 ? { kind: 'unconcerned', why: 'it has no rules' } : { kind: 'guards' };
    case 'EnvoyFilter':
      if (resource.spec.patches === 0) return { kind: 'unconcerned', why: 'all its patches are for sidecars' };
      return { kind: resource.spec.guards.length > 0 ? 'guards' : 'missing' };
    case 'WasmPlugin':
    case 'TrafficExtension': {
      const { phase, failStrategy } = resource.spec;
      return { kind: phase === 'STATS' || failStrategy === 'FAIL_OPEN' ? 'missing' : 'guards' };
    }
    case 'Telemetry':
      return resource.spec.sets.length === 0 ? { kind: 'unconcerned', why: 'it sets nothing' } : { kind: 'missing' };
    default:
      return unreachable(resource);
  }
}

/** The hosts that an object closes, with its key: undefined when it closes none, or when people accepted that. */
export function closure(
  resource: PolicyResource,
  workload: Workload,
  accepted: ReadonlySet<ResourceKey>,
): { readonly policy: ResourceKey; readonly hosts?: readonly string[] } | undefined {
  const policy = resourceKey(resource);
  if (accepted.has(policy)) return undefined;
  const verdict = judge(resource, workload);
  if (verdict.kind === 'closes') return { policy };
  if (verdict.kind !== 'guards') return undefined;
  return { policy, ...(verdict.hosts !== undefined && { hosts: verdict.hosts }) };
}

function authorization(resource: Extract<PolicyResource, { kind: 'AuthorizationPolicy' }>): Verdict {
  const { action, matches, hosts } = resource.spec;
  if (resource.annotations['istio.io/dry-run'] === 'true') return { kind: 'missing' };
  switch (action) {
    case 'AUDIT':
      return { kind: 'missing' };
    case 'ALLOW':
      if (matches === 'all') return { kind: 'unconcerned', why: 'it allows every request' };
      return matches === 'none' ? { kind: 'closes' } : { kind: 'guards' };
    case 'DENY':
    case 'CUSTOM':
      if (matches === 'none') return { kind: 'unconcerned', why: 'it has no rules, so it matches nothing' };
      if (matches === 'all' && action === 'DENY') return { kind: 'closes' };
      return { kind: 'guards', ...(hosts !== undefined && { hosts }) };
    default:
      return unreachable(action);
  }
}

/** Of the appliance's own namespace or the root one, and either without selector or with one that it carries. */
function reaches({ namespace, spec }: TargetedResource, { namespace: own, rootNamespace, labels }: Workload): boolean {
  if (namespace !== own && namespace !== rootNamespace) return false;
  if (spec.targetRefs.length > 0) return spec.targetRefs.some(meansIstioGateway);
  return Object.entries(spec.selector ?? {}).every(([name, value]) => labels[name] === value);
}

/** Istio takes only Gateways of the Gateway API here; who names one of Istio's own means a gateway like this one. */
function meansIstioGateway({ group, kind }: TargetRef): boolean {
  return kind === 'Gateway' && group === 'networking.istio.io';
}

function elsewhere({ namespace, spec }: TargetedResource, { namespace: own, rootNamespace }: Workload): string {
  if (spec.targetRefs.length > 0) {
    const names = spec.targetRefs.map(({ kind, name }) => `${kind} ${name}`);
    return `it is bound to ${names.join(', ')}`;
  }
  if (namespace !== own && namespace !== rootNamespace) return `it is for workloads of namespace ${namespace}`;
  const labels = Object.entries(spec.selector ?? {}).map(([name, value]) => `${name}: ${value}`);
  return `it selects workloads with the labels ${labels.join(', ')}`;
}

function unreachable(value: never): never {
  throw new TypeError(`unknown: ${JSON.stringify(value)}`);
}
