/** A kind as the server serves it. */
export type ServedResource = {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** `virtualservices`: what paths are made of. */
  readonly plural: string;
  readonly namespaced: boolean;
};

/** What of a resource: all, one namespace's, or one object; `subresource` as in `status`. */
export type ResourceScope = {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string;
};

/** `/apis/networking.istio.io/v1/namespaces/default/virtualservices/myapp`. */
export function resourcePath(resource: ServedResource, scope: ResourceScope = {}): string {
  const { group, version, plural, namespaced } = resource;
  const { namespace, name, subresource } = scope;
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const inNamespace = namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  const object = name === undefined ? '' : `/${encodeURIComponent(name)}`;
  return `${root}${inNamespace}/${plural}${object}${subresource === undefined ? '' : `/${subresource}`}`;
}
