import type { ObjectRef } from '../../snapshot/problem.ts';
import { CLUSTER_DOMAIN, hostWithin } from '../resource/host-names.ts';
import {
  type DestinationRuleResource,
  type EndpointSliceResource,
  type GatewayResource,
  type Labels,
  type Resource,
  type ResourceKey,
  type ResourceKind,
  resourceKey,
  type ServiceEntryResource,
  type VirtualServiceResource,
} from '../resource/resource.ts';
import type { StoredObject } from '../source/object-store.ts';

/** An object that another one names; `isThere` is false when nobody knows it. */
export type Reference = ObjectRef & { readonly isThere: boolean };

/** All objects, as the store has them. */
export type Objects = { get(key: ResourceKey): StoredObject | undefined; all(): Iterable<StoredObject> };

/** Kinds that may name an object of a kind. */
const NAMED_BY: Readonly<Record<string, readonly ResourceKind[]>> = {
  Gateway: ['VirtualService'],
  DestinationRule: ['VirtualService'],
  Service: ['VirtualService', 'DestinationRule', 'EndpointSlice'],
  ServiceEntry: ['VirtualService', 'DestinationRule'],
  WorkloadEntry: ['Service', 'ServiceEntry'],
  Secret: ['Gateway'],
  ConfigMap: ['Gateway'],
};

/** Which objects name which, worked out for one question. */
export class ObjectGraph {
  readonly #objects: Objects;
  readonly #byKind = new Map<ResourceKind, Resource[]>();
  readonly #entries = new Hosts<ServiceEntryResource>();
  readonly #rules = new Hosts<DestinationRuleResource>();

  constructor(objects: Objects) {
    this.#objects = objects;
    for (const { newest, good } of objects.all()) {
      const resource = good?.version.resource ?? newest?.resource;
      if (resource === undefined || resource.kind === 'Pod') continue;
      const known = this.#byKind.get(resource.kind);
      if (known === undefined) this.#byKind.set(resource.kind, [resource]);
      else known.push(resource);
      if (resource.kind === 'ServiceEntry') for (const host of resource.spec.hosts) this.#entries.add(host, resource);
      if (resource.kind === 'DestinationRule') this.#rules.add(resource.spec.host, resource);
    }
  }

