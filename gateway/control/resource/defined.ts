/** A copy without the members that are undefined: absent and undefined are different facts. */
export function defined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const copy: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(object)) if (value !== undefined) copy[name] = value;
  // Members were only taken away.
  return copy as { [K in keyof T]?: Exclude<T[K], undefined> };
}
