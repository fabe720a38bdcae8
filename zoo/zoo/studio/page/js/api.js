// The studio's API, through Gradio's queue.

const API = "gradio_api";
const config = fetch("config").then((response) => response.json());

/**
 * Ask an endpoint: gives its outputs as a list. onWait hears {before, seconds}: how many requests go first
 * (null once it is this one's turn) and how long it is expected to take (null where nobody knows).
 * signal: gives up the place in the queue. Throws what the studio could not do.
 */
export async function call(name, data, { onWait = () => {}, signal = null } = {}) {
  const { dependencies } = await config;
  const session = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16)).join("");
  const body = { fn_index: dependencies.find((fn) => fn.api_name === name).id, data, session_hash: session };
  await asked("queue/join", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal });
  return new Promise((resolve, reject) => {
    const messages = new EventSource(`${API}/queue/data?session_hash=${session}`);
    const end = (settle, value) => {
      messages.close();
      settle(value);
    };
    signal?.addEventListener("abort", () => end(reject, signal.reason));
    messages.onerror = () => end(reject, new Error("the studio cannot be reached"));
    messages.onmessage = ({ data: text }) => {
      const message = JSON.parse(text);
      if (message.msg === "estimation") onWait({ before: message.rank + 1, seconds: message.rank_eta });
      if (message.msg === "process_starts") onWait({ before: null, seconds: message.eta });
      if (message.msg === "unexpected_error") end(reject, new Error("the studio cannot answer"));
      if (message.msg !== "process_completed") return;
      if (message.success) end(resolve, message.output.data);
      else end(reject, new Error(message.output.error ?? "the studio cannot answer"));
    };
  });
}

/** Send a file: gives what stands for it in `call`. */
export async function upload(file) {
  const form = new FormData();
  form.append("files", file);
  const [path] = await asked("upload", { method: "POST", body: form });
  return { path, orig_name: file.name, meta: { _type: "gradio.FileData" } };
}

async function asked(path, options) {
  let response;
  try {
    response = await fetch(`${API}/${path}`, options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Error("the studio cannot be reached");
  }
  if (response.ok) return response.json();
  if (response.status === 429) throw new Error("the studio is busy: try again in a moment");
  const text = await response.text();
  throw new Error(response.status === 413 ? "the file is too large: expected 5 MB or less" : text.slice(0, 200));
}

export const urlOf = ({ path }) => `${API}/file=${path.split("/").map(encodeURIComponent).join("/")}`;

/** An image of the studio's, decoded. */
export async function imageOf(file) {
  const image = new Image();
  image.src = urlOf(file);
  await image.decode();
  return image;
}
