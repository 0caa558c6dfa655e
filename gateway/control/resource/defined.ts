/** A copy without the members that are undefined: absent and undefined are different facts. */
export function defined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(object)) {
    const value = (object as Readonly<Record<string, unknown>>)[name];
    if (value !== undefined) copy[name] = value;
  }
  // Members were only taken away.
  return copy as { [K in keyof T]?: Exclude<T[K], undefined> };
}
