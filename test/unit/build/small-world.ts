import fc from 'fast-check';
import { type Resource, type ResourceKey, resourceKey } from '#gateway/control/resource/resource.ts';
import { gateway, httpServer, pod, resourcesFrom, service, virtualService } from './from-yaml.ts';

/** A small world: objects of few names, so that edits touch each other. */
const names = fc.constantFrom('a', 'b', 'c');
const version = fc.constantFrom('v1', 'v2');
const objects: fc.Arbitrary<string> = fc.oneof(
  fc
    .tuple(
      names,
      fc.subarray(['*', '*.example', 'a.example', 'default/b.example'], { minLength: 1 }),
      fc.boolean(),
      fc.constantFrom(80, 443, 8080),
    )
    .map(([name, hosts, redirect, port]) =>
      gateway([httpServer(hosts, port, redirect ? ', tls: {httpsRedirect: true}' : '')], name),
    ),
  fc
    .tuple(
      names,
      fc.subarray(['*', '*.example', 'a.example', 'b.example'], { minLength: 1 }),
      fc.subarray(['a', 'b', 'c'], { minLength: 1 }),
      names,
      fc.option(version),
      fc.constantFrom('', 'match: [{uri: {prefix: /x}}], '),
    )
    .map(([name, hosts, gateways, host, subset, match]) =>
      virtualService({
        name,
        hosts,
        gateways,
        http: `[{${match}route: [{destination: {host: ${host}${subset ? `, subset: ${subset}` : ''}}}]}]`,
      }),
    ),
  fc.tuple(names, names).map(([name, app]) => service(name, `{app: ${app}}`)),
  fc
    .tuple(names, names, version, fc.constantFrom('10.0.0.1', '10.0.0.2'), fc.constantFrom('True', 'False'))
    .map(([name, app, label, ip, ready]) =>
      pod(name, ip, `{app: ${app}, version: ${label}}`, '{name: c, image: i}', ready),
    ),
  fc.tuple(names, names, version, version).map(
    ([name, host, subset, label]) => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${name}}
spec: {host: ${host}, subsets: [{name: ${subset}, labels: {version: ${label}}}]}
---`,
  ),
  fc
    .tuple(
      names,
      names,
      fc.constantFrom('', ', localityLbSetting: {distribute: [{from: east, to: {east: 30, west: 70}}]}'),
    )
    .map(
      ([name, host, setting]) => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${name}}
spec: {host: ${host}, trafficPolicy: {outlierDetection: {}, loadBalancer: {simple: RANDOM${setting}}}}
---`,
    ),
  fc.tuple(names, fc.constantFrom('east', 'west')).map(
    ([name, region]) => `
apiVersion: v1
kind: Node
metadata: {name: ${name}, labels: {topology.kubernetes.io/region: ${region}}}
---`,
  ),
  fc.tuple(names, names, names, fc.constantFrom('10.0.0.1', '10.0.0.3')).map(
    ([name, of, node, ip]) => `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}, labels: {kubernetes.io/service-name: ${of}}}
addressType: IPv4
ports: [{port: 8080}]
endpoints: [{addresses: [${ip}], nodeName: ${node}, conditions: {ready: true}}, {addresses: [10.0.0.7], nodeName: a}]
---`,
  ),
);
const edit = fc.record({ put: fc.array(objects, { maxLength: 4 }), remove: fc.array(fc.nat(30), { maxLength: 2 }) });

/** Some changes one after the other. */
export const edits = fc.array(edit, { minLength: 1, maxLength: 10 });

/** The world after an edit: some objects are removed, by number, and some are put, as YAML. */
export function edited(
  resources: ReadonlyMap<ResourceKey, Resource>,
  put: readonly string[],
  remove: readonly number[],
): Map<ResourceKey, Resource> {
  const next = new Map(resources);
  for (const index of remove) next.delete([...next.keys()][index % Math.max(next.size, 1)] ?? '');
  for (const yaml of put)
    for (const resource of resourcesFrom(yaml).values()) next.set(resourceKey(resource), resource);
  return next;
}
