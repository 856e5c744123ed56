import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';

/** One answer. `body` may be a stream that fails; then the connection is broken off. */
type Answer = {
  status: number;
  headers?: Record<string, string>;
  body?: string | AsyncIterable<Buffer>;
};

type Asked = { line: string; authorization: string | undefined; body: string };

/** A service that gives these answers, one after the other, and keeps what it was asked. */
export async function startAnswering(t: TestContext, answers: readonly Answer[]) {
  const asked: Asked[] = [];
  const left = [...answers];
  const server = createServer(async (request, response) => {
    asked.push(await describe(request));
    const { status = 599, headers = {}, body = '' } = left.shift() ?? {};
    response.writeHead(status, headers);
    if (typeof body === 'string') {
      response.end(body);
      return;
    }
    try {
      for await (const chunk of body) {
        response.write(chunk);
      }
      response.end();
    } catch {
      response.destroy();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  t.after(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, close };
}

async function describe(request: IncomingMessage): Promise<Asked> {
  const { method, url, headers } = request;
  return {
    line: `${method} ${url}`,
    authorization: headers.authorization,
    body: await text(request),
  };
}
