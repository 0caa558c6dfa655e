import type { ServerResponse } from 'node:http';
import { type ApiStatus, NoSuchPath } from './api-status.ts';
import { apiVersionOf, type ResourceType } from './resource-type.ts';
import type { Change, Entry } from './table.ts';

const JSON_TYPE = 'application/json';
const NEWLINE = Buffer.from('\n');
const beginnings = new WeakMap<ResourceType, Map<string, Buffer>>();

/** `{"apiVersion":...,"kind":...,`: what goes before an entry's `rest`. */
export function beginningOf(type: ResourceType, version: string): Buffer {
  let byVersion = beginnings.get(type);
  if (byVersion === undefined) beginnings.set(type, (byVersion = new Map<string, Buffer>()));
  let beginning = byVersion.get(version);
  if (beginning === undefined) {
    const text = JSON.stringify({ apiVersion: apiVersionOf(type, version), kind: type.kind });
    byVersion.set(version, (beginning = Buffer.from(`${text.slice(0, -1)},`)));
  }
  return beginning;
}

/** One object as JSON, in the asked version. */
export function entryBytes(type: ResourceType, version: string, entry: Entry): Buffer {
  return Buffer.concat([beginningOf(type, version), entry.rest]);
}

/** One line of a watch. */
export function watchLine(kind: Change['type'], type: ResourceType, version: string, entry: Entry): Buffer {
  return Buffer.concat([
    Buffer.from(`{"type":"${kind}","object":`),
    beginningOf(type, version),
    entry.rest,
    Buffer.from('}\n'),
  ]);
}

/** The line of a change as it happened, made once for all watchers of a version. */
export function changeLine(change: Change, type: ResourceType, version: string): Buffer {
  let line = change.lines.get(version);
  if (line === undefined) change.lines.set(version, (line = watchLine(change.type, type, version, change.entry)));
  return line;
}

export type ListMeta = {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
};

/** A whole list, by putting prepared pieces one after the other. Items of built-in kinds carry no kind, as in Kubernetes. */
export function listBytes(type: ResourceType, version: string, meta: ListMeta, entries: readonly Entry[]): Buffer {
  const metadata = type.custom ? { continue: '', ...meta } : meta;
  const head = JSON.stringify({ kind: type.listKind, apiVersion: apiVersionOf(type, version), metadata });
  const beginning = type.custom ? beginningOf(type, version) : Buffer.from('{');
  const comma = Buffer.from(',');
  const pieces: Buffer[] = [Buffer.from(`${head.slice(0, -1)},"items":[`)];
  entries.forEach((entry, index) => {
    if (index > 0) pieces.push(comma);
    pieces.push(beginning, entry.rest);
  });
  pieces.push(Buffer.from(']}\n'));
  return Buffer.concat(pieces);
}

export function sendBytes(
  response: ServerResponse,
  code: number,
  body: Buffer,
  headers: Record<string, string> = {},
): void {
  response.writeHead(code, {
    'Content-Type': JSON_TYPE,
    'Cache-Control': 'no-cache, private',
    'Content-Length': String(body.length),
    ...headers,
  });
  response.end(body);
}

export function sendJson(
  response: ServerResponse,
  code: number,
  value: unknown,
  headers?: Record<string, string>,
): void {
  sendBytes(response, code, Buffer.concat([Buffer.from(JSON.stringify(value)), NEWLINE]), headers);
}

export function sendEntry(
  response: ServerResponse,
  code: number,
  type: ResourceType,
  version: string,
  entry: Entry,
): void {
  sendBytes(response, code, Buffer.concat([entryBytes(type, version, entry), NEWLINE]));
}

/** Answers a refusal, with Retry-After when its Status says when to come back. */
export function sendFailure(response: ServerResponse, failure: ApiStatus | NoSuchPath): void {
  if (failure instanceof NoSuchPath) {
    if (failure.status !== undefined) return sendJson(response, 404, failure.status);
    response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' });
    response.end(`${failure.message}\n`);
    return;
  }
  const { status } = failure;
  const seconds = status.details?.retryAfterSeconds;
  sendJson(response, status.code ?? 500, status, seconds === undefined ? {} : { 'Retry-After': String(seconds) });
}
