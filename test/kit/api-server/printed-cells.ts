import { isJsonObject, type JsonObject, type KubeObject } from './kube-object.ts';

/** A column as the Table answer announces it, and how its cells are made. */
export type Column = {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly cell: (object: KubeObject) => unknown;
};

/** A whole age in its two largest units, as kubectl shows it. */
export function age(timestamp: unknown, now = Date.now()): string {
  if (typeof timestamp !== 'string') return '<unknown>';
  const seconds = Math.max(0, Math.floor((now - Date.parse(timestamp)) / 1_000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`;
}

/** An object's field as an object, to look further into. */
export function part(object: unknown, field: string): JsonObject {
  const value = isJsonObject(object) ? object[field] : undefined;
  return isJsonObject(value) ? value : {};
}
