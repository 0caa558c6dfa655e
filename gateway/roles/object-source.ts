import path from 'node:path';
import type { KubernetesSourceSettings, Settings } from '#config/settings.ts';
import { ClusterWeights } from '../control/change/cluster-weights.ts';
import { FileWeights } from '../control/change/file-weights.ts';
import { shiftEvent } from '../control/change/shift-event.ts';
import type { WeightWriter } from '../control/change/weight-writer.ts';
import { AccessFile } from '../control/kubernetes/access-file.ts';
import { ApiClient } from '../control/kubernetes/api-client.ts';
import { Discovery } from '../control/kubernetes/discovery.ts';
import { FIELD_MANAGER } from '../control/kubernetes/field-manager.ts';
import { TokenRenewal } from '../control/kubernetes/token-renewal.ts';
import { DirectorySource } from '../control/source/directory.ts';
import { KubernetesSource } from '../control/source/kubernetes/kubernetes-source.ts';
import { watchedGroups, watchedKinds } from '../control/source/kubernetes/watched-kinds.ts';
import type { ObjectStore } from '../control/source/object-store.ts';
import type { ObjectSource, ObjectVersion, PolicyReads, SourceEvent } from '../control/source/source.ts';
import type { Problem } from '../snapshot/problem.ts';
import { realTimers } from '../support/timers.ts';
import type { Logger } from '../telemetry/log.ts';

/** The cluster, for those who do more there than read: one client, one knowledge of what it serves. */
export type Cluster = {
  readonly client: ApiClient;
  readonly discovery: Discovery;
  /** An object of the API server as the source makes a version of it. */
  readonly read: (object: unknown) => ObjectVersion | undefined;
};

/** Where the objects come from, with the hand that writes weights there. */
export type OpenedSource = {
  readonly source: ObjectSource;
  readonly writer: WeightWriter;
  /** Absent where objects come from a folder. */
  readonly cluster?: Cluster;
  /** Ends what the source needed; after `source.close()`. */
  close(): Promise<void>;
};

export type SourceParts = {
  readonly settings: Settings;
  readonly store: ObjectStore;
  /** What was read of kinds that may guard hosts before a restart. */
  readonly policiesRead: PolicyReads;
  /** Takes an event into the store, and everything that follows from it. */
  readonly emit: (event: SourceEvent) => void;
  readonly report: (from: string, problems: readonly Problem[]) => void;
  readonly log: Logger;
};

/** Opens what the settings name as source; nothing is read before `source.start()`. */
export function openSource(parts: SourceParts): OpenedSource {
  const { source } = parts.settings;
  return source.kind === 'folder' ? openFolder(source.path, parts) : openCluster(source, parts);
}

function openFolder(folder: string, { store, emit, log }: SourceParts): OpenedSource {
  const source = new DirectorySource({
    folder,
    known: store.known(),
    emit,
    onDefect: (error) => log.error({ error }, 'the folder could not be looked at; the next rescan tries again'),
  });
  const writer = new FileWeights({
    parsed: (file) => source.parsed(file),
    refresh: (file) => source.refresh(file),
  });
  return { source, writer, close: () => Promise.resolve() };
}

function openCluster(cluster: KubernetesSourceSettings, parts: SourceParts): OpenedSource {
  const { settings, store, emit, log } = parts;
  const { kubeconfig, context, servers, namespaces, endpoints } = cluster;
  const renewal = openRenewal(parts);
  const onExposed = (files: readonly string[]): void => parts.report('access files', files.map(exposedFile));
  const client = new ApiClient(new AccessFile({ kubeconfig, context, servers, renewal, onExposed }));
  const kinds = watchedKinds(endpoints);
  const discovery = new Discovery(client, [...watchedGroups(kinds), 'coordination.k8s.io']);
  const source = new KubernetesSource({
    client,
    discovery,
    kinds,
    namespaces,
    gateway: settings,
    known: store.known(),
    acceptUnenforced: settings.security.acceptUnenforced,
    policiesRead: parts.policiesRead,
    emit: (event) => {
      emit(event);
      if (event.type === 'upsert') writer.noted(event.object.key);
      if (event.type === 'remove') writer.noted(event.key);
    },
    onDefect: (error) => log.error({ error }, 'a part of the cluster could not be read; it is listed anew'),
  });
  const writer = new ClusterWeights({
    api: client,
    objects: store,
    read: (object) => source.read(object),
    onWritten: (target, change) =>
      void leaveTrace(shiftEvent(target, change, { node: settings.node, now: Date.now() }), client, log),
  });
  renewal.start(client);
  return {
    source,
    writer,
    cluster: { client, discovery, read: (object) => source.read(object) },
    close: async () => {
      await renewal.close();
      await client.close();
    },
  };
}

function exposedFile(file: string): Problem {
  const message = `Everybody on this machine may read or change ${file}, which holds a secret of the cluster's account: chmod 600 ${file}. It is in use all the same.`;
  return { severity: 'warning', code: 'MG1016', message, position: { file, line: 1, column: 1 } };
}

/** People see at the object who shifted it and why; the shift itself does not wait for that, nor fail with it. */
async function leaveTrace(event: ReturnType<typeof shiftEvent>, client: ApiClient, log: Logger): Promise<void> {
  if (event === undefined) return;
  try {
    await client.request({ method: 'POST', ...event, query: { fieldManager: FIELD_MANAGER }, timeoutMs: 5_000 });
  } catch (error) {
    log.warn({ error }, 'the event of a shift could not be written');
  }
}

function openRenewal({ settings, report, log }: SourceParts): TokenRenewal {
  return new TokenRenewal({
    file: path.join(settings.stateDir, 'cluster-token.json'),
    timers: realTimers,
    now: Date.now,
    random: Math.random,
    onProblems: (problems) => report('token', problems),
    onRenewed: (expiresAt) => log.info({ expiresAt }, 'the token for the cluster was renewed'),
  });
}
