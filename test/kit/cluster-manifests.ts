import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from './api-server/kube-object.ts';
import { repositoryDir } from './import-graph.ts';

const folder = path.join(repositoryDir, 'config/cluster');

export type Rule = {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
};

/** A manifest, with as much as tests read of it. */
export type Manifest = KubeObject & {
  readonly rules?: readonly Rule[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
  readonly spec?: Definition;
};

type Named = { readonly name: string; readonly served: boolean; readonly storage: boolean };
type Definition = {
  readonly names: { readonly kind: string; readonly plural: string };
  readonly versions: readonly (Named & {
    readonly schema?: { readonly openAPIV3Schema: Record<string, unknown> };
    readonly subresources?: object;
  })[];
  readonly subresources?: object;
};

/** The YAML files of config/cluster, by their paths there. */
export function manifestFiles(): string[] {
  return globSync('**/*.yaml', { cwd: folder }).sort();
}

/** The objects of one file; fails on anything that a YAML reader minds. */
export function manifests(file: string): Manifest[] {
  const documents = parseAllDocuments(readFileSync(path.join(folder, file), 'utf8'));
  if (!Array.isArray(documents)) return [];
  return documents.map((document) => {
    const [fault] = [...document.errors, ...document.warnings];
    if (fault !== undefined) throw fault;
    // written by ourselves; the API server of the suites reads it in full
    return document.toJS() as Manifest;
  });
}

/** What `kubectl apply -f config/cluster` sends. */
export function appliedManifests(): Manifest[] {
  return manifestFiles()
    .filter((file) => !file.includes('/'))
    .flatMap(manifests);
}
