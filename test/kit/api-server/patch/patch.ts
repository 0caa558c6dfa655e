import { ApiStatus, badRequest, unsupportedMediaType } from '../api-status.ts';
import { isJsonObject, type KubeObject } from '../kube-object.ts';
import type { ResourceType } from '../resource-type.ts';
import { applyJsonPatch, PatchError } from './json-patch.ts';
import { applyMergePatch } from './merge-patch.ts';
import { applyStrategicMerge } from './strategic-merge.ts';

const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const STRATEGIC_MERGE = 'application/strategic-merge-patch+json';
export const APPLY = 'application/apply-patch+yaml';

/** The object that `patch` makes of `old`; throws the Status of a patch that cannot be applied. */
export function patched(type: ResourceType, old: KubeObject, contentType: string, patch: unknown): unknown {
  try {
    switch (contentType) {
      case JSON_PATCH:
        return applyJsonPatch(old, patch);
      case MERGE_PATCH:
        return applyMergePatch(old, patch);
      case STRATEGIC_MERGE:
        if (type.custom) throw unsupportedMediaType([JSON_PATCH, MERGE_PATCH, APPLY]);
        if (!isJsonObject(patch)) throw badRequest('a strategic merge patch is an object');
        return applyStrategicMerge(old, patch);
      default:
        throw unsupportedMediaType([JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE, APPLY]);
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
