/**
 * `node test/bench/cluster/status.ts [virtualServices]`: how long the whole program takes to write a condition onto so
 * many objects that have none, what one freshly applied object waits meanwhile, and what control spends; then the same of
 * many changes a second.
 */
import { parseArgs } from 'node:util';
import type { KubeObject } from '#test/kit/api-server/kube-object.ts';
import { ClusterGateway, MYAPP } from '#test/kit/cluster-gateway.ts';
import { eventually } from '#test/kit/eventually.ts';
import { cpuOf, rolesOf } from '../process-tree.ts';

const APPLIED = 10;
const STORM = { perSecond: 1_000, seconds: 20 } as const;

/** Its holder is dead, so this node leads after a while: whatever is there by then is found, not told. */
const LEASE_OF_ANOTHER: KubeObject = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'mesh-gateway', namespace: 'istio-system' },
  spec: { holderIdentity: 'elsewhere_1', leaseDurationSeconds: 60 },
};

const { positionals } = parseArgs({ allowPositionals: true });
await measure(Number(positionals[0] ?? 10_000));

async function measure(count: number): Promise<void> {
  const cluster = await ClusterGateway.start({ objects: [LEASE_OF_ANOTHER] });
  try {
    for (let i = 0; i < count; i++) {
      cluster.server.apply(virtualService(i));
      if (i % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const writes = (): number =>
      cluster.server.audit.entries({ subresource: 'status', verb: 'patch', code: 200 }).length;
    await eventually(() => writes() > 0, { timeoutMs: 120_000 });
    const [control = 0] = rolesOf(cluster.gateway.pid).control;
    const start = meter(control);
    const waits: number[] = [];
    for (let i = 0; i < APPLIED; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      waits.push(await applyAndWait(cluster, i));
    }
    await eventually(() => writes() >= count + 2, { timeoutMs: 3_600_000 });
    console.log(
      `${count} objects without a condition: ${start()}; ${requests(cluster)}; freshly applied meanwhile: ${waits.map((ms) => ms.toFixed(0)).join(', ')} ms`,
    );
    cluster.server.audit.clear();
    const storm = meter(control);
    await changeMany(cluster, count);
    console.log(
      `${STORM.perSecond} changes/s for ${STORM.seconds} s: ${writes()} conditions written (${requests(cluster)}); ${storm()}`,
    );
    const quiet = meter(control);
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    console.log(`afterwards: ${quiet()}`);
  } finally {
    await cluster.stop();
  }
}

function virtualService(index: number, weight = 50): KubeObject {
  const route = [
    { destination: { host: 'myapp', subset: 'v1' }, weight },
    { destination: { host: 'myapp', subset: 'v2' }, weight: 100 - weight },
  ];
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { namespace: 'default', name: `many-${index}` },
    spec: { hosts: [`many-${index}.example`], gateways: ['app-gateway'], http: [{ route }] },
  };
}

/** Milliseconds until the condition speaks of the new generation. */
async function applyAndWait(cluster: ClusterGateway, index: number): Promise<number> {
  const at = performance.now();
  cluster.setWeights(10 + index, 90 - index);
  const { generation } = (cluster.server.object(MYAPP) as KubeObject).metadata;
  await eventually(
    () => {
      const { conditions = [] } = (cluster.server.object(MYAPP)?.['status'] ?? {}) as {
        conditions?: { type: string; observedGeneration: number }[];
      };
      return conditions.some((one) => one.type === 'mesh-gateway/Accepted' && one.observedGeneration === generation);
    },
    { timeoutMs: 600_000 },
  );
  return performance.now() - at;
}

async function changeMany({ server }: ClusterGateway, count: number): Promise<void> {
  const end = performance.now() + STORM.seconds * 1_000;
  for (let at = performance.now(), i = 0; at < end; at += 10) {
    for (let n = 0; n < STORM.perSecond / 100; n++, i++)
      server.patch(virtualService(i % count), { spec: virtualService(i, i % 100)['spec'] });
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, at + 10 - performance.now())));
  }
}

function requests({ server }: ClusterGateway): string {
  const all = server.audit.entries({ subresource: 'status' });
  const counts = Map.groupBy(all, ({ verb, code }) => `${verb} ${code}`);
  return [...counts].map(([what, { length }]) => `${length} ${what}`).join(', ');
}

/** Time and CPU of a process since now. */
function meter(pid: number): () => string {
  const [at, cpu] = [performance.now(), cpuOf([pid]).totalNs];
  return () => {
    const seconds = (performance.now() - at) / 1_000;
    const busy = (cpuOf([pid]).totalNs - cpu) / 1e9;
    return `${seconds.toFixed(1)} s, control ${busy.toFixed(1)} s of CPU (${((busy / seconds) * 100).toFixed(0)} % of a core)`;
  };
}
