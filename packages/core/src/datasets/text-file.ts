/** One text file of a data set. */
export interface TextFile {
  /** The file's name within the folder of its data set. */
  readonly name: string;
  /** SHA-256 of the copy that was checked, lower-case hex. */
  readonly sha256?: string;
  /** Examples, or tokens, of the published file; another copy with as many is taken, and the provenance says so. */
  readonly rows?: number;
}
