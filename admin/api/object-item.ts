import type { Problem } from '../../gateway/snapshot/problem.ts';
import type { SnapshotUnits } from '../../gateway/snapshot/snapshot.ts';
import type { ObjectFate, ObjectReference, ObjectView } from '../views.ts';
import {
  certificateItems,
  certificateState,
  clusterItems,
  endpointItems,
  isoTime,
  listenerItems,
  problemItems,
  routeItems,
} from './lists.ts';
import type { ObjectItem } from './object-schema.ts';
import type { CertificateItem } from './schemas.ts';

export type ObjectContext = {
  readonly units: SnapshotUnits;
  readonly problems: readonly Problem[];
  readonly now: number;
};

/** One object as the API shows it: with its problems, and with what the workers serve of it. */
export function objectItem(view: ObjectView, { units, problems, now }: ObjectContext): ObjectItem {
  const { object, fate } = view;
  const { kind, namespace, name } = object;
  const own = problems.filter(
    (problem) =>
      problem.object?.kind === kind && problem.object.namespace === namespace && problem.object.name === name,
  );
  return {
    kind,
    namespace,
    name,
    ...(view.apiVersion !== undefined && { apiVersion: view.apiVersion }),
    source: pickPosition(view.position),
    ...(view.createdAt !== undefined && { createdAt: view.createdAt }),
    ...(view.generation !== undefined && { generation: view.generation }),
    ...(view.syncedAt !== undefined && { syncedAt: isoTime(view.syncedAt) }),
    state: fate.state,
    summary: summaryOf(fate),
    ...(fate.since !== undefined && { since: isoTime(fate.since) }),
    ...(fate.acceptedAt !== undefined && { acceptedAt: isoTime(fate.acceptedAt) }),
    ...(fate.lastGood !== undefined && { lastGood: pickPosition(fate.lastGood) }),
    problems: problemItems(own),
    served: servedOf(view, units, now),
    refersTo: view.refersTo.map(pickReference),
    referredBy: view.referredBy.map(pickReference),
  };
}

/** The fate as a sentence. */
function summaryOf({ state, since, acceptedAt }: ObjectFate): string {
  const accepted = acceptedAt === undefined ? '' : `, accepted ${isoTime(acceptedAt)},`;
  const from = since === undefined ? '' : ` since ${isoTime(since)}`;
  const sentences = {
    accepted: `All workers have its newest version, accepted ${isoTime(acceptedAt ?? 0)}.`,
    changing: 'Its newest version is on its way to the workers.',
    quarantined: `Its newest version is not taken${from}; its last good version${accepted} is served.`,
    'not-served': `It is not served${from}: there is no good version of it.`,
    held: `Its source cannot tell what it is now; its last good version${accepted} is served.`,
  } satisfies Record<ObjectFate['state'], string>;
  return sentences[state];
}

function servedOf(
  { object, served, notReady, certificate }: ObjectView,
  units: SnapshotUnits,
  now: number,
): ObjectItem['served'] {
  const part = {
    ...units,
    virtualHosts: pick(units.virtualHosts, served.virtualHosts),
    clusters: pick(units.clusters, served.clusters),
    certificates: pick(units.certificates, served.certificates),
  };
  const listeners = new Set(served.listeners);
  const id = `${object.namespace}/${object.name}`;
  const isOfVirtualService = object.kind === 'VirtualService';
  const certificates = certificateItems(part, now);
  return {
    listeners: listeners.size === 0 ? [] : listenerItems(units).filter(({ key }) => listeners.has(key)),
    hosts: [...new Set(Object.values(part.virtualHosts).map(({ domain }) => domain))].sort(),
    routes: isOfVirtualService
      ? routeItems({ ...part, clusters: units.clusters }).filter(({ virtualService }) => virtualService === id)
      : [],
    clusters: clusterItems(part),
    endpoints: endpointItems(part),
    notReady: notReady.map(({ address, why }) => ({ address, why })),
    certificates:
      certificates.length === 0 && certificate !== undefined ? [unused(id, certificate, now)] : certificates,
  };
}

/** The certificate of a Secret that no Gateway of ours names. */
function unused(key: string, certificate: NonNullable<ObjectView['certificate']>, now: number): CertificateItem {
  const { names, fingerprint, notBefore, notAfter } = certificate;
  return {
    key,
    names: [...names],
    fingerprint,
    notBefore: isoTime(notBefore),
    notAfter: isoTime(notAfter),
    state: certificateState(certificate, now),
    usedBy: [],
  };
}

function pick<T>(from: Readonly<Record<string, T>>, keys: readonly string[]): Readonly<Record<string, T>> {
  return Object.fromEntries(
    keys.flatMap((key) => {
      const unit = from[key];
      return unit === undefined ? [] : [[key, unit]];
    }),
  );
}

function pickReference({ kind, namespace, name, isThere }: ObjectReference): ObjectItem['refersTo'][number] {
  return { kind, namespace, name, isThere };
}

function pickPosition({ file, line, column }: ObjectView['position']): ObjectItem['source'] {
  return { file, line, column };
}
