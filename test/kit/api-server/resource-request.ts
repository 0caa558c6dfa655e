import type { IncomingMessage, ServerResponse } from 'node:http';
import { badRequest, invalidOptions } from './api-status.ts';
import type { Target } from './cluster-state.ts';
import type { Fault, Faults } from './faults.ts';
import type { User } from './identity.ts';
import { isJsonObject, type KubeObject } from './kube-object.ts';
import type { Manager } from './patch/managed-fields.ts';
import type { Verb } from './request-target.ts';
import type { ReviewContext } from './reviews.ts';
import { parseBody } from './strategy.ts';
import { admit, type FieldValidation } from './structural-schema.ts';
import type { Watcher } from './watch.ts';
import type { WriteOptions, Writes } from './writes.ts';

/** A request for a resource, ready to be performed. */
export type ResourceRequest = {
  readonly verb: Verb;
  readonly target: Target;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: unknown;
  readonly user: User;
  readonly faults: readonly Fault[];
};

/** What requests are performed with. */
export type Performer = Omit<ReviewContext, 'user'> & {
  readonly writes: Writes;
  readonly watchers: Set<Watcher>;
  readonly faults: Faults;
};

/** The object of a body in the form of its schema; what was dropped on the way is a warning, if the client cares. */
export function admitted(
  { state }: Performer,
  { type, version }: Target,
  query: URLSearchParams,
  response: ServerResponse,
  body: unknown,
): KubeObject {
  const object = parseBody(type, version, body);
  const fieldValidation = fieldValidationOf(query);
  const dropped = admit(type, version, object, { pruning: state.features.pruning, fieldValidation });
  if (fieldValidation !== 'Ignore')
    for (const path of dropped) response.appendHeader('Warning', `299 - "unknown field \\"${path}\\""`);
  return object;
}

function fieldValidationOf(query: URLSearchParams): FieldValidation {
  const asked = query.get('fieldValidation') ?? 'Warn';
  if (asked === 'Strict' || asked === 'Warn' || asked === 'Ignore') return asked;
  throw badRequest(`fieldValidation: Unsupported value: "${asked}": supported values: "", "Ignore", "Strict", "Warn"`);
}

/** Who writes: the named field manager, else the client's program. */
export function managerOf(
  target: Target,
  query: URLSearchParams,
  request: IncomingMessage,
  operation: Manager['operation'],
): Manager {
  const agent = (request.headers['user-agent'] ?? 'unknown').split('/')[0] ?? '';
  const name = query.get('fieldManager') || agent;
  return { name, operation, apiVersion: kindOf(target).apiVersion, subresource: target.subresource };
}

/** The options of a write, from the query or a delete's body. */
export function optionsOf(query: URLSearchParams, body?: unknown): WriteOptions {
  const inBody = isJsonObject(body) && Array.isArray(body['dryRun']) ? body['dryRun'] : [];
  const dryRun = [...query.getAll('dryRun'), ...inBody];
  if (dryRun.some((value) => value !== 'All'))
    throw invalidOptions('CreateOptions', {
      reason: 'FieldValueNotSupported',
      message: `Unsupported value: ${JSON.stringify(dryRun)}: supported values: "All"`,
      field: 'dryRun',
    });
  return { dryRun: dryRun.length > 0 };
}

export function kindOf({ type, version }: Target): { apiVersion: string; kind: string } {
  return { apiVersion: type.group === '' ? version : `${type.group}/${version}`, kind: type.kind };
}
