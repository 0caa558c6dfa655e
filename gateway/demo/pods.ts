import { parseAllDocuments } from 'yaml';

/** A page to serve: what one Pod of a manifest would be, on an address of this machine. */
export type DemoPod = {
  /** Label `app`, else the Pod's name. */
  readonly app: string;
  /** Label `version`, else empty. */
  readonly version: string;
  readonly address: string;
  readonly port: number;
};

/** The Pods of a manifest that name an address and a container port; everything else in it is passed over. */
export function podsOf(manifest: string): DemoPod[] {
  return parseAllDocuments(manifest).flatMap((document) => {
    const object: unknown = document.toJS();
    if (at(object, 'kind') !== 'Pod') return [];
    const address = at(object, 'status', 'podIP');
    const port = at(object, 'spec', 'containers', 0, 'ports', 0, 'containerPort');
    if (typeof address !== 'string' || typeof port !== 'number') return [];
    const app = textAt(object, 'metadata', 'labels', 'app') ?? textAt(object, 'metadata', 'name') ?? '';
    const version = textAt(object, 'metadata', 'labels', 'version') ?? '';
    return [{ app, version, address, port }];
  });
}

function textAt(object: unknown, ...path: readonly string[]): string | undefined {
  const value = at(object, ...path);
  return typeof value === 'string' ? value : undefined;
}

function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );
}
