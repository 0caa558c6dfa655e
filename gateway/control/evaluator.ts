import { isDeepStrictEqual } from 'node:util';
import type { Cluster } from '../snapshot/cluster.ts';
import type { Problem } from '../snapshot/problem.ts';
import type { SnapshotUnits } from '../snapshot/snapshot.ts';
import { UnitTable } from '../snapshot/unit-table.ts';
import { tablesOf } from '../snapshot/units.ts';
import { certificateFiles, type GatewayIdentity, IncrementalBuild } from './build/builder.ts';
import { ownLocality } from './build/nearness.ts';
import { ProblemLedger } from './problem-ledger.ts';
import type { AnalyzeOptions } from './resource/analyze/options.ts';
import { Analysis } from './resource/analyze.ts';
import { Catalog, type CatalogChange } from './resource/catalog/catalog.ts';
import { Reads } from './resource/catalog/reads.ts';
import { formatLocality } from './resource/core/locality.ts';
import type { UnreadPolicy } from './resource/policies/unread.ts';
import type { Resource, ResourceKey } from './resource/resource.ts';
import { CertificateFiles } from './source/certificate-files.ts';

/** Resources to set, or to remove where there is none. */
export type ResourceChanges = Iterable<readonly [ResourceKey, Resource | undefined]>;

/**
 * Validates and builds all objects together, change by change: the result is that of all resources that were set, the
 * cost is that of the change. A change is taken back by the opposite one.
 */
export class Evaluator {
  readonly #gateway: GatewayIdentity;
  readonly #files = new CertificateFiles();
  readonly #now: () => number;
  readonly #found = new ProblemLedger();
  #catalog = new Catalog();
  #build: IncrementalBuild;
  #analysis: Analysis;
  #units: SnapshotUnits;
  #unread: readonly UnreadPolicy[] = [];
  /** Of the last acceptance. */
  #served: UnitTable<Cluster> = UnitTable.empty();
  /** False after an exception of our own code half way: what was worked out before is not trusted. */
  #isSound = true;

  constructor(gateway: GatewayIdentity, now: () => number) {
    this.#gateway = gateway;
    this.#now = now;
    this.#build = new IncrementalBuild(gateway, this.#catalog);
    this.#analysis = this.#newAnalysis();
    // The ports of the settings are listened on without any object.
    this.#units = this.#work(this.#catalog.update([]));
  }

  /** What is to be served for the resources that are set now. Immutable. */
  get units(): SnapshotUnits {
    return this.#units;
  }

  /** What is wrong with them; the same ledger all the time. */
  get found(): Pick<ProblemLedger, 'revision' | 'newErrors' | 'hasError'> & { problems(): Iterable<Problem> } {
    return this.#found;
  }

