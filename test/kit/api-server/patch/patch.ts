import { ApiStatus, badRequest, unsupportedMediaType } from '../api-status.ts';
import type { KubeObject } from '../kube-object.ts';
import { applyJsonPatch, PatchError } from './json-patch.ts';
import { applyMergePatch } from './merge-patch.ts';

export const JSON_PATCH = 'application/json-patch+json';
export const MERGE_PATCH = 'application/merge-patch+json';

/** The object that `patch` makes of `old`; throws the Status of a patch that cannot be applied. */
export function patched(old: KubeObject, contentType: string, patch: unknown): unknown {
  try {
    switch (contentType) {
      case JSON_PATCH:
        return applyJsonPatch(old, patch);
      case MERGE_PATCH:
        return applyMergePatch(old, patch);
      default:
        throw unsupportedMediaType([JSON_PATCH, MERGE_PATCH]);
    }
  } catch (error) {
    if (error instanceof PatchError) throw statusOf(error);
    throw error;
  }
}

/** The real server does not tell which operation failed. */
function statusOf(error: PatchError): ApiStatus {
  if (error.why === 'malformed') return badRequest(error.message);
  return new ApiStatus(422, 'Invalid', 'the server rejected our request due to an error in our request', {
    details: {},
  });
}
