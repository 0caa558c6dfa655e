/** Severity of a {@link Problem}: an `error` means that something the user wrote is not served as written. */
export type Severity = 'error' | 'warning' | 'info';

/** The object a {@link Problem} speaks of, as kubectl would name it. */
export type ObjectRef = {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
};

/** A position in a file; line and column count from 1, as editors do. */
export type SourcePosition = {
  readonly file: string;
  readonly line: number;
  readonly column: number;
};

/**
 * One thing that is wrong, or worth knowing, about what the user wrote: data, never an exception.
 * It says what, where and how to mend it, so that `message` alone is enough for a person to act.
 */
export type Problem = {
  readonly severity: Severity;
  /** Stable code: Istio's analyzer code (`IST0101`) where one fits, else one of our own (`MG0001`); see `resource/codes.ts`. */
  readonly code: string;
  /** Full sentence(s): what is wrong, what happens meanwhile, how to mend it. Never holds a secret. */
  readonly message: string;
  readonly object?: ObjectRef;
  /** Path inside the object: `spec.http[0].route[1].weight`. */
  readonly field?: string;
  readonly position?: SourcePosition;
};
