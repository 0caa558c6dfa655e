import { isJsonObject, type JsonObject, type KubeObject } from './kube-object.ts';
import { age, type Column, part } from './printed-cells.ts';
import type { ResourceType } from './resource-type.ts';

const AGE = column('Age', (object) => age(object.metadata.creationTimestamp));

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  Namespace: [column('Status', (object) => part(object, 'status')['phase']), AGE],
  Pod: [
    column('Ready', readyContainers),
    column('Status', (object) => part(object, 'status')['phase']),
    column('Restarts', () => '0'),
    AGE,
  ],
  Service: [
    column('Type', (object) => part(object, 'spec')['type']),
    column('Cluster-IP', (object) => part(object, 'spec')['clusterIP'] ?? '<none>'),
    column('External-IP', () => '<none>'),
    column('Port(s)', servicePorts),
    AGE,
  ],
  Secret: [column('Type', (object) => object['type']), column('Data', dataCount), AGE],
  ConfigMap: [column('Data', dataCount), AGE],
  Deployment: [
    column(
      'Ready',
      (object) => `${count(part(object, 'status')['readyReplicas'])}/${count(part(object, 'spec')['replicas'])}`,
    ),
    column('Up-to-date', (object) => count(part(object, 'status')['updatedReplicas'])),
    column('Available', (object) => count(part(object, 'status')['availableReplicas'])),
    AGE,
  ],
  Event: [
    column('Last Seen', (object) =>
      age(object['lastTimestamp'] ?? object['eventTime'] ?? object.metadata.creationTimestamp),
    ),
    column('Type', (object) => object['type']),
    column('Reason', (object) => object['reason']),
    column('Object', involved),
    column('Message', (object) => object['message'] ?? object['note']),
  ],
  CustomResourceDefinition: [column('Created At', (object) => object.metadata.creationTimestamp)],
};

/** The columns of a built-in kind beside its name; undefined where there are no special ones. */
export function builtInColumns(type: ResourceType): readonly Column[] | undefined {
  return type.custom ? undefined : COLUMNS[type.kind];
}

function column(name: string, cell: (object: KubeObject) => unknown): Column {
  return { name, type: 'string', cell };
}

function readyContainers(object: KubeObject): string {
  const statuses = objects(part(object, 'status')['containerStatuses']);
  const ready = statuses.filter((status) => status['ready'] === true).length;
  return `${ready}/${objects(part(object, 'spec')['containers']).length}`;
}

function servicePorts(object: KubeObject): string {
  const ports = objects(part(object, 'spec')['ports']).map(({ port, nodePort, protocol }) =>
    nodePort === undefined
      ? `${count(port)}/${String(protocol)}`
      : `${count(port)}:${count(nodePort)}/${String(protocol)}`,
  );
  return ports.length === 0 ? '<none>' : ports.join(',');
}

function involved(object: KubeObject): string {
  const { kind = '', name = '' } = { ...part(object, 'involvedObject'), ...part(object, 'regarding') };
  return `${String(kind).toLowerCase()}/${String(name)}`;
}

function dataCount(object: KubeObject): number {
  return Object.keys(part(object, 'data')).length;
}

function count(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
