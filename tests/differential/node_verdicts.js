// node_verdicts.js: what Node's HTTP server (llhttp, strict) makes of each input of a file.
//
//   node node_verdicts.js FILE SOCKET OUT
//
// FILE, and the lines of OUT, are those of verdicts.c.  Each input goes to a real server through a connection
// of its own, on a Unix socket, in one write, and then the client is done.  A request counts when
// the server has it whole.
'use strict';

const fs = require('fs');
const http = require('http');
const net = require('net');

const [, , file, socketPath, out] = process.argv;
const AT_A_TIME = 32;

function readInputs(bytes) {
  const inputs = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    inputs.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return inputs;
}

// Connections arrive in the order in which the clients connected: whose turn it is.
const waiting = [];

// Behind such a request llhttp reads no more of what came with it: it might be another protocol.
function asksForUpgrade({ headers }) {
  return 'upgrade' in headers && /(^|,) *upgrade *(,|$)/i.test(headers.connection);
}

const server = http.createServer({ insecureHTTPParser: false }, (request, response) => {
  const seen = request.socket.seen;
  const entry = { request, bodyLength: 0 };
  seen.requests.push(entry);
  request.on('data', (data) => { entry.bodyLength += data.length; });
  request.on('error', () => {}); // cut off: it does not count
  entry.ended = new Promise((resolve) => {
    request.on('end', resolve);
    request.on('close', resolve);
  });
  response.end();
});
server.keepAliveTimeout = 0;
server.timeout = 0;

server.on('connection', (socket) => {
  socket.seen = waiting.shift();
  socket.on('error', () => {}); // the client has gone: nothing to say
  socket.on('close', () => socket.seen.finish());
});

server.on('clientError', (error, socket) => {
  const seen = socket.seen;
  seen.error = seen.error || error.code || String(error);
  // What was whole before the error still reaches its handler; then the connection may go.
  const whole = seen.requests.filter((entry) => entry.request.complete);
  Promise.all(whole.map((entry) => entry.ended)).then(() => socket.destroy());
});

function judge(input) {
  return new Promise((resolve) => {
    const seen = { requests: [], error: null };
    seen.finish = () => {
      const requests = seen.requests
        .filter((entry) => entry.request.complete)
        .map(({ request, bodyLength }) => [request.method, request.url, request.httpVersionMinor, bodyLength]);
      const last = seen.requests.at(-1);
      resolve({ requests, end: seen.error || (last && asksForUpgrade(last.request) ? 'upgrade' : 'none') });
    };
    waiting.push(seen);
    const client = net.connect(socketPath, () => client.end(input));
    client.resume();
    client.on('error', () => {}); // the server closed first
  });
}

async function main() {
  const inputs = readInputs(fs.readFileSync(file));
  const verdicts = new Array(inputs.length);
  let next = 0;
  await new Promise((resolve) => server.listen(socketPath, resolve));
  async function work() {
    while (next < inputs.length) {
      const index = next++;
      verdicts[index] = await judge(inputs[index]);
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  fs.writeFileSync(out, verdicts.map((verdict) => JSON.stringify(verdict) + '\n').join(''));
  process.exit(0);
}

main();
