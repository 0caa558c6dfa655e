import { CLUSTER_DOMAIN, serviceHost } from '../host-names.ts';
import type {
  DestinationRuleResource,
  GatewayResource,
  Resource,
  SecretResource,
  ServiceEntryResource,
  ServiceResource,
  VirtualServiceResource,
} from '../resource.ts';
import { suggestion } from '../suggestion.ts';
import { GatewayHosts, wildcardsOver } from './gateway-hosts.ts';
import { LabelIndex } from './label-index.ts';

/** A suggestion compares with every candidate: for a person's typos, not for ten thousand objects of a part. */
const MAX_SUGGESTIONS = 50;
const MAX_CANDIDATES = 2000;

/** What a destination's host leads to. */
export type Backend =
  | { readonly kind: 'service'; readonly resource: ServiceResource }
  | { readonly kind: 'entry'; readonly resource: ServiceEntryResource };

/** All objects, findable by what the checks ask for, so that the whole costs what the objects are, not their square. */
export class ResourceIndex {
  readonly gateways = new Map<string, GatewayResource>();
  readonly virtualServices: VirtualServiceResource[] = [];
  readonly destinationRules: DestinationRuleResource[] = [];
  readonly secrets = new Map<string, SecretResource>();
  readonly workloads = new LabelIndex();
  readonly #services = new Map<string, ServiceResource>();
  readonly #entries = new Map<string, ServiceEntryResource>();
  readonly #rulesByHost = new Map<string, DestinationRuleResource[]>();
  #suggestionsLeft = MAX_SUGGESTIONS;
  readonly #gatewayHosts = new Map<GatewayResource, GatewayHosts>();

  constructor(resources: Iterable<Resource>) {
    for (const resource of resources) this.#add(resource);
  }

  /** The Service or ServiceEntry behind a destination's full host. */
  backend(host: string): Backend | undefined {
    const service =
      this.#services.get(host) ??
      this.#services.get(`${host}.${CLUSTER_DOMAIN}`) ??
      this.#services.get(`${host}.cluster.local`);
    if (service !== undefined) return { kind: 'service', resource: service };
    for (const pattern of [host, ...wildcardsOver(host)]) {
      const entry = this.#entries.get(pattern);
      if (entry !== undefined) return { kind: 'entry', resource: entry };
    }
    return undefined;
  }

  /** DestinationRules for a host, those for the host itself before wildcards over it. */
  rulesFor(host: string): readonly DestinationRuleResource[] {
    return [host, ...spellings(host), ...wildcardsOver(host)].flatMap(
      (pattern) => this.#rulesByHost.get(pattern) ?? [],
    );
  }

  hostsOf(gateway: GatewayResource): GatewayHosts {
    const known = this.#gatewayHosts.get(gateway) ?? new GatewayHosts(gateway);
    this.#gatewayHosts.set(gateway, known);
    return known;
  }

  /** ` Did you mean "..."?` for a host that nobody answers for. */
  suggestHost(host: string): string {
    return this.#suggest(host, [this.#services.keys(), this.#entries.keys()]);
  }

  /** The same for a Gateway's `namespace/name`. */
  suggestGateway(name: string): string {
    return this.#suggest(name, [this.gateways.keys()]);
  }

  /** The same for a Secret's `namespace/name`. */
  suggestSecret(name: string): string {
    return this.#suggest(name, [this.secrets.keys()]);
  }

  #suggest(name: string, candidates: readonly Iterator<string>[]): string {
    if (this.#suggestionsLeft === 0) return '';
    this.#suggestionsLeft -= 1;
    return suggestion(
      name,
      candidates.flatMap((names) => Iterator.from(names).take(MAX_CANDIDATES).toArray()),
    );
  }

  #add(resource: Resource): void {
    const name = `${resource.namespace}/${resource.name}`;
    switch (resource.kind) {
      case 'Gateway':
        first(this.gateways, name, resource);
        return;
      case 'VirtualService':
        this.virtualServices.push(resource);
        return;
      case 'DestinationRule':
        this.#addRule(resource);
        return;
      case 'ServiceEntry':
        for (const host of resource.spec.hosts) first(this.#entries, host, resource);
        return;
      case 'Service':
        first(this.#services, serviceHost(resource.name, resource.namespace), resource);
        return;
      case 'Secret':
        first(this.secrets, name, resource);
        return;
      case 'Pod':
        this.workloads.add(resource);
        return;
      case 'WorkloadEntry':
        this.workloads.add({ namespace: resource.namespace, labels: { ...resource.spec.labels, ...resource.labels } });
        return;
      default:
        return;
    }
  }

  #addRule(rule: DestinationRuleResource): void {
    this.destinationRules.push(rule);
    const known = this.#rulesByHost.get(rule.spec.host);
    if (known === undefined) this.#rulesByHost.set(rule.spec.host, [rule]);
    else known.push(rule);
  }
}

/** An object that is defined twice counts as the folder source counts it: the first one. */
function first<V>(map: Map<string, V>, key: string, value: V): void {
  if (!map.has(key)) map.set(key, value);
}

/** `name.ns` and `name.ns.svc` mean the same service as its full host. */
function spellings(host: string): readonly string[] {
  if (!host.endsWith(`.${CLUSTER_DOMAIN}`)) return [];
  const name = host.slice(0, -CLUSTER_DOMAIN.length - 1);
  return [name, `${name}.svc`];
}
