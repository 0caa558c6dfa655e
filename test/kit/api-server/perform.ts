import type { IncomingMessage, ServerResponse } from 'node:http';
import { badRequest, methodNotAllowed, noSuchResource, success, successDetails } from './api-status.ts';
import { mediaTypeOf } from './body.ts';
import type { ClusterState, Target } from './cluster-state.ts';
import { isJsonObject } from './kube-object.ts';
import { listPage } from './list.ts';
import { patched } from './patch/patch.ts';
import type { Verb } from './request-target.ts';
import { hasStatus, parseBody } from './strategy.ts';
import { Watcher } from './watch.ts';
import { listBytes, sendBytes, sendEntry, sendJson } from './wire.ts';
import type { WriteOptions, Writes } from './writes.ts';

/** A request for a resource, ready to be performed. */
export type ResourceRequest = {
  readonly verb: Verb;
  readonly target: Target;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: unknown;
};

export type Performer = {
  readonly state: ClusterState;
  readonly writes: Writes;
  readonly watchers: Set<Watcher>;
};

/** Does what a request asks and answers it; refusals are thrown. */
export function perform(performer: Performer, asked: ResourceRequest): void {
  checkSubresource(asked.target);
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

function get({ writes }: Performer, { target, response }: ResourceRequest): void {
  sendEntry(response, 200, target.type, target.version, writes.existing(target));
}

function list({ state }: Performer, { target, query, response }: ResourceRequest): void {
  const { meta, entries } = listPage(state, target, query);
  sendBytes(response, 200, listBytes(target.type, target.version, meta, entries));
}

function watch({ state, watchers }: Performer, { target, query, response }: ResourceRequest): void {
  if (query.has('sendInitialEvents'))
    throw badRequest('sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled');
  const watcher = new Watcher(state, target, query, response);
  watchers.add(watcher);
  response.once('close', () => watchers.delete(watcher));
  watcher.start(query);
}

function create({ writes }: Performer, { target, query, response, body }: ResourceRequest): void {
  if (target.name !== undefined) throw methodNotAllowed();
  const entry = writes.create(target, parseBody(target.type, target.version, body), optionsOf(query));
  sendEntry(response, 201, target.type, target.version, entry);
}

function update({ writes }: Performer, { target, query, response, body }: ResourceRequest): void {
  const object = parseBody(target.type, target.version, body);
  const entry = writes.replace(target, object, optionsOf(query));
  sendEntry(response, 200, target.type, target.version, entry);
}

function patch({ writes }: Performer, { target, query, request, response, body }: ResourceRequest): void {
  const { type, version } = target;
  const contentType = mediaTypeOf(request);
  const entry = writes.update(
    target,
    (old) => parseBody(type, version, patched({ ...old, ...kindOf(target) }, contentType, body)),
    optionsOf(query),
  );
  sendEntry(response, 200, type, version, entry);
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

function optionsOf(query: URLSearchParams, body?: unknown): WriteOptions {
  const inBody = isJsonObject(body) && Array.isArray(body['dryRun']) ? body['dryRun'] : [];
  const dryRun = [...query.getAll('dryRun'), ...inBody];
  if (dryRun.some((value) => value !== 'All')) throw badRequest('dryRun: Unsupported value: supported values: "All"');
  return { dryRun: dryRun.length > 0 };
}

function kindOf({ type, version }: Target): { apiVersion: string; kind: string } {
  return { apiVersion: type.group === '' ? version : `${type.group}/${version}`, kind: type.kind };
}