  /** Objects that this one names, each once. */
  refersTo(resource: Resource): Reference[] {
    return distinct(this.#edges(resource));
  }

  /** Objects that name this one, each once. */
  referredBy(object: ObjectRef): Reference[] {
    const key = resourceKey(object);
    const resources = (NAMED_BY[object.kind] ?? []).flatMap((kind) => this.#byKind.get(kind) ?? []);
    const naming = resources.filter((resource) =>
      this.#edges(resource, object.kind).some((edge) => resourceKey(edge) === key),
    );
    return distinct(naming.map(({ kind, namespace, name }) => ({ kind, namespace, name, isThere: true })));
  }

  /** Addresses behind a Service that get no traffic. */
  notReady(resource: Resource): { readonly address: string; readonly why: string }[] {
    if (resource.kind !== 'Service' || resource.spec.publishNotReadyAddresses) return [];
    return this.#slicesOf(resource).flatMap(({ spec }) =>
      spec.endpoints
        .filter(({ ready }) => !ready)
        .flatMap(({ addresses, draining, pod }) =>
          addresses.map((address) => ({
            address,
            why: `${draining ? 'terminating' : 'not ready'}${pod === undefined ? '' : ` (pod ${pod.name})`}`,
          })),
        ),
    );
  }

  /** Certificates of its servers, and what clients' certificates are checked with. */
  #edgesOfGateway({ namespace, spec }: GatewayResource): Reference[] {
    const certificates = spec.servers.flatMap(({ tls }) =>
      tls?.certificate.kind === 'secret' ? [this.#secret(tls.certificate.name, namespace)] : [],
    );
    const authorities = spec.unserved.flatMap(({ clientCa }) => {
      if (clientCa === undefined) return [];
      const inConfigMap = this.#reference('ConfigMap', ...splitName(clientCa.name, namespace));
      return [inConfigMap.isThere ? inConfigMap : this.#secret(clientCa.name, namespace)];
    });
    return [...certificates, ...authorities];
  }

  /** `kind`: only objects of it are asked for; of ten thousand VirtualServices that is quicker. */
  #edges(resource: Resource, kind?: string): Reference[] {
    switch (resource.kind) {
      case 'VirtualService':
        return this.#edgesOfVirtualService(resource, kind);
      case 'Gateway':
        return this.#edgesOfGateway(resource);
      case 'DestinationRule':
        return this.#behind(resource.spec.host);
      case 'ServiceEntry':
        return this.#selected(resource.namespace, resource.spec.workloadSelector);
      case 'Service':
        return this.#selected(resource.namespace, resource.spec.selector);
      case 'EndpointSlice': {
        const { namespace, spec } = resource;
        return spec.service === undefined ? [] : [this.#reference('Service', namespace, spec.service)];
      }
      default:
        return [];
    }
  }

  #edgesOfVirtualService({ namespace, spec }: VirtualServiceResource, kind: string | undefined): Reference[] {
    const found: Reference[] = [];
    if (kind === undefined || kind === 'Gateway')
      for (const name of spec.gateways)
        if (name !== 'mesh') found.push(this.#reference('Gateway', ...splitName(name, namespace)));
    if (kind === 'Gateway') return found;
    const destinations = spec.http.flatMap(({ action }) => (action.kind === 'forward' ? action.destinations : []));
    if (kind !== 'DestinationRule')
      for (const host of new Set(destinations.map(({ host: one }) => one))) found.push(...this.#behind(host));
    if (kind === undefined || kind === 'DestinationRule')
      for (const { host, subset } of destinations)
        for (const rule of subset === undefined ? [] : this.#rules.find(spellings(host)))
          found.push(this.#reference('DestinationRule', rule.namespace, rule.name));
    return found;
  }

  /** The Service or the ServiceEntries that a host stands for. */
  #behind(host: string): Reference[] {
    const service = serviceOf(host);
    if (service !== undefined) {
      const reference = this.#reference('Service', service.namespace, service.name);
      if (reference.isThere || host.endsWith(`.${CLUSTER_DOMAIN}`)) return [reference];
    }
    return this.#entries.find([host]).map(({ namespace, name }) => this.#reference('ServiceEntry', namespace, name));
  }

  /** WorkloadEntries that carry the labels; Pods are too many to be named. */
  #selected(namespace: string, selector: Labels | undefined): Reference[] {
    if (selector === undefined || Object.keys(selector).length === 0) return [];
    const found: Reference[] = [];
    for (const resource of this.#byKind.get('WorkloadEntry') ?? []) {
      if (resource.kind !== 'WorkloadEntry' || resource.namespace !== namespace) continue;
      const labels: Labels = { ...resource.spec.labels, ...resource.labels };
      if (Object.entries(selector).every(([label, value]) => labels[label] === value))
        found.push(this.#reference('WorkloadEntry', namespace, resource.name));
    }
    return found;
  }

  #slicesOf(service: { readonly namespace: string; readonly name: string }): EndpointSliceResource[] {
    return (this.#byKind.get('EndpointSlice') ?? []).filter(
      (one): one is EndpointSliceResource =>
        one.kind === 'EndpointSlice' && one.namespace === service.namespace && one.spec.service === service.name,
    );
  }

  /** In the namespace of the Gateway, unless it is only in another that was read. */
  #secret(name: string, namespace: string): Reference {
    const own = this.#reference('Secret', ...splitName(name, namespace));
    if (own.isThere) return own;
    const elsewhere = this.#byKind.get('Secret')?.find((secret) => secret.name === own.name);
    return elsewhere === undefined ? own : this.#reference('Secret', elsewhere.namespace, own.name);
  }

  #reference(kind: string, namespace: string, name: string): Reference {
    return { kind, namespace, name, isThere: this.#objects.get(resourceKey({ kind, namespace, name })) !== undefined };
  }
}

/** Whether a DestinationRule speaks of this full host, be it by another name or by a wildcard. */
export function isRuleFor({ spec }: DestinationRuleResource, host: string): boolean {
  return spellings(host).some((spelling) => hostWithin(spelling, spec.host));
}

/** A rule may name a Service by `name.ns` or `name.ns.svc`, as a destination may. */
function spellings(host: string): string[] {
  if (!host.endsWith(`.${CLUSTER_DOMAIN}`)) return [host];
  const name = host.slice(0, -CLUSTER_DOMAIN.length - 1);
  return [host, name, `${name}.svc`];
}

/** Resources by host names, of which some are wildcards. */
class Hosts<T> {
  readonly #exact = new Map<string, T[]>();
  readonly #wildcards: { readonly pattern: string; readonly resource: T }[] = [];

  add(host: string, resource: T): void {
    if (host.startsWith('*')) this.#wildcards.push({ pattern: host, resource });
    else this.#exact.set(host, [...(this.#exact.get(host) ?? []), resource]);
  }

  find(hosts: readonly string[]): T[] {
    const wide = this.#wildcards.filter(({ pattern }) => hosts.some((host) => hostWithin(host, pattern)));
    return [...hosts.flatMap((host) => this.#exact.get(host) ?? []), ...wide.map(({ resource }) => resource)];
  }
}

/** `name.ns`, `name.ns.svc` and `name.ns.svc.cluster.local` name a Service. */
function serviceOf(host: string): { readonly name: string; readonly namespace: string } | undefined {
  const [, name, namespace] = /^([^.]+)\.([^.]+)(?:\.svc(?:\.cluster\.local)?)?$/.exec(host) ?? [];
  return name === undefined || namespace === undefined ? undefined : { name, namespace };
}

function splitName(written: string, namespace: string): [namespace: string, name: string] {
  const slash = written.indexOf('/');
  return slash === -1 ? [namespace, written] : [written.slice(0, slash), written.slice(slash + 1)];
}

function distinct(references: readonly Reference[]): Reference[] {
  const byKey = new Map(references.map((one) => [resourceKey(one), one]));
  return [...byKey.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}
