/**
 * What the admin API takes and gives, as JSON schemas: they validate requests, are published in the OpenAPI
 * document, and give the types of the items. A schema with a `title` is a named component there.
 */
import { type Static, Type } from 'typebox';

export const strict = { additionalProperties: false } as const;
export const text = (description?: string) => Type.String(description === undefined ? {} : { description });
export const count = (description?: string) =>
  Type.Integer(description === undefined ? { minimum: 0 } : { minimum: 0, description });
export const moment = (description?: string) =>
  Type.String({ format: 'date-time', ...(description === undefined ? {} : { description }) });
/** A list, together with the snapshot version it shows. */
const listOf = <T extends Type.TSchema>(item: T, title: string) =>
  Type.Object(
    { version: count('Snapshot version served by all workers; 0 before the first.'), items: Type.Array(item) },
    { ...strict, title },
  );

export const errorSchema = Type.Object(
  {
    error: Type.Object(
      {
        code: text('Stable code to switch on.'),
        message: text('What is wrong and what to do.'),
        details: Type.Optional(Type.Unknown({ description: 'Facts that belong to the code.' })),
      },
      strict,
    ),
  },
  { ...strict, title: 'Error' },
);

const sourceKind = {
  kind: text(),
  group: text(),
  state: text('unknown, absent, listing, watching, failing, refused or held.'),
  objects: count(),
  lastSyncAt: Type.Optional(moment('When what is known of it was last known to be the truth.')),
  lists: count('How often all objects were listed.'),
  watches: count('How often a watch was opened.'),
  failures: count('Requests that failed.'),
};
const sourceKindSchema = Type.Object(sourceKind, strict);

const kindSchema = Type.Object(
  {
    ...sourceKind,
    lagSeconds: Type.Optional(count('For how long it has not been known as it is; 0 while it is watched.')),
  },
  { ...strict, title: 'Kind' },
);
export type KindItem = Static<typeof kindSchema>;
export const kindsSchema = listOf(kindSchema, 'KindList');

export const statusSchema = Type.Object(
  {
    name: Type.Literal('mesh-gateway'),
    programVersion: text(),
    nodeVersion: text('Version of Node.js.'),
    node: text('Host name of the node.'),
    leader: Type.Optional(text('Of several appliances of a cluster the one that writes conditions and events.')),
    ready: Type.Boolean(),
    reasons: Type.Array(Type.String(), { description: 'Why it is not ready.' }),
    startedAt: moment(),
    version: Type.Object(
      {
        served: count('Snapshot version that all workers serve.'),
        published: count('Newest snapshot version handed out.'),
        publishedAt: Type.Optional(moment()),
      },
      strict,
    ),
    source: Type.Object(
      {
        kind: text(),
        location: text(),
        synced: Type.Boolean(),
        objects: count('Objects accepted.'),
        trouble: Type.Optional(text('What keeps the source from being known as it is now.')),
        held: Type.Optional(text('Set when a sudden emptiness of the source is held and not obeyed.')),
        server: Type.Optional(text('The API server that answered last.')),
        lastAnswerAt: Type.Optional(moment()),
        kinds: Type.Optional(Type.Array(sourceKindSchema)),
      },
      strict,
    ),
    counts: Type.Object(
      {
        listeners: count(),
        virtualHosts: count(),
        routes: count(),
        clusters: count(),
        endpoints: count(),
        certificates: count(),
      },
      strict,
    ),
    problems: Type.Object({ error: count(), warning: count(), info: count() }, strict),
    workers: Type.Object({ total: count(), serving: count(), connections: count() }, strict),
  },
  { ...strict, title: 'Status' },
);
export type StatusItem = Static<typeof statusSchema>;

export const listenerSchema = Type.Object(
  {
    key: text(),
    protocol: Type.Union([Type.Literal('HTTP'), Type.Literal('HTTPS')]),
    gatewayPort: count('Port of the Gateway server.'),
    nodePorts: Type.Array(count(), { description: 'TCP ports on this node.' }),
    virtualHosts: count('Host names it serves.'),
    tls: Type.Array(
      Type.Object(
        {
          key: text(),
          hosts: Type.Array(Type.String()),
          certificate: text('Key of the certificate.'),
          minVersion: text(),
          maxVersion: text(),
        },
        strict,
      ),
    ),
  },
  { ...strict, title: 'Listener' },
);
export type ListenerItem = Static<typeof listenerSchema>;
export const listenersSchema = listOf(listenerSchema, 'ListenerList');

