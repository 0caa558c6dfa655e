import { badRequest, invalid, notFound, unsupportedMediaType } from './api-status.ts';
import type { KubeObject } from './kube-object.ts';
import { fieldsOf } from './patch/field-set.ts';
import { entries, entryOf } from './patch/managed-fields.ts';
import { mergeRulesOf } from './patch/merge-rules.ts';
import { applyConfiguration } from './patch/server-side-apply.ts';
import { admitted, kindOf, managerOf, optionsOf, type Performer, type ResourceRequest } from './resource-request.ts';
import { keyOf } from './table.ts';
import { sendEntry } from './wire.ts';

/** PATCH with `application/apply-patch+yaml`: changes the object, or creates it. */
export function apply(performer: Performer, asked: ResourceRequest): void {
  const { target, query, response } = asked;
  const { type, version, namespace, name = '' } = target;
  const config = configurationOf(performer, asked);
  const manager = managerOf(target, query, asked.request, 'Apply');
  const rules = mergeRulesOf(type, version);
  const key = namespace === undefined ? name : keyOf({ namespace, name });
  const exists = performer.state.store.table(type).get(key) !== undefined;
  const options = optionsOf(query);
  if (!exists && target.subresource !== undefined) throw notFound(type, name);
  if (!exists) {
    config.metadata.managedFields = entries([entryOf(manager, fieldsOf(config, rules))]);
    sendEntry(response, 201, type, version, performer.writes.create(target, config, options));
    return;
  }
  const conflicts = query.get('force') === 'true' ? 'force' : 'refuse';
  const change = (old: KubeObject) => {
    const live = { ...old, ...kindOf(target) };
    return admitted(
      performer,
      target,
      query,
      response,
      applyConfiguration({ live, config, manager, rules, conflicts }),
    );
  };
  sendEntry(response, 200, type, version, performer.writes.update(target, change, options));
}

function configurationOf(performer: Performer, { target, query, response, body }: ResourceRequest): KubeObject {
  const { type, name = '' } = target;
  if (!performer.state.features.serverSideApply)
    throw unsupportedMediaType(['application/json-patch+json', 'application/merge-patch+json']);
  if ((query.get('fieldManager') ?? '') === '')
    throw invalid({ ...type, group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [
      { reason: 'FieldValueRequired', message: 'Required value: is required for apply patch', field: 'fieldManager' },
    ]);
  const config = admitted(performer, target, query, response, body);
  if (config.metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
  return { ...config, metadata: { ...config.metadata, name } };
}
