import { randomUUID } from 'node:crypto';
import { link, open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export interface NewFileOptions {
  /** A file that is there is not replaced. */
  readonly isExclusive: boolean;
  readonly mode: number;
  readonly flush: boolean;
}

/** A file that is written under another name, and gets its own, or is removed, when it is done. */
export class NewFile {
  readonly #part: string;
  #handle: FileHandle | null = null;
  #bytes = 0;
  /** What goes on; settles, and never rejects. Nothing is done to the file before. */
  #work: Promise<unknown> = Promise.resolve();
  #discarded = false;
  /** It has its name, or was removed. */
  #settled = false;

  constructor(
    private readonly path: string,
    private readonly options: NewFileOptions,
  ) {
    // Cut, as a name has at most 255 bytes and this makes it longer.
    const name = basename(path).slice(0, 40);
    this.#part = join(dirname(path), `.${name}.${randomUUID()}.part`);
  }

  /** Writes all of `chunk`, one at a time. The file is made with the first. */
  write(chunk: Uint8Array): Promise<void> {
    return this.#do(async () => {
      const handle = await this.#open();
      for (let at = 0; at < chunk.length;) {
        const { bytesWritten } = await handle.write(chunk, at);
        at += bytesWritten;
        this.#bytes += bytesWritten;
      }
    });
  }

  /** Gives the file its name. Resolves with the number of bytes in it. */
  keep(): Promise<number> {
    return this.#do(async () => {
      const handle = await this.#open();
      if (this.options.flush) await handle.sync();
      this.#handle = null;
      await handle.close();
      if (this.#discarded) return this.#bytes;
      if (this.options.isExclusive) {
        // The one step that makes a name and fails if it is there; the part is the second name.
        await link(this.#part, this.path);
        await unlink(this.#part).catch(() => undefined);
      } else await rename(this.#part, this.path);
      this.#settled = true;
      return this.#bytes;
    });
  }

  /** Removes it, unless it has its name, when what goes on with it is done. Never rejects. */
  discard(): Promise<void> {
    this.#discarded = true;
    return this.#do(async () => {
      if (this.#settled) return;
      this.#settled = true;
      await this.#handle?.close().catch(() => undefined);
      await unlink(this.#part);
    }).catch(() => undefined); // mostly there is none: an error of its own would hide the one that led here
  }

  async #open(): Promise<FileHandle> {
    return (this.#handle ??= await open(this.#part, 'wx', this.options.mode));
  }

  #do<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }
}
