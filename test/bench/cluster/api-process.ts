/**
 * The cluster of the benchmark: the tests' API server with made-up objects, in a process of its own. Started by
 * `cluster.ts`, with which it talks over IPC; ends when that channel closes.
 */
import { goBehindOthers } from '#gateway/support/priority.ts';
import { ApiServer } from '#test/kit/api-server/api-server.ts';
import { setSessionNiceness } from '../process-tree.ts';
import type { ClusterAnswer, ClusterOrder } from './messages.ts';
import {
  type Addresses,
  type ClusterSize,
  catchAllOf,
  clusterObjects,
  leaderElsewhere,
  podNetwork,
  sliceOf,
} from './objects.ts';

/** Some seconds of a storm: what is remembered for longer only gives the collector work. */
const HISTORY = 5_000;
/** Changes of a storm come together, so many times a second. */
const TICKS_PER_SECOND = 100;

// A cluster is elsewhere: what it costs is not taken from those that are measured.
goBehindOthers(10);
setSessionNiceness(process.pid, 10);

const server = await ApiServer.start({ history: HISTORY });
let size: ClusterSize = { services: 0, podsPerService: 0, hostsPerService: 1, namespaces: 1 };
let addresses: Addresses = podNetwork;
let changes = 0;

process.on('disconnect', () => process.exit(0));
process.on('message', (message) => {
  void answer(message as ClusterOrder).then((reply) => process.send?.(reply));
});

async function answer(order: ClusterOrder): Promise<ClusterAnswer> {
  switch (order.kind) {
    case 'open':
      return open(order.size, order.backendPort);
    case 'change':
      return { at: change(order.index) };
    default:
      return storm(order.perSecond, order.seconds);
  }
}

function open(wanted: ClusterSize, backendPort: number): ClusterAnswer {
  size = wanted;
  addresses = (service, pod) =>
    service === 0 ? { address: `127.0.0.${1 + (pod % 2)}`, port: backendPort } : podNetwork(service, pod);
  for (const object of clusterObjects(size, addresses)) server.apply(object);
  server.apply(catchAllOf(size));
  server.apply(leaderElsewhere());
  return { kubeconfig: server.kubeconfig() };
}

/** One Pod of one service is not ready any more, another is again. Service 0 carries the traffic and stays as it is. */
function change(index: number): number {
  const service = 1 + ((index * 7_919) % (size.services - 1));
  changes += 1;
  server.apply(sliceOf(size, service, { addresses, without: index % size.podsPerService, revision: changes }));
  return performance.timeOrigin + performance.now();
}

async function storm(perSecond: number, seconds: number): Promise<ClusterAnswer> {
  const begun = performance.now();
  const total = perSecond * seconds;
  let made = 0;
  let at = 0;
  while (made < total) {
    const due = Math.min(total, Math.ceil(((performance.now() - begun) * perSecond) / 1_000));
    for (; made < due; made++) at = change(made);
    await new Promise((resolve) => setTimeout(resolve, 1_000 / TICKS_PER_SECOND));
  }
  return { at, changes: made };
}
