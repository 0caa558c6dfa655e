import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '#gateway/control/kubernetes/api-error.ts';
import { folderProblems } from '#gateway/control/source/folder-problems.ts';
import {
  absent,
  held,
  otherCluster,
  unreachable,
  unreadable,
} from '#gateway/control/source/kubernetes/cluster-problems.ts';

const error = (status: number, reason: string): ApiError =>
  new ApiError({ status, reason, message: `it said ${reason}` });
const place = { kind: 'VirtualService', namespace: 'shop', objects: 3 };

test('each fault of a cluster has its code, says what keeps serving and names the way out', () => {
  const table = [
    [unreachable('https://10.0.0.1', error(0, 'Unreachable'), 3), 'error MG1011', /It is tried again/],
    [unreachable('https://10.0.0.1', error(0, 'NoAccess'), 3), 'error MG1015', /Correct it/],
    [unreadable([place], error(401, 'Unauthorized')), 'error MG1012', /renew it/],
    [unreadable([place], error(403, 'Forbidden')), 'error MG1012', /config\/cluster has the role/],
    [unreadable([place], error(500, 'InternalError')), 'error MG1011', /tried again/],
    [held(place), 'error MG1013', /is there again/],
    [otherCluster('https://10.0.0.1', 3), 'error MG1013', /remove the folder `accepted`/],
    [absent(['Gateway'], 3), 'error MG1014', /Install Istio's CRDs/],
  ] as const;
  for (const [{ severity, code, message }, expected, wayOut] of table) {
    assert.equal(`${severity} ${code}`, expected);
    assert.match(message, /the 3 objects that were known keep serving/);
    assert.match(message, wayOut);
  }
});

test('a folder that cannot be watched is looked at all the same, and told', () => {
  const [found, ...others] = folderProblems({
    folder: '/r',
    held: undefined,
    unreadable: new Map(),
    unwatched: 'ENOSPC',
  });
  assert.deepEqual(others, []);
  assert.deepEqual([found?.problem.severity, found?.problem.code], ['warning', 'MG1003']);
  assert.match(found?.problem.message ?? '', /max_user_watches/);
});
