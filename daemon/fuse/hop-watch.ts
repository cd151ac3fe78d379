// Does a lone caller jump from processor to processor? An answer wakes its caller while our thread still runs on the
// processor that it went to sleep on, so the scheduler puts it on an idle one, and wakes that: in a virtual machine that
// costs more than the whole request. A processor that has slept for a while is left alone, though (its virtual processor
// counts as preempted). So one pause, long enough for the other one to fall asleep, makes the caller stay, often for
// thousands of requests; docs/decisions/0003-fuse-io-uring.md has the numbers.
// Pure but for the shared memory: the threads of a mount note the requests that they get. Races between them only make a
// pause come later or earlier.

/** Words: the caller, where its last request came, jumps since the last pause, requests since it jumped, jumps allowed. */
const CALLER = 0;
const QUEUE = 1;
const JUMPS = 2;
const STAYED = 3;
const LIMIT = 4;
const WORDS = 5;
/** Whoever lives outside of our pid namespace: that may be anybody. */
const OUTSIDE = 0;

/** So many jumps cost as much as a pause. */
const FIRST_LIMIT = 16;
/** A caller that stayed for so long was worth the last pause; otherwise the next comes after twice as many jumps. */
const WORTH = 256;
const LAST_LIMIT = 1 << 24;

export class HopWatch {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(4 * WORDS)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
    if (this.#words[LIMIT] === 0) this.#words[LIMIT] = FIRST_LIMIT;
  }

  /** A request of the thread `caller` came on `queue`. True: pause before it is answered. */
  note(caller: number, queue: number): boolean {
    const words = this.#words;
    if (words[CALLER] !== caller || caller === OUTSIDE) {
      words[CALLER] = caller;
      words[QUEUE] = queue;
      words[JUMPS] = 0;
      return false;
    }
    if (words[QUEUE] === queue) {
      const stayed = (words[STAYED] ?? 0) + 1;
      words[STAYED] = stayed;
      if (stayed === WORTH) {
        words[JUMPS] = 0;
        words[LIMIT] = FIRST_LIMIT;
      }
      return false;
    }
    words[QUEUE] = queue;
    words[STAYED] = 0;
    const jumps = (words[JUMPS] ?? 0) + 1;
    const limit = words[LIMIT] ?? 0;
    words[JUMPS] = jumps;
    if (jumps < limit) return false;
    words[JUMPS] = 0;
    words[LIMIT] = Math.min(limit * 2, LAST_LIMIT);
    return true;
  }
}
