// A source on Node's own http. How it answers is the last argument, or what was last asked for with
// GET /how/NAME:  node source.js PORT good|trailers|error|string
const http = require('http');
const answers = {
  good: (id, response) => response.end(`{"id":${id},"online":true}`),
  trailers(id, response) {
    response.writeHead(203, {'Trailer': 'X-Sum, Server-Timing'});
    response.write(`{"id":${id},`);
    response.write('"half":"\\ud83d","large":1e309,"online":true}');
    response.addTrailers({'X-Sum': '1', 'Server-Timing': 'db;dur=1', 'Content-Type': 'text/plain'});
    response.end();
  },
  error(id, response) {
    response.writeHead(500);
    response.end('{"error":"no database"}');
  },
  string: (id, response) => response.end(`{"id":"${id}","online":true}`),
};
let how = process.argv[3];
const server = http.createServer((request, response) => {
  const name = request.url.split('/').pop();
  if (!request.url.startsWith('/how/')) return answers[how](name, response);
  how = name;
  response.end('yes');
});
server.maxRequestsPerSocket = 7;
server.listen(Number(process.argv[2]), '127.0.0.1');