  /** Where this gateway stands, as `region/zone/subzone`; undefined while nobody has said. */
  get locality(): string | undefined {
    const own = ownLocality(this.#gateway, this.#catalog.reader(new Reads()));
    return own && formatLocality(own);
  }

  apply(changes: ResourceChanges): void {
    if (!this.#isSound) return this.#startOver(changes);
    const change = this.#catalog.update(changes);
    if (change.resources.length === 0) return;
    const concernsFiles = change.resources.some(({ before, after }) => (after ?? before)?.kind === 'Gateway');
    this.#units = this.#work(concernsFiles ? this.#withFiles(change) : change);
  }

  /** What may guard hosts and cannot be read: it closes them. */
  setUnread(unread: readonly UnreadPolicy[]): void {
    if (isDeepStrictEqual(unread, this.#unread)) return;
    this.#unread = unread;
    if (!this.#isSound) return this.#startOver([]);
    this.#units = this.#work(this.#catalog.updateUnread(unread));
  }

  /** What is set now is served: what is found is no news any more. */
  accept(): void {
    this.#found.accept();
    this.#served = tablesOf(this.#units).clusters;
  }

  /** Clusters that a VirtualService which is set leads to; those of other kinds are none. */
  clustersOf(key: ResourceKey): ReadonlySet<string> {
    return this.#build.clustersOf(key);
  }

  /** True for a VirtualService that was set before and would come out the same on the servers that it had then. */
  isFresh(resource: Resource): boolean {
    return resource.kind === 'VirtualService' && this.#build.isFresh(resource);
  }

  /** False for a VirtualService that no request of any listener can reach. */
  isReached(key: ResourceKey): boolean {
    return this.#catalog.get(key)?.kind !== 'VirtualService' || this.#build.isBound(key);
  }

  /** Undefined when nothing leads to this cluster. */
  hasEndpoints(cluster: string): boolean | undefined {
    const endpoints = tablesOf(this.#units).clusters.get(cluster)?.endpoints;
    return endpoints && endpoints.length > 0;
  }

  /** Clusters that something leads to and that have no endpoint, though they had one when `accept` was last called. */
  emptied(): readonly string[] {
    const changes = tablesOf(this.#units).clusters.changesSince(this.#served);
    return changes.flatMap(({ key, before, after }) =>
      after?.endpoints.length === 0 && before !== undefined && before.endpoints.length > 0 ? [key] : [],
    );
  }

  /** Looks at what changes without any object: the files of certificates, and the time. */
  review(): void {
    if (!this.#isSound) return this.#startOver([]);
    this.#units = this.#work(this.#withFiles(this.#catalog.update([])));
  }

  /** True when a certificate file was renewed since it was last read. */
  needsAnother(): boolean {
    return this.#files.haveChanged();
  }

  #work(change: CatalogChange): SnapshotUnits {
    this.#isSound = false;
    const { units, problems } = this.#build.update(change);
    for (const one of problems) this.#found.change(one);
    for (const one of this.#analysis.update(change, this.#now())) this.#found.change(one);
    this.#isSound = true;
    return units;
  }

  /** Works everything out anew. */
  #startOver(changes: ResourceChanges): void {
    const resources = [...this.#catalog.entries()];
    this.#catalog = new Catalog();
    this.#build = new IncrementalBuild(this.#gateway, this.#catalog);
    this.#analysis = this.#newAnalysis();
    this.#catalog.update(resources);
    this.#catalog.updateUnread(this.#unread);
    // Kept even if the rest fails again: it is what the next try begins with.
    this.#catalog.update(changes);
    const change = this.#withFiles({ ...this.#catalog.update([]), resources: this.#catalog.all() });
    const { units } = this.#build.update(change);
    this.#analysis.update(change, this.#now());
    this.#found.replaceAll([...this.#build.problems(), [...this.#analysis.findings()]]);
    this.#units = units;
    this.#isSound = true;
  }

  #newAnalysis(): Analysis {
    const { node, locality } = this.#gateway;
    return new Analysis(this.#catalog, {
      gatewayNamespace: this.#gateway.namespace,
      ...(this.#gateway.rootNamespace !== undefined && { rootNamespace: this.#gateway.rootNamespace }),
      gatewayLabels: this.#gateway.labels,
      acceptUnenforced: this.#gateway.acceptUnenforced ?? [],
      nodePorts: ownPorts(this.#gateway),
      ...(node !== undefined && { place: { node, isSet: locality !== undefined } }),
      scope: 'whole',
    });
  }

  #withFiles(change: CatalogChange): CatalogChange {
    const gateways = this.#catalog.reader(new Reads()).gateways();
    const ofFiles = this.#catalog.updateFiles(this.#files.read(certificateFiles(gateways)));
    return { ...change, buckets: [...change.buckets, ...ofFiles.buckets], revision: ofFiles.revision };
  }
}

/** Every port of the node that is the appliance's. */
function ownPorts({ ports, reservedPorts = [] }: GatewayIdentity): NonNullable<AnalyzeOptions['nodePorts']> {
  const traffic = ports.flatMap(({ nodePorts }) => nodePorts).map((port) => ({ port, purpose: 'a port for traffic' }));
  const own = reservedPorts.map(({ port, purpose }) => ({
    port,
    purpose: `the port of ${purpose.replace(/^the /, '')}`,
  }));
  return [...traffic, ...own];
}
