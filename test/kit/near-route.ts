import type { KubeObject } from './api-server/kube-object.ts';

/** The VirtualService of near.example: to the Service `near`, whose endpoints a test puts here and there. */
export function nearRoute(): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'near', namespace: 'default' },
    spec: {
      hosts: ['near.example'],
      gateways: ['app-gateway'],
      http: [{ route: [{ destination: { host: 'near' } }] }],
    },
  };
}
