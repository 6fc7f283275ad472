// What a service on Node's http costs: one process, the same body, as nginx's `return 200`.
"use strict";

const http = require("http");

const body = process.argv[2];
const headers = {
  "Cache-Control": "no-store",
  "Content-Type": "application/json",
  "Content-Length": Buffer.byteLength(body),
};

const server = http.createServer((request, response) => {
  response.writeHead(200, headers);
  response.end(body);
});
server.keepAliveTimeout = 0;
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  console.log(`127.0.0.1 ${server.address().port}`);
});
