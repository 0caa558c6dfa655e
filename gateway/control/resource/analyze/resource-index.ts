import type { CatalogReader } from '../catalog/catalog.ts';
import { selectPods, selectWorkloadEntries } from '../catalog/select.ts';
import { CLUSTER_DOMAIN } from '../host-names.ts';
import type {
  DestinationRuleResource,
  GatewayResource,
  KubernetesGatewayResource,
  Labels,
  SecretResource,
  ServiceEntryResource,
  ServiceResource,
  TargetedResource,
} from '../resource.ts';
import type { ClockReader } from './clock.ts';
import { type GatewayHosts, wildcardsOver } from './gateway-hosts.ts';
import type { AnalysisMemory } from './memory.ts';
import type { AnalyzeOptions } from './options.ts';

/** What a destination's host leads to. */
export type Backend =
  | { readonly kind: 'service'; readonly resource: ServiceResource }
  | { readonly kind: 'entry'; readonly resource: ServiceEntryResource };

/**
 * All objects, findable by what the checks ask for. Made for one run of the checks of one object: every question is
 * noted, and the checks run again when an answer has changed. So a check must learn everything that it needs from its
 * own object and from here, and should ask for single names rather than for all objects of a kind.
 */
export class ResourceIndex {
  readonly options: AnalyzeOptions;
  readonly #catalog: CatalogReader;
  readonly #memory: AnalysisMemory;
  readonly #clock: ClockReader;

  constructor(parts: {
    options: AnalyzeOptions;
    catalog: CatalogReader;
    memory: AnalysisMemory;
    clock: ClockReader;
  }) {
    this.options = parts.options;
    this.#catalog = parts.catalog;
    this.#memory = parts.memory;
    this.#clock = parts.clock;
  }

  /** By `namespace/name`. */
  gateway(name: string): GatewayResource | undefined {
    return this.#catalog.gateway(...split(name));
  }

  /** All of them: for the few checks that compare Gateways with each other. */
  gateways(): readonly GatewayResource[] {
    return this.#catalog.gateways();
  }

  /** By `namespace/name`. */
  secret(name: string): SecretResource | undefined {
    return this.#catalog.secret(...split(name));
  }

  /** A Gateway of the Gateway API, by `namespace/name`. */
  kubernetesGateway(name: string): KubernetesGatewayResource | undefined {
    return this.#catalog.kubernetesGateway(...split(name));
  }

  /** Everything that says which workloads it is for: for the one check of the settings' own list. */
  targeted(): readonly TargetedResource[] {
    return this.#catalog.targeted();
  }

  /** The Service or ServiceEntry behind a destination's full host. */
  backend(host: string): Backend | undefined {
    const service =
      this.#catalog.service(host) ??
      this.#catalog.service(`${host}.${CLUSTER_DOMAIN}`) ??
      this.#catalog.service(`${host}.cluster.local`);
    if (service !== undefined) return { kind: 'service', resource: service };
    for (const pattern of [host, ...wildcardsOver(host)]) {
      const [entry] = this.#catalog.serviceEntries(pattern);
      if (entry !== undefined) return { kind: 'entry', resource: entry };
    }
    return undefined;
  }

  /** DestinationRules for a host, those for the host itself before wildcards over it. */
  rulesFor(host: string): readonly DestinationRuleResource[] {
    return [host, ...spellings(host), ...wildcardsOver(host)].flatMap((pattern) =>
      this.#catalog.destinationRules(pattern),
    );
  }

  /** True when some Pod or WorkloadEntry of the namespace carries all labels of both (at least one label). */
  hasWorkload(namespace: string, selector: Labels, labels: Labels): boolean {
    const wanted = { ...selector, ...labels };
    // A label cannot have two values.
    if (Object.entries(selector).some(([name, value]) => wanted[name] !== value)) return false;
    return (
      selectPods(namespace, wanted, this.#catalog).length > 0 ||
      selectWorkloadEntries(namespace, wanted, this.#catalog).length > 0
    );
  }

  hostsOf(gateway: GatewayResource): GatewayHosts {
    return this.#memory.hostsOf(gateway);
  }

  /** True after that moment (milliseconds since the epoch); false where nobody told what time it is. */
  isAfter(time: number): boolean {
    return this.#clock.isAfter(time);
  }

  /** True before that moment; false where nobody told what time it is. */
  isBefore(time: number): boolean {
    return this.#clock.isBefore(time);
  }

  /** ` Did you mean "..."?` for a host that nobody answers for. */
  suggestHost(host: string): string {
    const services = this.#catalog.services();
    const entries = this.#catalog.allServiceEntries();
    return this.#memory.suggest(host, [services, entries], this.options);
  }

  /** The same for a Gateway's `namespace/name`. */
  suggestGateway(name: string): string {
    return this.#memory.suggest(name, [this.#catalog.gateways()], this.options);
  }

  /** The same for a Secret's `namespace/name`. */
  suggestSecret(name: string): string {
    return this.#memory.suggest(name, [this.#catalog.secrets()], this.options);
  }
}

function split(name: string): [namespace: string, name: string] {
  const slash = name.indexOf('/');
  return [name.slice(0, slash), name.slice(slash + 1)];
}

/** `name.ns` and `name.ns.svc` mean the same service as its full host. */
function spellings(host: string): readonly string[] {
  if (!host.endsWith(`.${CLUSTER_DOMAIN}`)) return [];
  const name = host.slice(0, -CLUSTER_DOMAIN.length - 1);
  return [name, `${name}.svc`];
}
