// Promises: whether a workload accepts only mutual TLS, by Istio's rules: the narrowest object decides, UNSET asks the wider.
// Never: looks at the workload's sidecar (whoever asks must know that there is one). Pure.
// Called by: the checks of destinations.
import { carries } from '../catalog/select.ts';
import type { MutualTlsMode } from '../istio/policies.ts';
import type { Labels, PeerAuthenticationResource } from '../resource.ts';

/** PeerAuthentications that may concern the workloads of one namespace, each list the oldest first. */
export type PeerAuthentications = {
  readonly ofNamespace: readonly PeerAuthenticationResource[];
  readonly ofRoot: readonly PeerAuthenticationResource[];
};

/** The object by which a port of a workload refuses plain connections; undefined when it takes them. */
export function strictFor(
  workload: { readonly labels: Labels; readonly port: number | undefined },
  { ofNamespace, ofRoot }: PeerAuthentications,
): PeerAuthenticationResource | undefined {
  const selecting = ofNamespace.filter(({ spec }) => spec.selector && carries(workload.labels, spec.selector));
  const wide = (all: readonly PeerAuthenticationResource[]) => all.filter(({ spec }) => spec.selector === undefined);
  for (const one of [...selecting.slice(0, 1), ...wide(ofNamespace).slice(0, 1), ...wide(ofRoot).slice(0, 1)]) {
    const mode = modeOf(one, workload.port);
    if (mode !== 'UNSET') return mode === 'STRICT' ? one : undefined;
  }
  return undefined;
}

/** True when some object could make a port strict: only then are workloads worth looking at. */
export function mayBeStrict({ ofNamespace, ofRoot }: PeerAuthentications): boolean {
  return [...ofNamespace, ...ofRoot].some(({ spec }) =>
    [spec.mode, ...Object.values(spec.ports)].some((mode) => mode === 'STRICT'),
  );
}

/** Ports count only together with a selector. */
function modeOf({ spec }: PeerAuthenticationResource, port: number | undefined): MutualTlsMode {
  const own = spec.selector === undefined || port === undefined ? undefined : spec.ports[port];
  return own === undefined || own === 'UNSET' ? spec.mode : own;
}
