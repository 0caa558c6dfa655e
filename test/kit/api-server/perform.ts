import type { IncomingMessage, ServerResponse } from 'node:http';
import { invalid, methodNotAllowed, noSuchResource, success, successDetails } from './api-status.ts';
import { apply } from './apply-request.ts';
import { mediaTypeOf } from './body.ts';
import type { Target } from './cluster-state.ts';
import type { KubeObject } from './kube-object.ts';
import { listPage } from './list.ts';
import { APPLY, patched } from './patch/patch.ts';
import { type TableOptions, tableOf, wantedTable } from './printed-table.ts';
import { admitted, kindOf, managerOf, optionsOf, type Performer, type ResourceRequest } from './resource-request.ts';
import { requestToken, review } from './reviews.ts';
import { hasStatus } from './strategy.ts';
import { Watcher } from './watch.ts';
import { listBytes, sendBytes, sendEntry, sendJson } from './wire.ts';
import type { WriteOptions } from './writes.ts';

/** Does what a request asks and answers it; refusals are thrown. */
export function perform(performer: Performer, asked: ResourceRequest): void {
  checkSubresource(asked.target);
  if (asked.target.subresource === undefined && !asked.target.type.verbs.includes(asked.verb)) throw methodNotAllowed();
  switch (asked.verb) {
    case 'get':
      return get(performer, asked);
    case 'list':
      return list(performer, asked);
    case 'watch':
      return watch(performer, asked);
    case 'create':
      return create(performer, asked);
    case 'update':
      return update(performer, asked);
    case 'patch':
      return patch(performer, asked);
    case 'delete':
      return remove(performer, asked);
    case 'deletecollection':
      return removeAll(performer, asked);
  }
}

function checkSubresource({ type, version, subresource }: Target): void {
  if (subresource === undefined || (subresource === 'status' && hasStatus(type, version))) return;
  if (!type.subresources.includes(subresource)) throw noSuchResource();
}

function get({ writes }: Performer, { target, query, request, response }: ResourceRequest): void {
  const entry = writes.existing(target);
  const table = tableOptions(request, query);
  if (table === undefined) return sendEntry(response, 200, target.type, target.version, entry);
  const { resourceVersion = '' } = entry.object.metadata;
  sendJson(response, 200, tableOf(target.type, target.version, [entry], { resourceVersion }, table));
}

function list({ state }: Performer, { target, query, request, response, faults }: ResourceRequest): void {
  const page = listPage(state, target, query);
  const empty = faults.some(({ kind }) => kind === 'empty');
  const entries = empty ? [] : page.entries;
  const meta = empty ? { resourceVersion: page.meta.resourceVersion } : page.meta;
  const table = tableOptions(request, query);
  const body =
    table === undefined
      ? listBytes(target.type, target.version, meta, entries)
      : Buffer.from(JSON.stringify(tableOf(target.type, target.version, entries, meta, table)));
  if (faults.some(({ kind }) => kind === 'malformed')) sendBytes(response, 200, half(body));
  else if (faults.some(({ kind }) => kind === 'truncated')) breakOff(response, body);
  else sendBytes(response, 200, body);
}

function watch(performer: Performer, { target, query, request, response, faults }: ResourceRequest): void {
  const { state, watchers } = performer;
  if (query.has('sendInitialEvents'))
    throw invalid({ ...target.type, group: 'meta.k8s.io', kind: 'ListOptions' }, '', [
      {
        reason: 'FieldValueForbidden',
        message: 'Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled',
        field: 'sendInitialEvents',
      },
    ]);
  const watcher = new Watcher(watchers, state, target, query, response, tableOptions(request, query));
  if (performer.faults.stalled) watcher.stall();
  watcher.start(query);
  if (faults.some(({ kind }) => kind === 'malformed')) watcher.garble('{"type":"ADDED","object":{"metadata\n');
  if (faults.some(({ kind }) => kind === 'truncated')) watcher.cut();
}

function create(performer: Performer, asked: ResourceRequest): void {
  const { target, query, response, body, user } = asked;
  if (target.subresource === 'token')
    return sendJson(response, 201, requestToken({ ...performer, user }, target, body));
  if (target.name !== undefined) throw methodNotAllowed();
  const object = admitted(performer, target, query, response, body);
  const answer = review({ ...performer, user }, target, object);
  if (answer !== undefined) return sendJson(response, 201, answer);
  const entry = performer.writes.create(target, object, writeOptions(performer, asked));
  sendEntry(response, 201, target.type, target.version, entry);
}

function update(performer: Performer, asked: ResourceRequest): void {
  const { target, query, response, body } = asked;
  const object = admitted(performer, target, query, response, body);
  const entry = performer.writes.replace(target, object, writeOptions(performer, asked));
  sendEntry(response, 200, target.type, target.version, entry);
}

function patch(performer: Performer, asked: ResourceRequest): void {
  const { target, query, request, response, body } = asked;
  const { type, version } = target;
  const contentType = mediaTypeOf(request);
  if (contentType === APPLY) return apply(performer, asked);
  const change = (old: KubeObject) => {
    const result = patched(type, { ...old, ...kindOf(target) }, contentType, body);
    return admitted(performer, target, query, response, result);
  };
  sendEntry(response, 200, type, version, performer.writes.update(target, change, writeOptions(performer, asked)));
}

function remove({ writes }: Performer, { target, query, response, body }: ResourceRequest): void {
  const { entry, gone } = writes.remove(target, body, optionsOf(query, body));
  if (!gone) return sendEntry(response, 200, target.type, target.version, entry);
  const { name, uid = '' } = entry.object.metadata;
  sendJson(response, 200, success(successDetails(target.type, name, uid)));
}

function removeAll({ state, writes }: Performer, { target, query, response, body }: ResourceRequest): void {
  const { meta, entries } = listPage(state, target, query);
  for (const { object } of entries) {
    const { name, namespace } = object.metadata;
    writes.remove({ ...target, name, namespace }, body, optionsOf(query, body));
  }
  sendBytes(response, 200, listBytes(target.type, target.version, meta, entries));
}

function tableOptions(request: IncomingMessage, query: URLSearchParams): TableOptions | undefined {
  const version = wantedTable(request.headers.accept);
  return version === undefined
    ? undefined
    : { version, includeObject: query.get('includeObject') ?? 'Metadata', heads: 'all' };
}

function writeOptions({ state }: Performer, { target, query, request }: ResourceRequest): WriteOptions {
  const { dryRun } = optionsOf(query);
  return state.features.serverSideApply ? { dryRun, manager: managerOf(target, query, request, 'Update') } : { dryRun };
}

function half(body: Buffer): Buffer {
  return body.subarray(0, body.length >> 1);
}

/** Promises the whole body, sends half of it and resets. */
function breakOff(response: ServerResponse, body: Buffer): void {
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': String(body.length) });
  response.write(half(body), () => response.destroy());
}
