import type { FastifyInstance } from 'fastify';
import type { TSchema } from 'typebox';
import type { SnapshotUnits } from '../../gateway/snapshot/snapshot.ts';
import {
  certificateItems,
  clusterItems,
  emptyUnits,
  endpointItems,
  kindItems,
  listenerItems,
  nodeItems,
  problemItems,
  routeItems,
  workerItems,
} from '../api/lists.ts';
import {
  certificatesSchema,
  clustersSchema,
  endpointsSchema,
  kindsSchema,
  listenersSchema,
  nodesSchema,
  problemsSchema,
  routesSchema,
  workersSchema,
} from '../api/schemas.ts';
import type { AdminBackend } from '../views.ts';

/** The plain lists: what the workers serve, who they are, and what is wrong. */
export function registerLists(app: FastifyInstance, backend: AdminBackend): void {
  const list = (name: string, summary: string, schema: TSchema, items: (units: SnapshotUnits) => unknown[]): void => {
    app.get(`/api/v1/${name}`, { schema: { summary, response: { 200: schema } } }, () => {
      const snapshot = backend.snapshot();
      return { version: snapshot?.version ?? 0, items: items(snapshot ?? emptyUnits) };
    });
  };
  list('listeners', 'Listening ports and their TLS servers', listenersSchema, listenerItems);
  list('routes', 'Rules of every host, in the order in which they are tried', routesSchema, routeItems);
  list('clusters', 'Destinations and their policies', clustersSchema, clusterItems);
  list('endpoints', 'Addresses behind every destination', endpointsSchema, endpointItems);
  list('certificates', 'Certificates, without their keys', certificatesSchema, (units) =>
    certificateItems(units, Date.now()),
  );
  list('problems', 'What is wrong with the objects and how to mend it, errors first', problemsSchema, () =>
    problemItems(backend.problems()),
  );
  list('workers', 'Worker processes', workersSchema, () => workerItems(backend.workers()));
  list('kinds', 'Kinds of objects of the cluster, and how they are known', kindsSchema, () =>
    kindItems(backend.status().source.kinds ?? [], Date.now()),
  );
  list('nodes', 'Appliances of the cluster, and whether they serve the same', nodesSchema, () =>
    nodeItems(backend.nodes()),
  );
}
