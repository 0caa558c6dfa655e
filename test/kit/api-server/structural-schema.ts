import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { ApiStatus, invalid, type StatusCause } from './api-status.ts';
import { builtInSchema } from './built-in-schemas.ts';
import { copyOf, isJsonObject, type JsonObject, type KubeObject } from './kube-object.ts';
import type { ResourceType } from './resource-type.ts';

/** What the client asked for about fields that a schema does not know. */
export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false });
const validators = new WeakMap<object, ValidateFunction>();

/**
 * Brings an object into the form of its version's schema, as the API server does before it stores it: defaults are filled
 * in, unknown fields dropped. Returns the paths of what was dropped; throws what the schema forbids.
 */
export function admit(
  type: ResourceType,
  version: string,
  object: KubeObject,
  options: { pruning: boolean; fieldValidation: FieldValidation },
): string[] {
  const schema = type.custom ? type.rules.get(version)?.schema : builtInSchema(type.kind);
  if (!isJsonObject(schema)) return [];
  const dropped: string[] = [];
  if (!type.custom) dropNulls(object);
  shapeObject(object, schema, '', dropped, options.pruning || !type.custom);
  if (dropped.length > 0 && options.fieldValidation === 'Strict') throw strictError(type, version, dropped);
  validate(type, object, schema);
  return dropped;
}

function shape(value: unknown, schema: JsonObject, path: string, dropped: string[], pruning: boolean): void {
  if (isJsonObject(value)) shapeObject(value, schema, path, dropped, pruning);
  const { items } = schema;
  if (Array.isArray(value) && isJsonObject(items))
    value.forEach((item, index) => shape(item, items, `${path}[${index}]`, dropped, pruning));
}

function shapeObject(object: JsonObject, schema: JsonObject, path: string, dropped: string[], pruning: boolean): void {
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
  fillDefaults(object, properties);
  const embedded = path === '' || schema['x-kubernetes-embedded-resource'] === true;
  for (const [field, value] of Object.entries(object)) {
    if (embedded && ['apiVersion', 'kind', 'metadata'].includes(field)) continue;
    const at = path === '' ? field : `${path}.${field}`;
    const known = properties[field] ?? schema['additionalProperties'];
    if (isJsonObject(known)) shape(value, known, at, dropped, pruning);
    else if (pruning && known !== true && schema['x-kubernetes-preserve-unknown-fields'] !== true) {
      dropped.push(at);
      delete object[field];
    }
  }
}

/** To built-in kinds a null is an absent field. */
function dropNulls(value: unknown): void {
  if (Array.isArray(value)) value.forEach(dropNulls);
  if (!isJsonObject(value)) return;
  for (const [field, child] of Object.entries(value)) {
    if (child === null) delete value[field];
    else dropNulls(child);
  }
}

function fillDefaults(object: JsonObject, properties: JsonObject): void {
  for (const [field, property] of Object.entries(properties))
    if (object[field] === undefined && isJsonObject(property) && property['default'] !== undefined)
      object[field] = copyOf(property['default']);
}

function strictError(type: ResourceType, version: string, dropped: readonly string[]): ApiStatus {
  const list = dropped.map((path) => `unknown field "${path}"`).join(', ');
  const message = `${type.kind} in version "${version}" cannot be handled as a ${type.kind}: strict decoding error: ${list}`;
  return new ApiStatus(400, 'BadRequest', message);
}

function validate(type: ResourceType, object: KubeObject, schema: JsonObject): void {
  let check = validators.get(schema);
  if (check === undefined) validators.set(schema, (check = ajv.compile(schema)));
  const valid: boolean = check(object);
  if (valid) return;
  throw invalid(type, object.metadata.name, (check.errors ?? []).map(causeOf));
}

function causeOf(error: ErrorObject): StatusCause {
  const field = fieldOf(error);
  if (error.keyword === 'required') return { reason: 'FieldValueRequired', message: 'Required value', field };
  if (error.keyword === 'enum') {
    const supported = (error.params as { allowedValues: unknown[] }).allowedValues.map((value) =>
      JSON.stringify(value),
    );
    return {
      reason: 'FieldValueNotSupported',
      message: `Unsupported value: supported values: ${supported.join(', ')}`,
      field,
    };
  }
  const reason = error.keyword === 'type' ? 'FieldValueTypeInvalid' : 'FieldValueInvalid';
  return { reason, message: `Invalid value: ${field} in body ${error.message}`, field };
}

/** `/spec/hosts/0` as `spec.hosts[0]`, with the missing field where one is missing. */
function fieldOf({ instancePath, keyword, params }: ErrorObject): string {
  const steps = instancePath.split('/').slice(1);
  if (keyword === 'required') steps.push((params as { missingProperty: string }).missingProperty);
  const path = steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`)).join('');
  return path.replace(/^\./, '') || '<nil>';
}
