import { type Backend, startBackend } from './backend.ts';
import { freePorts } from './ports.ts';

/** The owner's example for tests: one file per object kind, two pods that answer with their version. */
export type MyApp = {
  readonly routes: Readonly<Record<string, string>>;
  readonly close: () => Promise<void>;
  readonly backends: readonly [Backend, Backend];
};

/** Starts v1 on 127.0.0.2 and v2 on 127.0.0.3, and describes them as a Service with two Pods. */
export async function startMyApp(): Promise<MyApp> {
  const [port = 0] = await freePorts(1);
  const backends = [
    await startBackend('v1', { address: '127.0.0.2', port }),
    await startBackend('v2', { address: '127.0.0.3', port }),
  ] as const;
  return {
    routes: {
      'gateway.yaml': gatewayYaml,
      'destination-rule.yaml': destinationRuleYaml,
      'virtual-service.yaml': virtualServiceYaml(50, 50),
      'service.yaml': serviceYaml('myapp', port),
      'pods.yaml': [podYaml('myapp', 'v1', '127.0.0.2', port), podYaml('myapp', 'v2', '127.0.0.3', port)].join('---\n'),
    },
    backends,
    close: async () => {
      await Promise.all(backends.map((backend) => backend.close()));
    },
  };
}

export const gatewayYaml = `apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: app-gateway
spec:
  selector:
    istio: ingressgateway
  servers:
  - port:
      number: 80
      name: http
      protocol: HTTP
    hosts:
    - "*"
`;

const destinationRuleYaml = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: myapp
spec:
  host: myapp
  subsets:
  - name: v1
    labels:
      version: v1
  - name: v2
    labels:
      version: v2
`;

/** The example's VirtualService with the given weights. */
export function virtualServiceYaml(v1: number, v2: number): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: myapp
spec:
  hosts:
  - "*"
  gateways:
  - app-gateway
  http:
  - route:
    - destination:
        host: myapp
        subset: v1
      weight: ${v1}
    - destination:
        host: myapp
        subset: v2
      weight: ${v2}
`;
}

export function serviceYaml(name: string, port: number): string {
  return `apiVersion: v1
kind: Service
metadata:
  name: ${name}
spec:
  ports:
  - port: 80
    targetPort: ${port}
    name: http
  selector:
    app: ${name}
`;
}

export function podYaml(app: string, version: string, address: string, port: number): string {
  return `apiVersion: v1
kind: Pod
metadata:
  name: ${app}-${version}
  labels:
    app: ${app}
    version: ${version}
spec:
  containers:
  - name: ${app}
    ports:
    - containerPort: ${port}
status:
  podIP: ${address}
  conditions:
  - type: Ready
    status: "True"
`;
}
