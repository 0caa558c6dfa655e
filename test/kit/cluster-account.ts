import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from './api-server/kube-object.ts';
import type { TestCluster } from './cluster.ts';

const FOLDER = fileURLToPath(new URL('../../config/cluster', import.meta.url));
const execute = promisify(execFile);

/**
 * What an operator does once a cluster: config/cluster applied (for the gateway of this namespace instead of istio-system),
 * and a kubeconfig printed by kubeconfig.sh. Returns the path of that kubeconfig.
 */
export async function prepareAccount(cluster: TestCluster, namespace: string): Promise<string> {
  // Cluster roles have no namespace, and the cluster may have those of a real gateway.
  const role = `${namespace}-${randomBytes(2).toString('hex')}`;
  cluster.afterwards(() => cluster.kubectl(['delete', 'clusterrole,clusterrolebinding', role, '--ignore-not-found']));
  const items = ['account.yaml', 'permissions.yaml'].flatMap((file) => objectsOf(file, namespace));
  for (const object of items) if (object.kind?.startsWith('ClusterRole')) rename(object, role);
  await cluster.run(['apply', '-f', '-'], { stdin: { apiVersion: 'v1', kind: 'List', items } });
  const { stdout } = await execute(path.join(FOLDER, 'kubeconfig.sh'), ['--namespace', namespace], {
    env: cluster.environment(),
  });
  const kubeconfig = path.join(cluster.folder, `${namespace}.kubeconfig`);
  writeFileSync(kubeconfig, stdout, { mode: 0o600 });
  return kubeconfig;
}

function objectsOf(file: string, namespace: string): KubeObject[] {
  const text = readFileSync(path.join(FOLDER, file), 'utf8').replaceAll('istio-system', namespace);
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);
}

function rename(object: KubeObject, role: string): void {
  object.metadata.name = role;
  if (object.kind === 'ClusterRoleBinding') object['roleRef'] = { ...(object['roleRef'] as object), name: role };
}
