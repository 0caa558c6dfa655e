import type { Problem } from '../snapshot/problem.ts';
import type { SnapshotUnits } from '../snapshot/snapshot.ts';
import { certificateFiles, type GatewayIdentity, IncrementalBuild } from './build/builder.ts';
import type { AnalyzeOptions } from './resource/analyze/options.ts';
import { Analysis } from './resource/analyze.ts';
import { Catalog, type CatalogChange } from './resource/catalog/catalog.ts';
import type { Resource, ResourceKey } from './resource/resource.ts';
import { CertificateFiles } from './source/certificate-files.ts';

/** What objects amount to, seen together. */
export type Evaluated = { readonly units: SnapshotUnits; readonly problems: readonly Problem[] };

/** Validates and builds all objects together. Remembers only to do less the next time. */
export class Evaluator {
  readonly #catalog = new Catalog();
  readonly #build: IncrementalBuild;
  readonly #analysis: Analysis;
  readonly #files = new CertificateFiles();
  readonly #now: () => number;

  constructor(gateway: GatewayIdentity, now: () => number) {
    this.#build = new IncrementalBuild(gateway, this.#catalog);
    this.#analysis = new Analysis(this.#catalog, {
      gatewayNamespace: gateway.namespace,
      gatewayLabels: gateway.labels,
      acceptUnenforced: gateway.acceptUnenforced ?? [],
      nodePorts: ownPorts(gateway),
      scope: 'whole',
    });
    this.#now = now;
  }

  evaluate(resources: ReadonlyMap<ResourceKey, Resource>): Evaluated {
    const change = this.#changeTo(resources);
    const { units } = this.#build.update(change);
    this.#analysis.update(change, this.#now());
    return { units, problems: [...this.#analysis.findings(), ...[...this.#build.problems()].flat()] };
  }

  /** True when a certificate file was renewed since the last evaluation. */
  needsAnother(): boolean {
    return this.#files.haveChanged();
  }

  #changeTo(resources: ReadonlyMap<ResourceKey, Resource>): CatalogChange {
    const gone = [...this.#catalog.keys()].filter((key) => !resources.has(key));
    const change = this.#catalog.update([...resources, ...gone.map((key) => [key, undefined] as const)]);
    const ofFiles = this.#catalog.updateFiles(this.#files.read(certificateFiles(resources.values())));
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
