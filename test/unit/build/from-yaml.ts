import assert from 'node:assert/strict';
import { type BuildResult, createBuilder, type GatewayIdentity } from '#gateway/control/build/builder.ts';
import { readObject } from '#gateway/control/resource/read-object.ts';
import { type Resource, type ResourceKey, resourceKey } from '#gateway/control/resource/resource.ts';
import { parseYamlDocuments } from '#gateway/control/resource/yaml-documents.ts';

/** The appliance of the tests: the default settings, and three ports of its own. */
export const IDENTITY: GatewayIdentity = {
  namespace: 'istio-system',
  labels: { istio: 'ingressgateway' },
  ports: [
    { gatewayPort: 80, nodePorts: [31380] },
    { gatewayPort: 443, nodePorts: [31390] },
  ],
  reservedPorts: [
    { port: 15000, purpose: 'the admin API' },
    { port: 15021, purpose: 'the health check' },
  ],
  folder: '/etc/mesh-gateway/routes.d',
  connectTimeoutMs: 10_000,
};

/** Reads objects as a folder source does; fails if one of them is not accepted. */
export function resourcesFrom(...texts: readonly string[]): Map<ResourceKey, Resource> {
  const resources = new Map<ResourceKey, Resource>();
  for (const [index, text] of texts.entries()) {
    const { documents, problems } = parseYamlDocuments(text, `test-${index}.yaml`);
    assert.deepEqual(problems, []);
    for (const document of documents) {
      const { resource, problems: found } = readObject(document, { defaultNamespace: 'default', strictness: 'folder' });
      assert.deepEqual(
        found.filter(({ severity, code }) => severity === 'error' && code !== 'MG0204'),
        [],
      );
      if (resource !== undefined) resources.set(resourceKey(resource), resource);
    }
  }
  return resources;
}

/** Builds once from YAML. */
export function buildFrom(texts: string | readonly string[], identity: Partial<GatewayIdentity> = {}): BuildResult {
  const resources = resourcesFrom(...(typeof texts === 'string' ? [texts] : texts));
  return createBuilder().build({ resources, gateway: { ...IDENTITY, ...identity } });
}

/** A Gateway of the default namespace with these servers (YAML list items). */
export function gateway(servers: readonly string[], name = 'gw', metadata = ''): string {
  return `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: ${name}${metadata}}
spec:
  selector: {istio: ingressgateway}
  servers:
${servers.map((server) => `  - ${server}`).join('\n')}
---`;
}

/** A plain HTTP server for a Gateway. */
export function httpServer(hosts: readonly string[], port = 80, more = ''): string {
  return `{port: {number: ${port}, name: http-${port}, protocol: HTTP}, hosts: ${JSON.stringify(hosts)}${more}}`;
}

/** A VirtualService; `http` is YAML in flow style. */
export function virtualService(parts: {
  name?: string;
  metadata?: string;
  hosts: readonly string[];
  gateways?: readonly string[];
  http?: string;
  spec?: string;
}): string {
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${parts.name ?? 'vs'}${parts.metadata ?? ''}}
spec:
  hosts: ${JSON.stringify(parts.hosts)}
  gateways: ${JSON.stringify(parts.gateways ?? ['gw'])}
  ${parts.spec ?? ''}
  http: ${parts.http ?? `[{directResponse: {status: 200}, name: ${parts.name ?? 'vs'}}]`}
---`;
}

/** A Service with one TCP port. */
export function service(name: string, selector: string, ports = '[{port: 80}]', more = ''): string {
  return `
apiVersion: v1
kind: Service
metadata: {name: ${name}${more}}
spec: {selector: ${selector}, ports: ${ports}}
---`;
}

/** A ready Pod. */
export function pod(
  name: string,
  ip: string,
  labels: string,
  container = '{name: app, image: i}',
  ready = 'True',
): string {
  return `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: ${labels}}
spec: {containers: [${container}]}
status: {phase: Running, podIP: ${ip}, conditions: [{type: Ready, status: "${ready}"}]}
---`;
}

/** The problems' codes with their fields: what a table test compares. */
export function codesOf({ problems }: BuildResult): string[] {
  return problems.map(({ severity, code, field }) => `${severity} ${code} ${field ?? ''}`);
}

/** `address:port` of a cluster's endpoints. */
export function endpointsOf({ units }: BuildResult, cluster: string): string[] | undefined {
  return units.clusters[cluster]?.endpoints.map(({ address, port }) => `${address}:${port}`);
}

/** Names of the routes of a virtual host, in order. */
export function routesOf({ units }: BuildResult, virtualHost: string): string[] | undefined {
  return units.virtualHosts[virtualHost]?.routes.map(({ name }) => name);
}
