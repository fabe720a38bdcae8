// The worker as promises.

export class Engine {
  #worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  #live = new Map(); // id -> what hears its messages
  #last = 0;

  constructor() {
    this.#worker.onmessage = ({ data }) => this.#live.get(data.id)?.(data);
    this.#worker.onerror = () => {
      for (const hear of this.#live.values()) hear({ kind: "error", message: "this browser cannot run the page" });
    };
  }

  /**
   * Run a job; `onImage` and `onLoading` hear its messages. replaces: whether it takes the place of all jobs
   * before it, or waits for them. Gives the last message, whose kind is "done", or null where another job
   * took its place. Throws what the worker could not do.
   */
  run(job, { onImage, onLoading, replaces = true }) {
    const id = ++this.#last;
    if (replaces) this.#cancelAll();
    return new Promise((resolve, reject) => {
      this.#live.set(id, (message) => {
        if (message.kind === "image") onImage(message);
        if (message.kind === "loading") onLoading(message.share);
        if (!["done", "error", "cancelled"].includes(message.kind)) return;
        this.#live.delete(id);
        if (message.kind === "error") reject(new Error(message.message));
        else resolve(message.kind === "done" ? message : null);
      });
      this.#worker.postMessage({ ...job, id });
    });
  }

  #cancelAll() {
    for (const [id, hear] of this.#live) {
      this.#worker.postMessage({ kind: "cancel", id });
      hear({ kind: "cancelled" });
    }
  }
}
