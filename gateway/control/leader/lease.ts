/** A Lease of coordination.k8s.io, as far as it is needed here. */
export type Lease = {
  readonly name: string;
  /** Of the version that was read: an update is refused when it is not the newest. Absent for one that is to be made. */
  readonly resourceVersion?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Absent or empty when nobody holds it. */
  readonly holder?: string;
  readonly durationSeconds: number;
  /** RFC 3339, by the clock of the holder: shown to people, never compared with ours. */
  readonly acquiredAt?: string;
  readonly renewedAt?: string;
  readonly transitions: number;
};

/** What the API server answered, or undefined when that is no Lease. */
export function parseLease(value: unknown): Lease | undefined {
  const { metadata, spec } = record(value);
  const { name, resourceVersion, labels, annotations } = record(metadata);
  const { holderIdentity, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions } = record(spec);
  if (typeof name !== 'string') return undefined;
  return {
    name,
    ...(typeof resourceVersion === 'string' && { resourceVersion }),
    labels: strings(labels),
    annotations: strings(annotations),
    ...(typeof holderIdentity === 'string' && holderIdentity !== '' && { holder: holderIdentity }),
    durationSeconds: typeof leaseDurationSeconds === 'number' ? leaseDurationSeconds : 0,
    ...(typeof acquireTime === 'string' && { acquiredAt: acquireTime }),
    ...(typeof renewTime === 'string' && { renewedAt: renewTime }),
    transitions: typeof leaseTransitions === 'number' ? leaseTransitions : 0,
  };
}

/** The object as the API server takes it. */
export function leaseObject(lease: Lease, place: { readonly apiVersion: string; readonly namespace: string }): object {
  const { name, resourceVersion, labels, annotations, holder, durationSeconds, acquiredAt, renewedAt } = lease;
  return {
    apiVersion: place.apiVersion,
    kind: 'Lease',
    metadata: { name, namespace: place.namespace, labels, annotations, ...(resourceVersion && { resourceVersion }) },
    spec: {
      holderIdentity: holder ?? '',
      leaseDurationSeconds: durationSeconds,
      ...(acquiredAt !== undefined && { acquireTime: acquiredAt }),
      ...(renewedAt !== undefined && { renewTime: renewedAt }),
      leaseTransitions: lease.transitions,
    },
  };
}

/** The form of `MicroTime`: six digits of a second. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function strings(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(record(value)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
