/** What a look at a folder without any object file knows. */
export type Emptiness = {
  /** Files that were there before. */
  readonly known: number;
  /** False when another folder is in its place (unmounted, replaced), or when the files were never seen in it. */
  readonly sameFolder: boolean;
};

/**
 * Whether a folder without any object file is believed. An unmounted disk, a failed checkout or a wrong path look like a
 * deletion of everything, so it is obeyed only when the LAST file was deleted alone, from the very folder, before
 * our eyes. While one file remains, even an empty one, every deletion is obeyed.
 */
export function isEmptinessObeyed(found: Emptiness): boolean {
  return found.known === 0 || (found.known === 1 && found.sameFolder);
}

/** What people read while a folder is held; `code` says why it cannot be read, if it cannot. */
export function heldMessage(folder: string, objects: number, code: string | undefined): string {
  const kept = `the ${objects} object${objects === 1 ? '' : 's'} it last held keep serving`;
  const what =
    code === undefined
      ? `The folder ${folder} is suddenly without any object file`
      : `The folder ${folder} is gone or cannot be read (${code})`;
  return (
    `${what}; this is held, not obeyed: ${kept}. Bring the files back. To really serve nothing, put an empty file ` +
    `"empty.yaml" into the folder; files that are deleted one at a time are obeyed at once.`
  );
}
