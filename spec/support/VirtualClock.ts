import { VirtualTimeScheduler } from 'rxjs';

/** A scheduler whose time passes only when it is told to. */
export class VirtualClock extends VirtualTimeScheduler {
  constructor() {
    super(undefined, 0);
  }

  /** Does what is due within the next `duration` ms. */
  advance(duration: number): void {
    this.maxFrames = this.frame + duration;
    this.flush();
    this.frame = this.maxFrames;
  }

  /** Something waits for its time. */
  get waiting(): boolean {
    return this.actions.length > 0;
  }
}
