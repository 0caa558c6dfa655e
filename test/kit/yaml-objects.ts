/** Objects as people write them, with defaults for all that a test does not care about. */

export function gatewayYaml(name = 'edge'): string {
  return `apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: ${name}
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
}

export function serviceAndPodYaml(name = 'shop'): string {
  const pod = (version: string, ip: string): string => `---
apiVersion: v1
kind: Pod
metadata:
  name: ${name}-${version}
  labels: { app: ${name}, version: ${version} }
status:
  podIP: ${ip}
  conditions:
  - { type: Ready, status: "True" }
`;
  return `apiVersion: v1
kind: Service
metadata:
  name: ${name}
spec:
  selector: { app: ${name} }
  ports:
  - { name: http, port: 80 }
${pod('v1', '192.0.2.1')}${pod('v2', '192.0.2.2')}`;
}

export function destinationRuleYaml(subsets: readonly string[] = ['v1', 'v2'], name = 'shop'): string {
  return `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: ${name}
spec:
  host: ${name}
  subsets:
${subsets.map((subset) => `  - name: ${subset}\n    labels:\n      version: ${subset}\n`).join('')}`;
}

/** A rule that splits over subsets; weights by subset. */
export function virtualServiceYaml(
  weights: Readonly<Record<string, number>> = { v1: 50, v2: 50 },
  { name = 'shop', service = 'shop' }: { readonly name?: string; readonly service?: string } = {},
): string {
  const destination = ([subset, weight]: [string, number]): string => `    - destination:
        host: ${service}
        subset: ${subset}
      weight: ${weight}
`;
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: ${name}
spec:
  hosts:
  - ${name}.example
  gateways:
  - edge
  http:
  - route:
${Object.entries(weights).map(destination).join('')}`;
}
