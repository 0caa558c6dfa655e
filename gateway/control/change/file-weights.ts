// Promises: weights written into the VirtualService's own file, with nothing but their digits changed.
// Never: writes what does not read back as asked, or over what somebody else has written meanwhile.
// Called by: the shifter, where objects come from a folder.
import { readObject } from '../resource/read-object.ts';
import { type ParsedFile, parseYamlDocuments, type YamlDocument } from '../resource/yaml-documents.ts';
import { fingerprintOf } from '../source/source.ts';
import { CannotEdit, editWeights } from './edit-yaml.ts';
import { CannotReplace, type ReadFile, readReplaceable, replaceFile } from './replace-file.ts';
import {
  CannotWrite,
  type ShiftTarget,
  type WeightChange,
  type WeightWriter,
  type WrittenWeights,
} from './weight-writer.ts';

export type FileWeightsOptions = {
  /** A file as the source has parsed it, to parse only what differs. */
  readonly parsed: (file: string) => ParsedFile | undefined;
  /** Makes the source look at a file now; resolves when it told what changed. */
  readonly refresh: (file: string) => Promise<void>;
};

export class FileWeights implements WeightWriter {
  readonly #options: FileWeightsOptions;

  constructor(options: FileWeightsOptions) {
    this.#options = options;
  }

  warnings(): readonly string[] {
    return [];
  }

  async write(target: ShiftTarget, change: WeightChange): Promise<WrittenWeights> {
    const { file } = target.good.version.position;
    try {
      return await this.#write(target, change, file);
    } catch (error) {
      if (error instanceof CannotEdit)
        throw new CannotWrite(
          'not-writable',
          `${error.message} The weights in ${file} cannot be set for you: edit them by hand.`,
        );
      if (error instanceof CannotReplace)
        throw new CannotWrite(error.kind === 'changed' ? 'conflict' : 'not-writable', error.message);
      throw error;
    }
  }

  async #write(target: ShiftTarget, { plan }: WeightChange, file: string): Promise<WrittenWeights> {
    const read = await readReplaceable(file);
    const parsed = parseYamlDocuments(read.text, file, this.#options.parsed(file));
    const document = findObject(parsed, target);
    if (document === undefined)
      throw new CannotWrite(
        'conflict',
        `${file} does not hold the VirtualService as it is served: it was changed and is not loaded yet, or it is broken. Nothing was changed; look at the problems, then try again.`,
      );
    const edited = editWeights(read.text, parsed, document, { rule: plan.route.index, edits: plan.edits });
    await replaceFile(read, edited.text);
    return {
      fingerprint: fingerprintOf(edited.document.value),
      seen: () => this.#options.refresh(file),
      takeBack: () => takeBack(read, edited.text),
    };
  }
}

/** The document that is served right now, if the file still holds it and can be read. */
function findObject({ documents }: ParsedFile, { key, good }: ShiftTarget): YamlDocument | undefined {
  const { name } = good.version.resource;
  return documents.find(
    (document) =>
      isNamed(document.value, name) &&
      fingerprintOf(document.value) === good.version.fingerprint &&
      readObject(document, { defaultNamespace: 'default', strictness: 'folder' }).key === key,
  );
}

/** Spares the fingerprints of all others. */
function isNamed(value: unknown, name: string): boolean {
  const { metadata } = (value ?? {}) as { readonly metadata?: { readonly name?: unknown } };
  return metadata?.name === name;
}

/** Puts the text of before back, unless somebody else has written since. */
async function takeBack(read: ReadFile, text: string): Promise<string> {
  const left = `${read.path} was changed meanwhile and is left as it is.`;
  try {
    const now = await readReplaceable(read.path);
    if (now.text !== text) return left;
    await replaceFile(now, read.text);
    return 'The file is as it was before.';
  } catch {
    return left;
  }
}
