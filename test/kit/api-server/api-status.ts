import type { ResourceType } from './resource-type.ts';

export type StatusCause = { readonly reason?: string; readonly message?: string; readonly field?: string };

export type StatusDetails = {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
};

/** `v1.Status`, the body of every refusal. */
export type Status = {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: { readonly continue?: string };
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: StatusDetails;
  /** Absent where all went well. */
  readonly code?: number;
};

/** Thrown anywhere while a request is handled; the server answers with its Status. */
export class ApiStatus extends Error {
  readonly status: Status;

  constructor(
    code: number,
    reason: string,
    message: string,
    more: { details?: StatusDetails; continueToken?: string } = {},
  ) {
    super(message);
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: more.continueToken === undefined ? {} : { continue: more.continueToken },
      status: 'Failure',
      message,
      ...(reason === '' ? {} : { reason }),
      ...(more.details === undefined ? {} : { details: more.details }),
      code,
    };
  }
}

/** `pods`, or `virtualservices.networking.istio.io`: how messages name a resource. */
export function qualified(type: ResourceType): string {
  return type.group === '' ? type.plural : `${type.plural}.${type.group}`;
}

function detailsOf(type: ResourceType, name: string): StatusDetails {
  return { name, ...(type.group === '' ? {} : { group: type.group }), kind: type.plural };
}

export function badRequest(message: string): ApiStatus {
  return new ApiStatus(400, 'BadRequest', message);
}

export function notFound(type: ResourceType, name: string): ApiStatus {
  return new ApiStatus(404, 'NotFound', `${qualified(type)} "${name}" not found`, { details: detailsOf(type, name) });
}

/** What an unknown API path answers: nobody was found who could have made a Status, but for the core group. */
export class NoSuchPath extends Error {
  readonly status: Status | undefined;

  constructor(message: string, status?: Status) {
    super(message);
    this.status = status;
  }
}

export function noSuchResource(group?: string): NoSuchPath {
  const message = 'the server could not find the requested resource';
  const told = group === '' ? new ApiStatus(404, 'NotFound', message, { details: {} }).status : undefined;
  return new NoSuchPath('404 page not found', told);
}

export function alreadyExists(type: ResourceType, name: string): ApiStatus {
  return new ApiStatus(409, 'AlreadyExists', `${qualified(type)} "${name}" already exists`, {
    details: detailsOf(type, name),
  });
}

/** 409 with the API machinery's usual beginning; `why` is the rest of the sentence. */
export function conflict(type: ResourceType, name: string, why: string): ApiStatus {
  return new ApiStatus(409, 'Conflict', `Operation cannot be fulfilled on ${qualified(type)} "${name}": ${why}`, {
    details: detailsOf(type, name),
  });
}

/** As `conflict`, of a delete's preconditions, which speak of kinds. */
export function conflictOfKind(type: ResourceType, name: string, why: string): ApiStatus {
  const kind = type.group === '' ? type.kind : `${type.kind}.${type.group}`;
  return new ApiStatus(409, 'Conflict', `Operation cannot be fulfilled on ${kind} "${name}": ${why}`, {
    details: { ...detailsOf(type, name), kind: type.kind },
  });
}

/** 422 for an update that must say which version it replaces, and does not. */
export function versionless(type: ResourceType, name: string): ApiStatus {
  const cause = {
    reason: 'FieldValueInvalid',
    message: 'Invalid value: 0x0: must be specified for an update',
    field: 'metadata.resourceVersion',
  };
  return new ApiStatus(422, 'Invalid', `${qualified(type)} "${name}" is invalid: ${cause.field}: ${cause.message}`, {
    details: { ...detailsOf(type, name), causes: [cause] },
  });
}

/** 422 for options that the server does not know (`ListOptions`, `CreateOptions`). */
export function invalidOptions(kind: string, cause: StatusCause): ApiStatus {
  const message = `${kind}.meta.k8s.io "" is invalid: ${cause.field}: ${cause.message}`;
  return new ApiStatus(422, 'Invalid', message, { details: { group: 'meta.k8s.io', kind, causes: [cause] } });
}

/** 500 without a reason: errors that the real server has no words of its own for. */
export function plainError(message: string): ApiStatus {
  return new ApiStatus(500, '', message);
}

export const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again';

/** 422 for a body that breaks the kind's rules, one cause a field. */
export function invalid(type: ResourceType, name: string, causes: readonly StatusCause[]): ApiStatus {
  const sentences = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const list = sentences.length === 1 ? sentences[0] : `[${sentences.join(', ')}]`;
  const kind = type.group === '' ? type.kind : `${type.kind}.${type.group}`;
  return new ApiStatus(422, 'Invalid', `${kind} "${name}" is invalid: ${list}`, {
    details: {
      ...(name === '' ? {} : { name }),
      ...(type.group === '' ? {} : { group: type.group }),
      kind: type.kind,
      causes,
    },
  });
}

/** 410: the asked resourceVersion is no longer in the history. */
export function expired(message: string, continueToken?: string): ApiStatus {
  return new ApiStatus(410, 'Expired', message, continueToken === undefined ? {} : { continueToken });
}

export function methodNotAllowed(): ApiStatus {
  return new ApiStatus(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {
    details: {},
  });
}

export function unsupportedMediaType(accepted: readonly string[]): ApiStatus {
  return new ApiStatus(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
}

/** The answer of a delete that left nothing behind. */
export function success(details: StatusDetails): Status {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}

export function successDetails(type: ResourceType, name: string, uid: string): StatusDetails {
  return { ...detailsOf(type, name), uid };
}
