// Everything that a browser asks the network for, whichever part of it asks: all of it goes through this proxy.
import { createServer, request as forward } from "node:http";

export async function startProxy() {
  const asked = [];
  const server = createServer((request, response) => {
    const entry = { method: request.method, url: request.url, body: 0 };
    asked.push(entry);
    request.on("data", (chunk) => (entry.body += chunk.length));
    const onward = forward(request.url, { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.writeHead(502).end());
    request.pipe(onward);
  });
  // An encrypted connection to anywhere: noted, and refused.
  server.on("connect", ({ url }, socket) => {
    asked.push({ method: "CONNECT", url: `https://${url}/`, body: 0 });
    socket.on("error", () => undefined);
    socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: server.address().port,
    asked,
    close: () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); }),
  };
}