export const routeSchema = Type.Object(
  {
    listener: text(),
    host: text('Exact name, *.suffix or *.'),
    key: text(),
    name: text('Name of the rule, or default.'),
    virtualService: text('namespace/name.'),
    matches: Type.Array(Type.String(), { description: 'Alternatives in words; none means every request.' }),
    action: Type.Union([
      Type.Literal('forward'),
      Type.Literal('redirect'),
      Type.Literal('direct-response'),
      Type.Literal('https-redirect'),
      Type.Literal('denied'),
    ]),
    destinations: Type.Array(
      Type.Object(
        {
          cluster: text(),
          host: text(),
          subset: Type.Optional(text()),
          port: count(),
          weight: count(),
          percent: Type.Number({ description: 'Share of the traffic of this rule, 0 to 100.' }),
        },
        strict,
      ),
    ),
    timeoutMs: Type.Optional(count()),
    answer: Type.Optional(text('What a redirect or direct response says, in words.')),
  },
  { ...strict, title: 'Route' },
);
export type RouteItem = Static<typeof routeSchema>;
export const routesSchema = listOf(routeSchema, 'RouteList');

export const clusterSchema = Type.Object(
  {
    key: text(),
    host: text(),
    port: count(),
    subset: Type.Optional(text()),
    namespace: text(),
    service: text(),
    resolution: text(),
    balancer: text(),
    connectTimeoutMs: count(),
    endpoints: count('Ready endpoints; none means 503.'),
  },
  { ...strict, title: 'Cluster' },
);
export type ClusterItem = Static<typeof clusterSchema>;
export const clustersSchema = listOf(clusterSchema, 'ClusterList');

export const endpointSchema = Type.Object(
  {
    cluster: text(),
    address: text(),
    port: count(),
    weight: count(),
    priority: Type.Optional(count('Taken only for want of endpoints with a lower one; absent: 0.')),
    locality: Type.Optional(text('Where traffic is shared out by locality.')),
  },
  { ...strict, title: 'Endpoint' },
);
export type EndpointItem = Static<typeof endpointSchema>;
export const endpointsSchema = listOf(endpointSchema, 'EndpointList');

export const certificateSchema = Type.Object(
  {
    key: text('namespace/secret, or the file.'),
    names: Type.Array(Type.String()),
    fingerprint: text('SHA-256 of the leaf, hex.'),
    notBefore: moment(),
    notAfter: moment(),
    state: Type.Union([
      Type.Literal('valid'),
      Type.Literal('expires-soon'),
      Type.Literal('expired'),
      Type.Literal('not-yet-valid'),
    ]),
    usedBy: Type.Array(Type.String(), { description: 'TLS servers that present it.' }),
  },
  { ...strict, title: 'Certificate' },
);
export type CertificateItem = Static<typeof certificateSchema>;
export const certificatesSchema = listOf(certificateSchema, 'CertificateList');

export const positionSchema = Type.Object(
  { file: text(), line: Type.Integer({ minimum: 1 }), column: Type.Integer({ minimum: 1 }) },
  strict,
);

export const problemSchema = Type.Object(
  {
    severity: Type.Union([Type.Literal('error'), Type.Literal('warning'), Type.Literal('info')]),
    code: text(),
    message: text(),
    object: Type.Optional(Type.Object({ kind: text(), namespace: text(), name: text() }, strict)),
    field: Type.Optional(text('Path inside the object.')),
    position: Type.Optional(positionSchema),
  },
  { ...strict, title: 'Problem' },
);
export type ProblemItem = Static<typeof problemSchema>;
export const problemsSchema = listOf(problemSchema, 'ProblemList');

const workerSchema = Type.Object(
  {
    index: count(),
    pid: count(),
    state: Type.Union([Type.Literal('starting'), Type.Literal('serving'), Type.Literal('draining')]),
    version: count('Snapshot version it serves.'),
    connections: count(),
    startedAt: moment(),
    restarts: count('How often the worker of this index was replaced.'),
  },
  { ...strict, title: 'Worker' },
);
export type WorkerItem = Static<typeof workerSchema>;
export const workersSchema = listOf(workerSchema, 'WorkerList');

