import type { Problem } from '../../../snapshot/problem.ts';
import type { VirtualServiceResource } from '../resource.ts';
import { problemAbout } from './finding.ts';
import type { ResourceIndex } from './resource-index.ts';

/** A destination whose split among subsets is written for callers inside a mesh: an edge does not pass through it. */
export function checkMeshRules(service: VirtualServiceResource, index: ResourceIndex): Problem[] {
  if (service.spec.gateways.every((name) => name === 'mesh')) return [];
  return service.spec.http.flatMap(({ action, index: rule }) => {
    if (action.kind !== 'forward') return [];
    return action.destinations.flatMap(({ host, writtenHost, subset, index: position }) => {
      const split = subset === undefined ? index.meshRules(host).find((other) => !isSame(other, service)) : undefined;
      if (split === undefined) return [];
      const path = ['spec', 'http', rule, 'route', position, 'destination', 'host'];
      const message = `VirtualService ${split.namespace}/${split.name} chooses among the subsets of ${writtenHost} inside a mesh only: requests from here go to all of its workloads. Name the subsets here to mean the same.`;
      return [problemAbout(service, path, { severity: 'info', code: 'IST0140', message })];
    });
  });
}

function isSame(a: VirtualServiceResource, b: VirtualServiceResource): boolean {
  return a.namespace === b.namespace && a.name === b.name;
}
