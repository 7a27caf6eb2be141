// The writing half of the loopback hub: pre-upload, large files by hash, and one commit of all.

import type http from "node:http";

type Files = { [path: string]: Buffer };

interface CommitLine {
  readonly key: string;
  readonly value: { readonly path: string; readonly content: string; readonly oid: string };
}

/** Answers a request of the upload protocol, or returns false. New files are put into `files`. */
export async function answerWrite(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  {
    repository,
    files,
    uploads,
    commit,
  }: { repository: string; files: Files; uploads: Map<string, Buffer>; commit: string },
): Promise<boolean> {
  const { pathname, origin } = new URL(request.url!, `http://${request.headers.host}`);
  const api = `/api/models/${repository}`;
  const send = (value: unknown): true => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
    return true;
  };
  if (request.method === "PUT" && pathname.startsWith("/upload/")) {
    uploads.set(pathname.slice("/upload/".length), await bodyOf(request));
    return send({});
  }
  if (pathname === api || pathname === "/api/repos/create") return send({ url: origin, id: repository });
  if (pathname === `${api}/preupload/main`) {
    const { files: asked } = JSON.parse((await bodyOf(request)).toString()) as { files: { path: string }[] };
    return send({
      files: asked.map(({ path }) => ({ path, uploadMode: path.endsWith(".safetensors") ? "lfs" : "regular" })),
    });
  }
  if (pathname === `/${repository}.git/info/lfs/objects/batch`) {
    const { objects } = JSON.parse((await bodyOf(request)).toString()) as { objects: { oid: string }[] };
    const place = (oid: string): object => ({ oid, actions: { upload: { href: `${origin}/upload/${oid}` } } });
    return send({ transfer: "basic", objects: objects.map(({ oid }) => place(oid)) });
  }
  if (pathname === `${api}/commit/main`) {
    for (const line of (await bodyOf(request)).toString().split("\n")) {
      const { key, value } = JSON.parse(line) as CommitLine;
      if (key === "file") files[value.path] = Buffer.from(value.content, "base64");
      if (key === "lfsFile") files[value.path] = uploads.get(value.oid)!;
    }
    return send({ commitOid: commit, commitUrl: `${origin}/${commit}` });
  }
  return false;
}

async function bodyOf(request: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
