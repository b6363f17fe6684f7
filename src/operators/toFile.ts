import { mergeMap, Observable, type OperatorFunction } from 'rxjs';
import { flag, InvalidOptionError, own } from '../errors/index.js';
import type { ProtocolResponse } from '../protocol/index.js';
import { NewFile, type NewFileOptions } from './NewFile.js';

export interface ToFileOptions {
  /** `w`, the default, takes the place of a file that is there; `wx` errors with `EEXIST`, and leaves it alone. */
  readonly flag?: 'w' | 'wx';
  /** The permissions of the file, less the umask. Default 0o666, whatever a file that was there had. */
  readonly mode?: number;
  /** Has the bytes on the disk (fsync) before the file gets its name. Default false. */
  readonly flush?: boolean;
}

export interface SavedFile {
  readonly path: string;
  /** How many were written. */
  readonly bytes: number;
}

/**
 * Writes each response's body to a file and emits once it is there, whole. The connection is held up while the disk
 * works: a body of any length takes one read buffer of memory.
 *
 * ```
 *   body            ──d─d─d|
 *   .name.….part      w─w─w·rename      in the same directory, so that the rename is one step
 *   toFile(name)    ──────────(f|)      { path, bytes }
 *   unsubscribe     ──d─d!              closes and removes the part
 * ```
 *
 * Whoever opens the file sees the old content or all of the new: a second run, or two at a time, replace it as a whole,
 * the last one wins. A link is replaced, not followed. If anything fails, the body included, the part is removed and the
 * connection let go before the error is told. Errors of the file system come as they are (`ENOENT` for a directory that
 * is missing, `ENOSPC`, `EACCES`), those of the body as from any other reader: one that ends before its announced length
 * is a `TruncatedBodyError`, and leaves no file.
 *
 * Gotchas: a status is no error, so that a page that says 404 is saved like any other: `throwIfNotOk()` first. A process
 * that is killed leaves its part behind. `wx` needs a file system with hard links.
 *
 * @throws InvalidOptionError
 *
 * @example
 * agent.get('/dump.gz').pipe(throwIfNotOk(), toFile('dump.gz')).subscribe(({ bytes }) => console.log(bytes));
 */
export function toFile(path: string, options: ToFileOptions = {}): OperatorFunction<ProtocolResponse, SavedFile> {
  if (typeof path !== 'string' || path === '') throw new InvalidOptionError('path', path, 'the name of a file');
  const settings: NewFileOptions = {
    isExclusive: flagOf(own(options, 'flag') ?? 'w') === 'wx',
    mode: modeOf(own(options, 'mode') ?? 0o666),
    flush: flag(options, 'flush', false),
  };
  return mergeMap(response => save(response, path, settings));
}

function save(response: ProtocolResponse, path: string, settings: NewFileOptions): Observable<SavedFile> {
  return new Observable<SavedFile>(subscriber => {
    const file = new NewFile(path, settings);
    const failed = (error: unknown): void => void file.discard().then(() => subscriber.error(error));
    // Added at once: the body may end, and all be over, before the subscription is there.
    subscriber.add(() => void file.discard());
    const writing = response.body
      .pull(chunk => file.write(chunk))
      .subscribe({
        error: failed,
        complete: () => {
          file.keep().then(bytes => {
            subscriber.next({ path, bytes });
            subscriber.complete();
          }, failed);
        },
      });
    subscriber.add(writing);
  });
}

function flagOf(value: unknown): 'w' | 'wx' {
  if (value === 'w' || value === 'wx') return value;
  throw new InvalidOptionError('flag', value, "'w' or 'wx'");
}

function modeOf(value: unknown): number {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0o7777) return value as number;
  throw new InvalidOptionError('mode', value, 'permissions from 0 to 0o7777');
}
