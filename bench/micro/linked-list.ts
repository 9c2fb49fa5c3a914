interface Node<T> {
  readonly item: T;
  next: Node<T> | undefined;
}

/** A first-in-first-out list with a node per item: what the ring buffer is compared with. */
export class LinkedList<T> {
  #head: Node<T> | undefined;
  #tail: Node<T> | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    const node: Node<T> = { item, next: undefined };
    if (this.#tail === undefined) this.#head = node;
    else this.#tail.next = node;
    this.#tail = node;
    this.#length++;
  }

  shift(): T | undefined {
    const head = this.#head;
    if (head === undefined) return undefined;
    this.#head = head.next;
    if (head.next === undefined) this.#tail = undefined;
    this.#length--;
    return head.item;
  }
}
