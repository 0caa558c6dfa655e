/**
 * What Kubernetes asks of values beyond the schemas here, as far as clients of this program meet it. One thing it asks is not
 * asked here: that endpoints have no loopback addresses, since that is where tests have their backends.
 */
import { badRequest, invalid, type StatusCause } from './api-status.ts';
import { isJsonObject, type JsonObject, type KubeObject } from './kube-object.ts';
import type { ResourceType } from './resource-type.ts';

/** Throws the refusal of what a request wants to write. */
export function checkRules(type: ResourceType, version: string, object: KubeObject): void {
  const unreadable = type.custom ? undefined : UNREADABLE[type.kind]?.(object);
  if (unreadable !== undefined)
    throw badRequest(`${type.kind} in version "${version}" cannot be handled as a ${type.kind}: ${unreadable}`);
  const causes = [...labelFaults(object), ...(type.custom ? [] : (RULES[type.kind]?.(object) ?? []))];
  if (causes.length > 0) throw invalid(type, object.metadata.name ?? '', causes);
}

const UNREADABLE: Readonly<Record<string, (object: KubeObject) => string | undefined>> = {
  Lease: (object) => ['acquireTime', 'renewTime'].map((field) => timeFault(specOf(object)[field])).find(Boolean),
  Secret: (object) =>
    Object.values(isJsonObject(object['data']) ? object['data'] : {}).every(isBase64)
      ? undefined
      : 'illegal base64 data at input byte 0',
};

const RULES: Readonly<Record<string, (object: KubeObject) => StatusCause[]>> = {
  Lease: (object) => {
    const { leaseDurationSeconds: seconds } = specOf(object);
    const isFault = typeof seconds === 'number' && seconds <= 0;
    return isFault ? [value('spec.leaseDurationSeconds', seconds, 'must be greater than 0')] : [];
  },
  Event: (object) => {
    const target = isJsonObject(object['involvedObject']) ? object['involvedObject'] : {};
    const { namespace = 'default' } = target;
    const isFault = namespace !== (object.metadata.namespace ?? namespace);
    return isFault ? [value('involvedObject.namespace', namespace, 'does not match event.namespace')] : [];
  },
  Service: (object) => {
    const { type, clusterIP, ports } = specOf(object);
    const list = Array.isArray(ports) ? ports : [];
    if (list.length === 0 && type !== 'ExternalName' && clusterIP !== 'None') return [required('spec.ports')];
    if (list.length < 2) return [];
    return list.flatMap((port, index) =>
      isJsonObject(port) && port['name'] === undefined ? [required(`spec.ports[${index}].name`)] : [],
    );
  },
};

/** MicroTime has six digits of a second, no more and no fewer. */
function timeFault(time: unknown): string | undefined {
  if (time === undefined || time === null) return undefined;
  if (typeof time === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/.test(time))
    return undefined;
  return `parsing time ${JSON.stringify(time)} as "2006-01-02T15:04:05.000000Z07:00": cannot parse`;
}

function isBase64(text: unknown): boolean {
  return text === null || (typeof text === 'string' && /^[A-Za-z0-9+/\r\n]*={0,2}$/.test(text));
}

const LABEL = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

function labelFaults({ metadata: { labels } }: KubeObject): StatusCause[] {
  return Object.keys(labels ?? {})
    .filter((key) => !LABEL.test(key))
    .map((key) =>
      value(
        'metadata.labels',
        key,
        "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
      ),
    );
}

function value(field: string, given: unknown, why: string): StatusCause {
  return { reason: 'FieldValueInvalid', message: `Invalid value: ${JSON.stringify(given)}: ${why}`, field };
}

function required(field: string): StatusCause {
  return { reason: 'FieldValueRequired', message: 'Required value', field };
}

function specOf(object: KubeObject): JsonObject {
  return isJsonObject(object['spec']) ? object['spec'] : {};
}
