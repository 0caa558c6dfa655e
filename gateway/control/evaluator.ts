import type { Problem } from '../snapshot/problem.ts';
import type { SnapshotUnits } from '../snapshot/snapshot.ts';
import { certificateFiles, createBuilder, type GatewayIdentity } from './build/builder.ts';
import { analyze } from './resource/analyze.ts';
import type { Resource, ResourceKey } from './resource/resource.ts';
import { CertificateFiles } from './source/certificate-files.ts';

/** What objects amount to, seen together. */
export type Evaluated = { readonly units: SnapshotUnits; readonly problems: readonly Problem[] };

/** Validates and builds all objects together. Remembers only to do less the next time. */
export class Evaluator {
  readonly #gateway: GatewayIdentity;
  readonly #builder = createBuilder();
  readonly #files = new CertificateFiles();
  readonly #now: () => number;

  constructor(gateway: GatewayIdentity, now: () => number) {
    this.#gateway = gateway;
    this.#now = now;
  }

  evaluate(resources: ReadonlyMap<ResourceKey, Resource>): Evaluated {
    const files = this.#files.read(certificateFiles(resources.values()));
    const { units, problems } = this.#builder.build({ resources, gateway: this.#gateway, files });
    const found = analyze(resources.values(), {
      gatewayNamespace: this.#gateway.namespace,
      gatewayLabels: this.#gateway.labels,
      scope: 'whole',
      now: this.#now(),
    });
    return { units, problems: [...found, ...problems] };
  }

  /** True when a certificate file was renewed since the last evaluation. */
  needsAnother(): boolean {
    return this.#files.haveChanged();
  }
}
