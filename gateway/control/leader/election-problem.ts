import type { Problem } from '../../snapshot/problem.ts';
import type { ElectionTrouble } from './election.ts';

/** What people can do about it; nothing while an API server merely does not answer, of which the source tells. */
export function electionProblem(trouble: ElectionTrouble | undefined, namespace: string): Problem | undefined {
  if (trouble === undefined || trouble.kind === 'unreachable') return undefined;
  const why =
    trouble.kind === 'no-leases'
      ? 'The API server has no Leases (coordination.k8s.io, from Kubernetes 1.12 on)'
      : `The API server does not let this node take part in choosing a leader by a Lease in namespace ${namespace}: ${trouble.message.replace(/\.$/, '')}`;
  const remedy = trouble.kind === 'no-leases' ? '' : ' Apply config/cluster, which has the rights.';
  return {
    severity: 'warning',
    code: 'MG1401',
    message: `${why}. So no node writes conditions and events onto the objects, as only a leader may; traffic is not affected, and \`mesh-gateway get problems\` tells the same.${remedy}`,
  };
}
