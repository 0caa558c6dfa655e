// Promises: says what would change if the given objects were applied to a cluster: what is wrong with them, and what they would break.
// Never: writes to the cluster, repeats what is wrong there already with objects that are not given.
// Called by: `mesh-gateway validate --against`.
import type { Problem } from '../snapshot/problem.ts';
import type { GatewayIdentity } from './build/builder.ts';
import { Evaluator } from './evaluator.ts';
import { AccessFile } from './kubernetes/access-file.ts';
import { ApiClient } from './kubernetes/api-client.ts';
import { AccessError } from './kubernetes/cluster-access.ts';
import { distinctProblems } from './problem-board.ts';
import { type ResourceKey, resourceKey } from './resource/resource.ts';
import { type ClusterObjects, readCluster } from './source/kubernetes/cluster-objects.ts';
import { type Given, type Reading, readPaths, type Validation } from './validate-paths.ts';

/** How to reach the cluster. */
export type ClusterLogin = { readonly kubeconfig: string; readonly context?: string | undefined };

/** Validates paths laid over a cluster's objects. Throws an ApiError when the cluster cannot be read. */
export async function validateAgainst(
  paths: readonly string[],
  login: ClusterLogin,
  gateway: GatewayIdentity,
  reading: Reading,
): Promise<Validation> {
  const access = new AccessFile(login);
  const given = await readPaths(paths, { ...reading, namespace: reading.namespace ?? namespaceOf(access) });
  const client = new ApiClient(access);
  try {
    const cluster = await readCluster(client, gateway, given.resources);
    const { objects, files } = given;
    return { objects, files, problems: distinctProblems([...given.problems, ...compare(given, cluster, gateway)]) };
  } finally {
    await client.close();
  }
}

/** As kubectl takes it; access data that cannot be used is told by the first request. */
function namespaceOf(access: AccessFile): string | undefined {
  try {
    return access.current().namespace;
  } catch (error) {
    if (error instanceof AccessError) return undefined;
    throw error;
  }
}

/** Problems of the given objects, and those that the others have only because of them. */
function compare(given: Given, cluster: ClusterObjects, gateway: GatewayIdentity): Problem[] {
  const own = new Set(given.resources.map(resourceKey));
  const evaluator = new Evaluator(gateway, Date.now);
  evaluator.apply(cluster.resources);
  const before = new Set(Iterator.from(evaluator.found.problems()).map(idOf));
  evaluator.apply(given.resources.map((resource) => [resourceKey(resource), resource]));
  evaluator.setUnread(given.unread);
  const told = [...evaluator.found.problems()].filter(
    (problem) => own.has(keyOf(problem)) || !before.has(idOf(problem)),
  );
  const isKnown = (problem: Problem) => !isOfSecret(problem) || !cluster.unread.includes('Secret');
  return [...told.filter(isKnown), ...cluster.unread.map(unreadKind)];
}

/** Whether it is about a Secret that a Gateway names. */
function isOfSecret({ field = '' }: Problem): boolean {
  return /\.tls\.credentialNames?(?:\[\d+\])?$/.test(field);
}

function keyOf({ object }: Problem): ResourceKey {
  return object === undefined ? '' : resourceKey(object);
}

function idOf(problem: Problem): string {
  return [keyOf(problem), problem.code, problem.field, problem.message].join('|');
}

function unreadKind(kind: string): Problem {
  return {
    severity: 'warning',
    code: 'MG1012',
    message: `The account of this kubeconfig may not list objects of kind ${kind}: what they would change is not known here.`,
  };
}
