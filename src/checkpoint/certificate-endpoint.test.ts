// Laws of asking servers: every form of answer is read, none is taken for what it is not, and a failure names its place.

import { afterEach, describe, expect, it } from "vitest";
import {
  startCompletionServer,
  type CompletionServer,
  type Reply,
  type ServedRequest,
} from "../../test/support/completion-server.ts";
import { askEndpoint, servedFolder, serverRoot, type EndpointProbeOptions } from "./certificate-endpoint.ts";
import type { ServedLogProbs } from "./certificate-verdict.ts";
import type { Certificate } from "./certificate.ts";

const ids = [1, 2, 3, 4, 5, 6];
const certificate: Certificate = {
  swarr: "0.0.0",
  family: "qwen2",
  vocabularySize: 10,
  window: 3,
  fullAttentionLayers: [],
  sinkTokens: 0,
  candidates: [3, 2, 4, null],
  edge: 3,
  margin: 0.5,
  tokenTexts: { "2": "two", "3": " three", "6": "six" },
  prompts: [{ ids, text: null, before: [-1, -2], past: [], compared: [3, 5] }],
};
const nothing: Reply = { status: 404, body: "<html>no such page</html>" };
const choice = (fields: object): Reply => ({ body: { choices: [{ text: "x", ...fields }] } });

let server: CompletionServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

async function asked(
  reply: (request: ServedRequest, count: number) => Reply,
  options: Partial<EndpointProbeOptions> = {},
): Promise<ServedLogProbs> {
  server = await startCompletionServer((request, count) =>
    request.path === "/v1/models" ? { body: { data: [{ id: "m" }] } } : reply(request, count),
  );
  const [served] = await askEndpoint(certificate, { url: server.url, retryMs: 1, ...options });
  return served!;
}

