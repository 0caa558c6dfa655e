import type { KubeObject } from '#test/kit/api-server/kube-object.ts';

export const VIRTUAL_SERVICES = '/apis/networking.istio.io/v1/namespaces/default/virtualservices';

/** A VirtualService of one route. */
export function aVirtualService(
  name: string,
  options: { weight?: number; labels?: Record<string, string> } = {},
): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name, ...(options.labels === undefined ? {} : { labels: options.labels }) },
    spec: {
      hosts: [`${name}.example`],
      http: [{ route: [{ destination: { host: name }, weight: options.weight ?? 100 }] }],
    },
  };
}

export function aConfigMap(
  name: string,
  data: Record<string, string> = {},
  labels: Record<string, string> = {},
): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data };
}
