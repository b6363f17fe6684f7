/** The place of a value in a list; made once, so that joining and leaving allocate nothing. */
export class ListNode<T> {
  previous: ListNode<T> | null = null;
  next: ListNode<T> | null = null;
  list: LinkedList<T> | null = null;

  constructor(readonly value: T) {}
}

/** A queue that can be left from the middle, in constant time: a waiter cancels, an idle connection dies. */
export class LinkedList<T> {
  length = 0;
  #first: ListNode<T> | null = null;
  #last: ListNode<T> | null = null;

  get first(): T | undefined {
    return this.#first?.value;
  }

  get last(): T | undefined {
    return this.#last?.value;
  }

  push(node: ListNode<T>): void {
    node.list = this;
    node.previous = this.#last;
    if (this.#last === null) this.#first = node;
    else this.#last.next = node;
    this.#last = node;
    this.length++;
  }

  /** Takes a node out; nothing if it is in no list, or in another. */
  remove(node: ListNode<T>): void {
    if (node.list !== this) return;
    if (node.previous === null) this.#first = node.next;
    else node.previous.next = node.next;
    if (node.next === null) this.#last = node.previous;
    else node.next.previous = node.previous;
    node.previous = node.next = node.list = null;
    this.length--;
  }

  /** Takes the first out. */
  shift(): T | undefined {
    const first = this.#first;
    if (first === null) return undefined;
    this.remove(first);
    return first.value;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let node = this.#first; node !== null; node = node.next) yield node.value;
  }
}
