import type { CatalogReader } from '../catalog/catalog.ts';
import { findDestinationRule, type MergedRule } from '../catalog/destination-rules.ts';
import { selectPods, selectWorkloadEntries } from '../catalog/select.ts';
import { type Backend, findBackend, findHidden } from '../catalog/services.ts';
import type { PeerAuthentications } from '../policies/mutual-tls.ts';
import { DEFAULT_ROOT_NAMESPACE } from '../policies/root-namespace.ts';
import type { UnreadPolicy } from '../policies/unread.ts';
import type {
  ConfigMapResource,
  GatewayResource,
  KubernetesGatewayResource,
  Labels,
  NodeResource,
  PodResource,
  PolicyResource,
  SecretResource,
  ServiceEntryResource,
  TargetedResource,
  VirtualServiceResource,
} from '../resource.ts';
import type { ClockReader } from './clock.ts';
import type { GatewayHosts } from './gateway-hosts.ts';
import type { AnalysisMemory } from './memory.ts';
import type { AnalyzeOptions } from './options.ts';

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

  /** Whose objects hold for all namespaces. */
  get rootNamespace(): string {
    return this.options.rootNamespace ?? DEFAULT_ROOT_NAMESPACE;
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

  /** By `namespace/name`. */
  configMap(name: string): ConfigMapResource | undefined {
    return this.#catalog.configMap(...split(name));
  }

  node(name: string): NodeResource | undefined {
    return this.#catalog.node(name);
  }

  /** A Gateway of the Gateway API, by `namespace/name`. */
  kubernetesGateway(name: string): KubernetesGatewayResource | undefined {
    return this.#catalog.kubernetesGateway(...split(name));
  }

  /** Everything that says which workloads it is for: for the one check of the settings' own list. */
  targeted(): readonly TargetedResource[] {
    return this.#catalog.targeted();
  }

  /** Those that may guard hosts, of the namespaces that count for the gateway. */
  policies(): readonly PolicyResource[] {
    const { rootNamespace, options } = this;
    return this.#catalog.policiesFor({ namespace: options.gatewayNamespace, rootNamespace });
  }

  /** What cannot be read and may guard hosts. */
  unreadPolicies(): readonly UnreadPolicy[] {
    return this.#catalog.unreadPolicies();
  }

  /** The Service or ServiceEntry behind a destination's full host, as far as the gateway may use it. */
  backend(host: string): Backend | undefined {
    return findBackend(host, this.#catalog, this.options.gatewayNamespace);
  }

  /** VirtualServices that choose among the subsets of a host for callers inside a mesh. */
  meshRules(host: string): readonly VirtualServiceResource[] {
    return this.#catalog.meshRules(host);
  }

  /** ServiceEntries with exactly this host, whoever may use them. */
  serviceEntries(host: string): readonly ServiceEntryResource[] {
    return this.#catalog.serviceEntries(host);
  }

  /** The same without regard to whom it is exported to. */
  anyBackend(host: string): Backend | undefined {
    return findHidden(host, this.#catalog);
  }

  /** The DestinationRules that count at the gateway for a host whose service is of that namespace, as one. */
  ruleFor(host: string, service: string): MergedRule | undefined {
    const { gatewayNamespace: gateway, gatewayLabels: labels } = this.options;
    return findDestinationRule(host, { gateway, labels, service, root: this.rootNamespace }, this.#catalog);
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

  /** Pods of a namespace that carry all labels of a selector: for the rare check that must look at each. */
  pods(namespace: string, selector: Labels): readonly PodResource[] {
    return selectPods(namespace, selector, this.#catalog);
  }

  /** Those that may concern the workloads of a namespace. */
  peerAuthentications(namespace: string): PeerAuthentications {
    // In the root namespace only those without selector count: they are the mesh's.
    return {
      ofNamespace: namespace === this.rootNamespace ? [] : this.#catalog.peerAuthentications(namespace),
      ofRoot: this.#catalog.peerAuthentications(this.rootNamespace),
    };
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