describe("askEndpoint", () => {
  it("reads prompt_logprobs by the prompt's own ids, whatever else is listed", async () => {
    const rows = [null, ...ids.slice(1).map((id) => ({ "9": { logprob: -0.1 }, [id]: { logprob: -id, rank: 4 } }))];
    const served = await asked(({ body }) => choice("prompt_logprobs" in body ? { prompt_logprobs: rows } : {}));
    expect(served).toEqual([null, -2, -3, -4, -5, -6]);
    expect(server!.requests[1]!.body).toMatchObject({ model: "m", prompt: ids, max_tokens: 1 });
  });

  it("does not take the new token's log-probs for the prompt's where echo is ignored", async () => {
    const ignoring = (): Reply => choice({ logprobs: { token_logprobs: [-1], top_logprobs: [{ x: -1 }] } });
    // It still tells the likeliest token, which is none of the golden ones.
    expect(await asked(ignoring)).toEqual(ids.map(() => null));
  });

  it("reads an echo with and without the new token behind it", async () => {
    const echoed = (more: readonly number[]) => (): Reply =>
      choice({ logprobs: { token_logprobs: [null, -1, -2, -3, -4, -5, ...more] } });
    expect(await asked(echoed([]))).toEqual([null, -1, -2, -3, -4, -5]);
    await server!.close();
    expect(await asked(echoed([-9]), { protocol: "echo" })).toEqual([null, -1, -2, -3, -4, -5]);
  });

  it("reads SGLang's rows, and leaves out one that is of another token", async () => {
    const rows = ids.map((id, i) => [i === 0 ? null : -i, i === 4 ? 9 : id, null]);
    const sglang = ({ path }: ServedRequest): Reply =>
      path === "/generate" ? { body: { meta_info: { input_token_logprobs: rows } } } : nothing;
    expect(await asked(sglang)).toEqual([null, -1, -2, -3, null, -5]);
  });

  it("grows the prompt for llama.cpp: the golden token's log-prob by id, by text in its older form, unknown outside the list", async () => {
    const grown: number[][] = [];
    const newer = ({ path, body }: ServedRequest): Reply => {
      if (path !== "/completion") return nothing;
      const prompt = body["prompt"] as number[];
      grown.push(prompt);
      const next = prompt.length + 1;
      const top = [
        { id: 9, token: "six", logprob: -0.1 },
        ...(next === 4 ? [] : [{ id: next, token: "?", logprob: -next }]),
      ];
      return { body: { completion_probabilities: [{ id: 9, top_logprobs: top }] } };
    };
    // Positions 1 and 2 are before the edge; 3 and 5 are compared; token 4 is not in the list.
    expect(await asked(newer)).toEqual([null, -2, -3, null, null, -6]);
    expect(grown.map((prompt) => prompt.length)).toEqual([1, 2, 3, 5]);
    await server!.close();
    const older = ({ path }: ServedRequest): Reply => {
      if (path !== "/completion") return nothing;
      const probs = [
        { tok_str: "two", prob: 0.5 },
        { tok_str: "three", prob: 0.25 },
      ];
      return { body: { completion_probabilities: [{ content: "x", probs }] } };
    };
    expect(await asked(older)).toEqual([null, Math.log(0.5), null, null, null, null]);
  });

  it("takes the log of 0, as some servers write it, for unknown", async () => {
    const values = [null, -1, -9999, -3, -3.4e38, -5];
    expect(await asked(() => choice({ logprobs: { token_logprobs: values } }))).toEqual([null, -1, null, -3, null, -5]);
  });

  it("goes on to the next protocol when a server cuts the connection, and asks a busy one again", async () => {
    let busy = 0;
    const touchy = ({ path, body }: ServedRequest): Reply => {
      if ("prompt_logprobs" in body) return { cut: true, body: "" };
      if (path !== "/v1/completions") return nothing;
      busy += 1;
      return busy < 3
        ? { status: 503, body: "" }
        : choice({ logprobs: { token_logprobs: [null, -1, -2, -3, -4, -5] } });
    };
    expect((await asked(touchy))[5]).toBe(-5);
    expect(busy).toBe(3);
  });

  it("names what it tried when a server answers nothing of use, and the key when it lets nobody in", async () => {
    await expect(asked(() => nothing)).rejects.toThrow(/tried: prompt_logprobs.*SGLang.*llama\.cpp.*\[NETWORK\]/);
    await server!.close();
    await expect(asked(() => ({ status: 401, body: {} }))).rejects.toThrow(/answered 401.*--api-key-env/);
    await server!.close();
    await asked(() => choice({ logprobs: { token_logprobs: ids.map((id) => -id) } }), { apiKey: "secret" });
    expect(server!.requests.every(({ headers }) => headers.authorization === "Bearer secret")).toBe(true);
  });

  it("asks for a name where several models are served, and refuses an unknown protocol before asking anything", async () => {
    server = await startCompletionServer(() => ({ body: { data: [{ id: "a" }, { id: "b" }] } }));
    await expect(askEndpoint(certificate, { url: server.url })).rejects.toThrow(
      /serves 2 models: a, b.*--endpoint-model/,
    );
    await expect(askEndpoint(certificate, { url: server.url, protocol: "grpc" })).rejects.toThrow(/"grpc"/);
    expect(server.requests.length).toBe(1);
  });
});

describe("serverRoot", () => {
  it.each([
    ["http://127.0.0.1:8000", "http://127.0.0.1:8000"],
    ["http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000"],
    ["https://host/api/v1/completions", "https://host/api"],
    ["http://host:1/completion", "http://host:1"],
    ["http://host/generate", "http://host"],
  ])("of %s is %s", (address, root) => {
    expect(serverRoot(address)).toBe(root);
  });

  it("refuses what is no address", () => {
    expect(() => serverRoot("localhost:8000")).toThrow(/BAD_ARGUMENT/);
    expect(() => serverRoot("my model")).toThrow(/not a URL/);
  });
});

describe("servedFolder", () => {
  it("is what the server says it serves, wherever it says so, or null", async () => {
    const saying = async (documents: Readonly<Record<string, object>>): Promise<string | null> => {
      await server?.close();
      server = await startCompletionServer(({ path }) => ({ body: documents[path] ?? "" }));
      return servedFolder({ url: server.url });
    };
    expect(await saying({ "/v1/models": { data: [{ id: "m", root: "/models/a" }] } })).toBe("/models/a");
    expect(await saying({ "/get_model_info": { model_path: "/models/b" } })).toBe("/models/b");
    expect(await saying({ "/props": { model_path: "/models/c.gguf" } })).toBe("/models/c.gguf");
    expect(await saying({})).toBeNull();
  });
});
