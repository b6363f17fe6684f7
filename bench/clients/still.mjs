// An endpoint without a network: its transports connect at once, and neither say nor hear anything.

class StillTransport {
  info = { authority: 'still', secure: false, timings: {} };
  #sink;
  read(sink) {
    this.#sink = sink;
  }
  write() {
    return true;
  }
  drained() {}
  ownBuffer() {}
  unshift() {}
  pause() {}
  resume() {}
  ref() {}
  unref() {}
  end() {}
  destroy() {
    queueMicrotask(() => this.#sink?.closed());
  }
  toDuplex() {
    throw new Error('It is no stream');
  }
}

export function stillEndpoint(Observable) {
  return new Observable(subscriber => {
    subscriber.next(new StillTransport());
    subscriber.complete();
  });
}
