import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const linux = existsSync('/proc/self/clear_refs');

/** Watches how much memory this process has resident, in bytes: by samples, and on Linux by the kernel's high-water mark. */
export class RSSWatch {
  readonly start: number;
  #peak: number;
  readonly #timer: NodeJS.Timeout;

  private constructor(limit: number, passed: () => void) {
    if (linux) writeFileSync('/proc/self/clear_refs', '5'); // the mark starts anew
    this.start = this.#peak = process.memoryUsage.rss();
    this.#timer = setInterval(() => {
      this.#peak = Math.max(this.#peak, process.memoryUsage.rss());
      if (this.growth > limit) passed();
    }, 2);
  }

  /** Collects garbage and begins. `passed` is called when the growth passes `limit`, to end it before it hurts. */
  static async begin(limit: number, passed: () => void): Promise<RSSWatch> {
    for (let i = 0; i < 3; i++) {
      globalThis.gc!();
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    return new RSSWatch(limit, passed);
  }

  get growth(): number {
    return this.#peak - this.start;
  }

  end(): void {
    clearInterval(this.#timer);
    if (!linux) return;
    const [, kibibytes] = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'latin1'))!;
    this.#peak = Math.max(this.#peak, Number(kibibytes) * 1_024);
  }
}