const nodeSchema = Type.Object(
  {
    node: text(),
    state: Type.Union(
      [
        Type.Literal('here'),
        Type.Literal('same'),
        Type.Literal('changing'),
        Type.Literal('drifted'),
        Type.Literal('incomparable'),
        Type.Literal('stopped'),
        Type.Literal('silent'),
      ],
      { description: 'Compared with the node that answers: what it serves, or that it is not heard of.' },
    ),
    leader: Type.Boolean({ description: 'Writes conditions and events onto the objects.' }),
    programVersion: text(),
    snapshotHash: text('SHA-256 over all units that its workers serve; empty before the first.'),
    servedVersion: count('Counted by each node for itself.'),
    objects: count('Objects accepted.'),
    resourceVersion: Type.Optional(text('Newest revision of the cluster that it has seen in an object.')),
    locality: Type.Optional(text('region/zone/subzone; absent: nobody has said where it stands.')),
    startedAt: text(),
    lastSeenAt: moment(),
  },
  { ...strict, title: 'Node' },
);
export type NodeItem = Static<typeof nodeSchema>;
export const nodesSchema = listOf(nodeSchema, 'NodeList');

const trafficRouteSchema = Type.Object(
  {
    route: text('What a shift names the rule by: its name, or its index.'),
    index: count(),
    name: Type.Optional(text()),
    destinations: Type.Array(
      Type.Object(
        {
          key: text('What a weight is keyed by.'),
          host: text(),
          subset: Type.Optional(text()),
          port: Type.Optional(count()),
          weight: count(),
        },
        strict,
      ),
    ),
  },
  { ...strict, title: 'TrafficRoute' },
);

export const trafficSchema = Type.Object(
  {
    namespace: text(),
    virtualService: text(),
    source: Type.Optional(text('File the object comes from, or cluster: and the path of the API.')),
    etag: text('Entity tag for If-Match.'),
    version: count('Snapshot version in which it is served.'),
    routes: Type.Array(trafficRouteSchema),
    warnings: Type.Array(text(), { description: 'What to know before a shift.' }),
  },
  { ...strict, title: 'Traffic' },
);
export type TrafficItem = Static<typeof trafficSchema>;

/** Istio's weights are int32. */
export const MAX_WEIGHT = 2_147_483_647;
const weight = Type.Integer({ minimum: 0, maximum: MAX_WEIGHT });

export const shiftSchema = Type.Object(
  {
    route: Type.Optional(
      Type.Union([Type.String({ minLength: 1, maxLength: 253 }), Type.Integer({ minimum: 0, maximum: 100_000 })], {
        description: 'Name or index of the rule; needed when several rules split.',
      }),
    ),
    weights: Type.Record(Type.String({ pattern: '^.+$' }), weight, {
      ...strict,
      minProperties: 1,
      maxProperties: 1_000,
      description:
        'The whole vector: subset (host/subset[:port] where ambiguous, host where there is none) -> relative weight.',
    }),
    reason: Type.Optional(Type.String({ maxLength: 1_000, description: 'Why, for the log and the history.' })),
  },
  { ...strict, title: 'Shift' },
);
export type ShiftBody = Static<typeof shiftSchema>;

const weights = Type.Record(Type.String(), count());
export const shiftResultSchema = Type.Object(
  {
    namespace: text(),
    virtualService: text(),
    route: text(),
    before: weights,
    weights,
    changed: Type.Boolean({ description: 'False when the weights were so already.' }),
    etag: text(),
    version: count('Snapshot version that serves them.'),
    node: text('Host name of the node that serves them.'),
    workers: Type.Array(count(), { description: 'Workers that confirmed.' }),
    source: Type.Optional(text('File that was edited, or cluster: and the path of the API.')),
    warnings: Type.Array(text(), { description: 'What to know: who may put back the old weights.' }),
  },
  { ...strict, title: 'ShiftResult' },
);
export type ShiftResultItem = Static<typeof shiftResultSchema>;
