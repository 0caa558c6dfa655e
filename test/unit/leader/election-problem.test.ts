import assert from 'node:assert/strict';
import { test } from 'node:test';
import { electionProblem } from '#gateway/control/leader/election-problem.ts';

test('what keeps nodes from choosing a leader is told with its remedy, a silent API server is not', () => {
  const absent = electionProblem({ kind: 'no-leases' }, 'istio-system');
  assert.equal(absent?.code, 'MG1401');
  assert.match(absent.message, /from Kubernetes 1\.12 on/);
  const refused = electionProblem({ kind: 'refused', message: 'leases is forbidden.' }, 'istio-system');
  assert.match(
    refused?.message ?? '',
    /in namespace istio-system: leases is forbidden\. So no node writes.*Apply config\/cluster/,
  );
  assert.equal(electionProblem({ kind: 'unreachable', message: 'refused' }, 'istio-system'), undefined);
  assert.equal(electionProblem(undefined, 'istio-system'), undefined);
});
