import type { ApiServer } from '#test/kit/api-server/api-server.ts';
import { istioDefinitions } from '#test/kit/api-server/istio-definitions.ts';
import type { Random } from '../random.ts';
import { anchors, KINDS } from './objects.ts';

/** What disturbances can reach. */
export type Scene = {
  readonly server: ApiServer;
  readonly random: Random;
  /** Writes the watcher's kubeconfig: for this cluster with a new token and the doors in any order, or for another one. */
  readonly lead: (to?: 'another cluster') => void;
  /** Ends the watcher's program and starts it again. */
  readonly restart: () => Promise<void>;
  /** Resolves when the watcher holds what the server holds. */
  readonly caughtUp: () => Promise<void>;
};

const ISTIO = 'networking.istio.io';
const LISTED = KINDS.map(({ resource }) => resource);
const DEFINITION = istioDefinitions().find(({ metadata }) => metadata.name.startsWith('virtualservices.'));

/** Everything that can happen to connections, history, the cluster and the watcher, by name. */
export function disturbances(scene: Scene): Readonly<Record<string, () => unknown>> {
  return {
    ...ofWatches(scene),
    ...ofAnswers(scene),
    ...ofDoors(scene),
    ...ofTheCluster(scene),
    restarts: scene.restart,
  };
}

function ofWatches({ server }: Scene): Record<string, () => unknown> {
  const { faults } = server;
  return {
    'cut watches': () => faults.cutWatches(),
    'ended watches': () => faults.endWatches(),
    'failed watches (410)': () => faults.failWatches(410),
    'failed watches (500)': () => faults.failWatches(500),
    'garbled watches': () => faults.garbleWatches(),
    'old bookmarks': () => faults.garbleWatches(bookmark(Number(server.resourceVersion) - 200)),
    compactions: () => server.compact(),
    'compactions with cut watches': () => {
      faults.cutWatches();
      server.compact();
    },
    'stalled watches': async () => {
      faults.stallWatches();
      await pause(10);
      faults.resumeWatches();
    },
  };
}

function ofAnswers({ server, random }: Scene): Record<string, () => unknown> {
  const { faults } = server;
  const times = 1 + random.below(6);
  const reading = { times, verbs: ['list', 'watch'] };
  const discovering = { times, verbs: ['get'], resources: [''] };
  return {
    'refusals (500)': () => faults.answer(500, { times }),
    'refusals (410)': () => faults.answer(410, reading),
    'refusals (403)': () => faults.answer(403, reading),
    'refusals (429)': () => faults.answer(429, reading),
    'truncated answers': () => faults.add({ kind: 'truncated' }, { times, verbs: ['list'] }),
    'malformed answers': () => faults.add({ kind: 'malformed' }, { times }),
    'late answers': () => faults.add({ kind: 'delay', delayMs: 30 }, { times }),
    'answers that never come': () => faults.add({ kind: 'hang' }, { times: 1, verbs: ['list'], resources: LISTED }),
    'pages of a load balancer': () => faults.add({ kind: 'page' }, { times }),
    'answers of something else': () => faults.add({ kind: 'foreign json' }, { times }),
    'groups that discovery cannot ask': () => faults.add({ kind: 'stale group', group: ISTIO }, discovering),
    'groups that discovery leaves out': () => faults.add({ kind: 'unlisted group', group: ISTIO }, discovering),
  };
}

function ofDoors({ server }: Scene): Record<string, () => unknown> {
  const { faults } = server;
  const away = async (door?: number): Promise<void> => {
    await faults.down(door);
    await pause(20);
    await faults.up(door);
  };
  return {
    'broken connections': () => faults.breakConnections(),
    'one door down': () => away(0),
    'both doors down': () => away(),
  };
}

function ofTheCluster({ server, random, lead, caughtUp }: Scene): Record<string, () => unknown> {
  return {
    'renewed authorities': async () => {
      await server.renewAuthority();
      await pause(random.below(40));
      lead();
    },
    'replaced kubeconfigs': () => lead(),
    'ended tokens': async () => {
      server.expireTokens({ user: 'admin' });
      await pause(random.below(40));
      lead();
    },
    'another cluster': async () => {
      lead('another cluster');
      server.faults.breakConnections();
      await pause(random.below(150));
      lead();
    },
    // Whoever comes back after as much was written as had been undone could not tell (etcdutl's --bump-revision is for that).
    'restored backups': async () => {
      const backup = server.backup();
      for (let count = random.below(20); count > 0; count -= 1) server.apply(...anchors(random.below(100)));
      await pause(random.below(40));
      await server.faults.clear();
      server.restore(backup);
      await caughtUp();
    },
    'definitions gone and back': async () => {
      if (DEFINITION === undefined) throw new Error('there is no definition of VirtualServices');
      server.delete({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', ...DEFINITION });
      await pause(random.below(30));
      server.apply(DEFINITION, ...anchors(0).filter(({ kind }) => kind === 'VirtualService'));
    },
  };
}

function bookmark(version: number): string {
  return `${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: String(version) } } })}\n`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
