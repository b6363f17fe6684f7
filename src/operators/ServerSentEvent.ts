/** An event of an event stream (HTML Standard section 9.2). */
export interface ServerSentEvent {
  /** What `event:` said, else `message`. */
  readonly type: string;
  /** What the `data:` lines said, joined by LF. */
  readonly data: string;
  /** What the last `id:` said, in this event or before; empty if there was none. */
  readonly lastEventId: string;
  /** What the last `retry:` said, in this event or before: ms to wait before connecting again. */
  readonly retry: number | undefined;
}
